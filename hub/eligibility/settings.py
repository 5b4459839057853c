"""The numbers of contact eligibility."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from hub.model.kinds import Channel, Department
from hub.section import Section


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is no time zone; write it as Europe/Berlin")
    return name


class EligibilitySettings(Section):
    """Contact eligibility; the rules and the origins of the defaults are in docs/eligibility.md."""

    complaint_days: int = Field(7, ge=0, description="after a complaint or badly rated ticket was solved")
    purchase_days: int = Field(30, ge=0, description="after a purchase, for its product line")
    declined_offer_days: int = Field(90, ge=0, description="after an offer was declined, for that offer")
    declined_group_days: int = Field(30, ge=0, description="after an offer was declined, for other offers")
    reply_days: int = Field(14, ge=0, description="after a reply or a meeting, for marketing")
    emails_per_week: int = Field(1, ge=1, description="within seven days of the customer's calendar")
    sms_per_week: int = Field(1, ge=1, description="the same for text messages")
    calls_per_week: int = Field(2, ge=1, description="the same for calls")
    opt_out_channels: frozenset[Channel] = Field(
        frozenset(), description="channels on which nobody has to consent: only an objection denies"
    )
    needed_departments: frozenset[Department] = Field(
        frozenset(Department), description="without a fresh reading of their sources, contacts are denied as stale"
    )
    stale_hours: int = Field(24, ge=1, description="so long after a stream was last read well its department is stale")
    ignored_streams: frozenset[str] = Field(
        frozenset(), description="streams, such as crm/Lead, that are no longer read and make nothing stale"
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field("UTC", description="of records that name no country")

    @property
    def per_week(self) -> dict[str, int]:
        """So many contacts a week; a channel that is not among them has no limit."""
        return {
            Channel.EMAIL: self.emails_per_week,
            Channel.SMS: self.sms_per_week,
            Channel.PHONE: self.calls_per_week,
        }

    @property
    def days_after(self) -> dict[str, int]:
        """By rule, so many days a hold goes on after it is over; of a declined offer for other offers."""
        return {
            "complaint": self.complaint_days,
            "bad_rating": self.complaint_days,
            "overdue": 0,
            "purchase": self.purchase_days,
            "declined": self.declined_group_days,
            "reply": self.reply_days,
        }
