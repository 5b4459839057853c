"""What every table of the settings file is; of its own, since settings are also defined beside what they govern."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the settings file; its unknown keys are errors too."""

    model_config = ConfigDict(extra="forbid")
