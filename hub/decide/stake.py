"""What is at stake where records become one customer, and whether that needs a second person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, text

from hub.sections.review import TwoPeopleSettings


@dataclass(frozen=True)
class Stake:
    """Open opportunities and open invoices per currency, and the number of source records."""

    money: Mapping[str, Decimal]
    records: int

    def above(self, limits: TwoPeopleSettings) -> bool:
        """Whether it needs two people: more money than a currency's limit, or more records."""
        if limits.records is not None and self.records > limits.records:
            return True
        return any(self.money.get(currency, Decimal(0)) > limit for currency, limit in limits.money.items())


def stakes(connection: Connection, groups: Mapping[int, Sequence[str]]) -> dict[int, Stake]:
    """What is at stake in each group of records; groups are disjoint."""
    refs = [(number, ref) for number, several in groups.items() for ref in several]
    rows = connection.execute(
        text(
            """WITH member AS (
                   SELECT * FROM unnest(CAST(:numbers AS int[]), CAST(:refs AS text[])) AS member (number, ref)
               )
               SELECT number, currency, sum(amount) FROM (
                   SELECT m.number, o.currency, o.amount
                   FROM member m JOIN canonical.opportunity o ON o.party_ref = m.ref
                   WHERE o.status = 'open' AND o.deleted_at IS NULL
                   UNION ALL
                   SELECT m.number, i.currency, i.remaining
                   FROM member m JOIN canonical.invoice i ON i.party_ref = m.ref
                   WHERE i.status = 'open' AND i.deleted_at IS NULL
               ) money WHERE currency IS NOT NULL AND amount IS NOT NULL GROUP BY number, currency"""
        ),
        {"numbers": [number for number, _ in refs], "refs": [ref for _, ref in refs]},
    )
    money: dict[int, dict[str, Decimal]] = {number: {} for number in groups}
    for number, currency, amount in rows:
        money[number][currency] = amount
    return {number: Stake(money[number], len(several)) for number, several in groups.items()}


def asked(limits: TwoPeopleSettings) -> bool:
    """Whether anything needs two people at all."""
    return limits.records is not None or bool(limits.money)
