"""What every table of the settings file is; of its own, since settings are also defined beside what they govern."""

import os

from pydantic import BaseModel, ConfigDict, SecretStr

from hub.errors import ConfigurationError


class Section(BaseModel):
    """A table of the settings file; its unknown keys are errors too."""

    model_config = ConfigDict(extra="forbid")


def resolved(key: str, value: SecretStr) -> SecretStr:
    """A secret, read from the environment where it is written as `env:NAME`; `key` is what it is called in errors.

    Raises:
        ConfigurationError: there is no such variable.
    """
    reference = value.get_secret_value()
    if not reference.startswith("env:"):
        return value
    name = reference.removeprefix("env:")
    if name not in os.environ:
        raise ConfigurationError(f"credential {key!r} points at the environment variable {name}, which is not set")
    return SecretStr(os.environ[name])
