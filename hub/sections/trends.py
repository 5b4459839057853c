"""The sections `trends` and `benefit` of the settings."""

from typing import Literal

from pydantic import Field

from hub.section import Section

Requirable = Literal[
    "name", "email", "phone", "street", "city", "region", "postcode", "country", "website", "tax_id", "birth_date",
    "language", "job_title",
]  # fmt: skip


class TrendsSettings(Section):
    """What the figures by day count; docs/trends.md tells where the numbers come from."""

    required_person: tuple[Requirable, ...] = Field(
        ("name", "email", "phone", "postcode", "country"), min_length=1, max_length=7,
        description="what every record of a person should say; `phone` is a landline or a mobile number",
    )  # fmt: skip
    required_organization: tuple[Requirable, ...] = Field(
        ("name", "street", "city", "country", "website"), min_length=1, max_length=7,
        description="what every record of an organization should say",
    )  # fmt: skip
    fresh_days: int = Field(365, ge=1, description="a record that changed at its source within so many days is fresh")
    settle_days: int = Field(
        1, ge=0, le=60, description="a fact that arrives within so many days after its own is not late"
    )


class BenefitSettings(Section):
    """How the benefit ledger counts; docs/trends.md tells where the numbers come from."""

    window_days: int = Field(90, ge=7, le=730, description="what is compared: so many days before the start, and now")
    first_days: int = Field(28, ge=7, le=365, description="the start of what begins with the hub: its first days")
    least_cases: int = Field(20, ge=1, description="fewer cases give no median, share or mean")
    least_ratings: int = Field(5, ge=3, description="fewer answers give no mean, so that nobody's can be guessed")
    session_gap_minutes: int = Field(
        5, ge=1, le=60, description="a judgement counts the time since the one before, and at most this"
    )
    ask_days: int = Field(30, ge=1, description="so many days lie between two times that somebody is asked to rate")
