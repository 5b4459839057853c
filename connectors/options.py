"""Options and credentials that every source over HTTP has; systems add theirs in their settings.py."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from hub.errors import ConfigurationError
from hub.settings import SourceSettings


class HttpOptions(BaseModel):
    """How to talk to a source. Waits are bounded: a run that has to wait longer ends and is tried again later."""

    model_config = ConfigDict(extra="forbid")

    streams: tuple[str, ...] | None = Field(None, description="read only these streams")
    retries: int = Field(7, ge=0, le=20, description="attempts after the first, for 408, 429, 5xx, broken connections")
    backoff_seconds: float = Field(0.5, ge=0, description="first wait; doubles each time, with jitter")
    max_wait_seconds: float = Field(60, ge=0, description="longest single wait, also for Retry-After")
    timeout_seconds: float = Field(60, gt=0, description="to connect, and between two bytes of an answer")


Options = TypeVar("Options", bound=HttpOptions)


def options_of(source: SourceSettings, shape: type[Options]) -> Options:
    """The source's options, checked.

    Raises:
        ConfigurationError: an option is unknown or out of range; says which, of which source.
    """
    try:
        return shape.model_validate(source.options)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"source {source.name}: options: {problems}") from None


def credential(source: SourceSettings, name: str) -> SecretStr:
    """The credential called `name`.

    Raises:
        ConfigurationError: the source has none; says which setting to fill.
    """
    if name not in source.credentials:
        raise ConfigurationError(f"source {source.name}: credentials.{name} is missing; {source.system} needs it")
    return source.credentials[name]
