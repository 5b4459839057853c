"""The section `review` of the settings."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from hub.model.kinds import Department, PartyKind
from hub.section import Section


class TwoPeopleSettings(Section):
    """Above what a merge needs a second person; nothing is set: never."""

    money: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[Decimal, Field(ge=0)]] = Field(
        default_factory=dict,
        description="per currency: open opportunities and open invoices of the customer that it would make",
    )
    records: int | None = Field(None, ge=1, description="how many source records that customer would have")


class Route(Section):
    """Pairs that fit are judged by these departments; what is left out fits every pair."""

    to: frozenset[Department] = Field(min_length=1, description="who judges them")
    source: str | None = Field(None, description="one of the two records comes from this source")
    kind: PartyKind | None = None
    department: Department | None = Field(None, description="one of the two records belongs to this department")


class ReviewSettings(Section):
    """Who judges which pairs, and how people who work at the same time stay out of each other's way."""

    routes: tuple[Route, ...] = Field(
        (), description="the first that fits a pair decides; without one, the departments of both records judge it"
    )
    claim_minutes: int = Field(10, ge=1, le=240, description="so long an opened pair is left to who opened it")
    two_people_above: TwoPeopleSettings = TwoPeopleSettings()
