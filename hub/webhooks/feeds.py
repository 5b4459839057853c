"""The two feeds that a webhook may follow, each ordered by a sequence: changes of customers, what becomes of runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub import announcements
from hub.golden import read
from hub.webhooks import event
from hub.webhooks.event import Event
from hub.webhooks.state import Hook


@dataclass(frozen=True)
class Feed:
    """`operations` are what a webhook may choose among; `newest` is the last sequence that there is.

    `between(connection, hook, upper, limit)`: what the webhook is about, behind its position and up to `upper`, with
    the sequence of each.
    """

    operations: tuple[str, ...]
    newest: Callable[[Connection], int]
    between: Callable[[Connection, Hook, int, int], Sequence[tuple[int, Event]]]


def _changes(connection: Connection, hook: Hook, upper: int, limit: int) -> Sequence[tuple[int, Event]]:
    rows = read.changes(
        connection, after=hook.position, up_to=upper, limit=limit, operations=hook.operations,
        department=hook.department,
    )  # fmt: skip
    return [(row["sequence"], event.of_change(row)) for row in rows]


_ANNOUNCED = """
    SELECT sequence, kind, run_id, data, happened_at FROM ops.announcement
    WHERE sequence > :after AND sequence <= :upper AND (:every OR kind = ANY(:kinds)) ORDER BY sequence LIMIT :limit"""


def _publications(connection: Connection, hook: Hook, upper: int, limit: int) -> Sequence[tuple[int, Event]]:
    given = {
        "after": hook.position, "upper": upper, "limit": limit, "every": not hook.operations, "kinds": hook.operations,
    }  # fmt: skip
    rows = connection.execute(text(_ANNOUNCED), given).mappings()
    return [(row["sequence"], event.of_announcement(row)) for row in rows]


FEEDS = {
    "changes": Feed(("created", "changed", "merged", "split", "erased"), read.newest_change, _changes),
    "publications": Feed(("held", "published", "failed"), announcements.newest, _publications),
}
