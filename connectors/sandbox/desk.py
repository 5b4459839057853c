"""Where the rows of one group of customers are put together: randomness, the moment, running numbers."""

from collections import Counter
from random import Random
from typing import Any

from connectors.sandbox import ids, moments
from connectors.sandbox.defects import spoiled
from connectors.sandbox.store import Link, Row

LATE = 60 * moments.SECOND


class Desk:
    """Collects the rows of a group. `since`..`now` is the span in which things happened, ms.

    `broken` tells which hygiene rule a deal or a customer breaks on purpose. `counters` holds the last running number
    per object and is shared by all desks of a world.
    """

    def __init__(self, rng: Random, since: int, now: int, counters: Counter[str], grp: int = 0) -> None:
        self.rng, self.since, self.now, self.counters, self.grp = rng, since, now, counters, grp
        self.rows: list[Row] = []
        self.links: list[Link] = []
        self.belongs: list[tuple[str, str]] = []
        self.broken: list[tuple[str, str]] = []
        self.used_mail: set[tuple[str, str]] = set()

    def next(self, object_: str) -> int:
        self.counters[object_] += 1
        return self.counters[object_]

    def moment(self, after: int | None = None) -> int:
        """A whole second between `after` (default: since) and now."""
        start = max(self.since, after or 0)
        return (start + int(self.rng.random() * max(0, self.now - start))) // 1_000 * 1_000

    def stamp(self, created: int) -> int:
        """When it was last changed: some at a mass update, so that many rows share the stamp; a few just now."""
        draw = self.rng.random()
        if draw < 0.005:
            return max(created, self.now - 1_000 * self.rng.randrange(1, 50))
        if draw < 0.16:
            masses = [self.since + (self.now - self.since) * part // 10 // 1_000 * 1_000 for part in (3, 5, 8, 9)]
            later = [moment for moment in masses if moment >= created]
            return self.rng.choice(later) if later else created
        if draw < 0.45:
            return created
        return self.moment(created)

    def add(
        self, object_: str, seq: int, created: int, stamp: int, data: dict[str, Any], *,
        entity: str | None = None, kind: str | None = None, deleted: int = 0,
    ) -> Row:  # fmt: skip
        """Keep a row. A late Salesforce transaction shows minutes after its stamp."""
        visible = stamp
        if object_.startswith("salesforce.") and stamp > self.now - 5 * moments.MINUTE and self.rng.random() < 0.5:
            visible = stamp + 8 * moments.MINUTE
        row = Row(object_, ids.make(object_, seq), seq, created, stamp, visible, deleted, self.grp, entity, kind, data)
        self.rows.append(row)
        return row

    def finished(self) -> list[Row]:
        """All rows, in order; 3 per mille are spoiled, as in any real system."""
        return [
            row._replace(data=spoiled(self.rng, row.object, row.data)) if self.rng.random() < 0.003 else row
            for row in self.rows
        ]

    def put(self, row: Row) -> None:
        """Replace the row of the same object and number."""
        for place, kept in enumerate(self.rows):
            if (kept.object, kept.seq) == (row.object, row.seq):
                self.rows[place] = row
                return
        raise KeyError((row.object, row.seq))

    def unique_mail(self, system: str, wanted: str, spare: str) -> str:
        """HubSpot and Zendesk refuse a second record with the same mail address."""
        for mail in (wanted, spare, ""):
            if not mail or (system, mail.lower()) not in self.used_mail:
                if "@" in mail:
                    self.used_mail.add((system, mail.lower()))
                return mail
        return ""

    def link(self, one: tuple[str, int], other: tuple[str, int], label: str, back: str) -> None:
        """A HubSpot association, both directions."""
        self.links.append(Link(*one, *other, label))
        self.links.append(Link(*other, *one, back))
