"""The consents of a customer. No merge widens permission: between records, the strictest statement holds."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

from hub.model.kinds import ConsentStatus

# A withdrawal that names a mailbox is said by every record that has it, of any source. Takes `members`
# (golden_id, ref, email).
# OFFSET keeps it a look into an index for each: joined as a table is, 5,000 customers of a list took two seconds.
BY_MAILBOX = """
    SELECT m.golden_id, m.ref AS party_ref, said.* FROM {members} m CROSS JOIN LATERAL (
        SELECT c.ref, c.channel, c.purpose, c.status, c.recorded_at, c.mailbox
        FROM canonical.consent c WHERE c.mailbox = lower(m.email) AND c.status = 'withdrawn' OFFSET 0
    ) said"""
# It stands until the same mailbox permits the same again: no other consent of a record ends it. `valid` says of which
# consents, called `later`, that can be said.
STANDS = """NOT EXISTS (
    SELECT FROM canonical.consent later
    WHERE later.mailbox = said.mailbox AND (later.channel, later.purpose) = (said.channel, said.purpose)
      AND later.status = 'granted' AND later.recorded_at > said.recorded_at AND later.recorded_at <= {moment}
      AND {valid})"""


class Statement(NamedTuple):
    """What one source record says about one channel and purpose.

    `gone`: the statement or its record was deleted. `by_mailbox`: it is a withdrawal that stands for its mailbox.
    """

    party_ref: str
    ref: str
    channel: str
    purpose: str
    status: str
    recorded_at: dt.datetime
    gone: bool
    by_mailbox: bool = False

    @property
    def withdrawn(self) -> bool:
        return self.status == ConsentStatus.WITHDRAWN


def strictest(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    """What holds per channel and purpose, ordered by them: {channel, purpose, status, recorded_at (ISO 8601), ref}.

    Of one source record the latest statement counts; a withdrawal wins a tie. Between source records a withdrawal
    wins, however old it is. A grant ends with the record that holds it, a withdrawal outlives it. Nothing here asks for
    the time, so a withdrawal that a wrong clock dates into the future counts at once, as in hub.eligibility.rules.
    """
    held: dict[tuple[str, str], Statement] = {}
    for statement in latest(statements):
        key = (statement.channel, statement.purpose)
        if key not in held or _stricter(statement) > _stricter(held[key]):
            held[key] = statement
    return [_published(held[key]) for key in sorted(held)]


def latest(statements: Iterable[Statement]) -> list[Statement]:
    """What each record, and its mailbox, says by now per channel and purpose; grants that are gone say nothing."""
    found: dict[tuple[str, str, str, bool], Statement] = {}
    for statement in statements:
        if statement.gone and not statement.withdrawn:
            continue
        key = (statement.channel, statement.purpose, statement.party_ref, statement.by_mailbox)
        if key not in found or _later(statement) > _later(found[key]):
            found[key] = statement
    return list(found.values())


def _later(statement: Statement) -> tuple[dt.datetime, bool, str]:
    return statement.recorded_at, statement.withdrawn, statement.ref


def _stricter(statement: Statement) -> tuple[bool, dt.datetime, str]:
    return statement.withdrawn, statement.recorded_at, statement.ref


def _published(statement: Statement) -> dict[str, Any]:
    return {
        "channel": statement.channel,
        "purpose": statement.purpose,
        "status": statement.status,
        "recorded_at": statement.recorded_at.astimezone(dt.UTC).isoformat(),
        "ref": statement.ref,
    }
