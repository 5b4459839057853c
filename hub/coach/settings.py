"""The section `coach` of the settings."""

import datetime as dt
from decimal import Decimal

from pydantic import Field, model_validator

from hub.section import Section


class CoachSettings(Section):
    """How flags help the people who own the deals; origins of the defaults are in docs/coach.md."""

    private_days: int = Field(3, ge=1, le=30, description="working days on which only the owner sees a new flag")
    country: str | None = Field(
        None, pattern="^[A-Z]{2}$", description="its weekends and holidays are no working days; unset: Saturday, Sunday"
    )
    region: str | None = Field(None, description="part of the country with holidays of its own, such as BY")
    days_off: tuple[dt.date, ...] = Field((), description="further days that are no working days")
    longest_snooze_days: int = Field(30, ge=1, le=365, description="until how many days from today one may snooze")
    mute_share: Decimal = Field(
        Decimal("0.30"), gt=0, le=1, description="from this share of answers that say wrong, a rule mutes itself"
    )
    mute_after: int = Field(10, ge=1, description="so many answers are needed before a rule mutes itself")
    mute_days: int = Field(90, ge=1, description="answers of so many days count")
    team_minimum: int = Field(5, ge=2, description="figures are shown for groups of so many owners or more")

    @model_validator(mode="after")
    def _possible(self) -> "CoachSettings":
        if self.region is not None and self.country is None:
            raise ValueError("coach.region needs coach.country")
        return self
