"""Who may merge, split and undo: who answers for a record of every customer concerned."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.access import Principal
from hub.errors import NotAllowedError


def demand(who: Principal, departments: Mapping[str, Iterable[str]]) -> None:
    """Raise NotAllowedError unless `who` answers for a department of every customer; `departments` is by golden id."""
    if any(not any(map(who.answers_for, theirs)) for theirs in departments.values()):
        raise NotAllowedError(
            "one of these customers has no record of a department that you answer for; ask somebody who does"
        )


def of_customers(connection: Connection, refs: Sequence[str]) -> dict[str, set[str]]:
    """The departments that have a record of each customer that these records belong to now."""
    rows = connection.execute(
        text(
            """SELECT CAST(other.golden_id AS text), p.department
               FROM canonical.party own JOIN identity.membership m ON m.party_id = own.party_id AND m.until IS NULL
               JOIN identity.membership other ON other.golden_id = m.golden_id AND other.until IS NULL
               JOIN canonical.party p ON p.party_id = other.party_id
               WHERE own.ref = ANY(:refs)"""
        ),
        {"refs": list(refs)},
    )
    found: dict[str, set[str]] = {}
    for golden_id, department in rows:
        found.setdefault(golden_id, set()).add(department)
    return found
