"""The members of a compose chunk and what survives of them."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from hub.golden.consents import BY_MAILBOX, STANDS, Statement, strictest
from hub.golden.policy import ATTRIBUTES, Policy
from hub.golden.survivorship import Golden, Manual, Member, survive

OF_PARTY = """p.ref, p.email, p.department, p.source_updated_at, p.owner_name,
    p.deleted_at IS NULL AND p.merged_into_ref IS NULL AS living,
    p.deleted_at IS NULL OR p.merged_into_ref IS NOT NULL AS counted"""

# Dates of the future count here as they do for all that is said: nothing of a golden record waits for a day.
_STANDING = f"""{BY_MAILBOX.format(members="member")}
    WHERE {STANDS.format(moment="'infinity'", valid="later.deleted_at IS NULL")}"""


def members(connection: Connection) -> None:
    """Fill the temporary table `member` with the parties that belong to the customers in `composing` now.

    `living`: still a record of its own at its source. `counted`: its facts count, see `hub.golden.facets`.
    """
    connection.execute(
        text(
            f"""CREATE TEMP TABLE member ON COMMIT DROP AS
               SELECT g.golden_id, {OF_PARTY}
               FROM composing c
               JOIN identity.golden_id g ON g.golden_id = c.golden_id AND g.status = 'active'
               JOIN identity.membership m ON m.golden_id = g.golden_id AND m.until IS NULL
               JOIN canonical.party p ON p.party_id = m.party_id"""
        )
    )
    connection.execute(text("ANALYZE member"))


@dataclass(frozen=True)
class Rules:
    """What decides which values survive, and the moment at which manual values that are over end."""

    policy: Policy
    priority: Sequence[str]
    as_of: dt.datetime


def picked(connection: Connection, columns: Sequence[str], rules: Rules) -> Iterator[list[Any]]:
    """One row of `columns` per customer in `member`: everything of the golden record but the facets.

    All is read before the first row is given, since the connection is busy while the rows are copied back.
    """
    consents, manual = _consents(connection), _manual(connection, rules.as_of)
    rows = connection.execute(
        text(
            f"""SELECT m.golden_id, g.kind, m.ref, m.department, m.living,
                       employed.golden_id AS employer_id, above.golden_id AS parent_id,
                       coalesce(p.source_updated_at, p.source_created_at) AS updated_at,
                       {", ".join(f"p.{name}" for name in ATTRIBUTES)}
                FROM member m
                JOIN identity.golden_id g ON g.golden_id = m.golden_id
                JOIN canonical.party p ON p.ref = m.ref
                LEFT JOIN canonical.party employer ON employer.ref = p.employer_ref
                LEFT JOIN identity.membership employed
                    ON employed.party_id = employer.party_id AND employed.until IS NULL
                LEFT JOIN canonical.party parent ON parent.ref = p.parent_ref
                LEFT JOIN identity.membership above ON above.party_id = parent.party_id AND above.until IS NULL
                ORDER BY m.golden_id, m.ref"""
        )
    )
    by_customer = groupby(rows.mappings().all(), key=itemgetter("golden_id"))
    records = (
        (golden_id, _record(list(group), consents.get(golden_id, []), manual.get(golden_id, {}), rules))
        for golden_id, group in by_customer
    )
    return (
        [golden_id if name == "golden_id" else record.get(name) for name in columns] for golden_id, record in records
    )


def _record(
    rows: list[RowMapping], consents: list[Statement], manual: dict[str, Manual], rules: Rules
) -> dict[str, Any]:
    parties = [Member(row["ref"], row["department"], row["living"], row["updated_at"], dict(row)) for row in rows]
    golden = survive(parties, rules.policy[rows[0]["kind"]], rules.priority, manual)
    _name(golden, "employer", {row["ref"]: row["employer_id"] for row in rows})
    # Of two companies that became one customer, none belongs to the other any more.
    own = rows[0]["golden_id"]
    _name(golden, "parent", {row["ref"]: None if row["parent_id"] == own else row["parent_id"] for row in rows})
    return golden.values | {
        "kind": rows[0]["kind"],
        "departments": sorted({row["department"] for row in rows if row["living"]}),
        "members": sorted(row["ref"] for row in rows),
        "consents": strictest(consents),
        "provenance": golden.provenance,
    }


def _name(golden: Golden, what: str, ids: dict[str, uuid.UUID | None]) -> None:
    """What survived is a ref of the source; what is published is the customer that it leads to."""
    if golden.values.pop(f"{what}_ref", None) is not None:
        golden.values[f"{what}_id"] = ids[golden.provenance[f"{what}_ref"]["ref"]]
    if f"{what}_ref" in golden.provenance:
        golden.provenance[f"{what}_id"] = golden.provenance.pop(f"{what}_ref")


def _consents(connection: Connection) -> dict[uuid.UUID, list[Statement]]:
    rows = connection.execute(
        text(
            f"""SELECT m.golden_id, m.ref AS party_ref, c.ref, c.channel, c.purpose, c.status, c.recorded_at,
                       c.deleted_at IS NOT NULL OR NOT m.living AS gone, false
                FROM member m JOIN canonical.consent c ON c.party_ref = m.ref
                UNION ALL
                SELECT golden_id, party_ref, ref, channel, purpose, status, recorded_at, false, true
                FROM ({_STANDING}) standing"""
        )
    )
    found: dict[uuid.UUID, list[Statement]] = defaultdict(list)
    for golden_id, *statement in rows:
        found[golden_id].append(Statement(*statement))
    return found


def _manual(connection: Connection, as_of: dt.datetime) -> dict[uuid.UUID, dict[str, Manual]]:
    """What holds of each customer, by group; of several records' the last that was said."""
    rows = connection.execute(
        text(
            """SELECT m.golden_id, v.attributes, v.ref, v.said, v.replaced
               FROM member m JOIN golden.manual_value v USING (ref)
               WHERE v.ended_at IS NULL AND (v.until IS NULL OR v.until > :as_of) ORDER BY v.manual_id"""
        ),
        {"as_of": as_of},
    )
    found: dict[uuid.UUID, dict[str, Manual]] = defaultdict(dict)
    for golden_id, group, ref, said, replaced in rows:
        found[golden_id][group] = Manual(ref, _typed(said), replaced)
    return found


def _typed(said: dict[str, Any]) -> dict[str, Any]:
    born = said.get("birth_date")
    return said | {"birth_date": dt.date.fromisoformat(born)} if born else said
