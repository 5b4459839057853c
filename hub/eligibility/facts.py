"""What the rules need of a set of customers, from the facts of all their records: one statement, however many.

It is in the form of the driver, so that one text serves the API, which asks on the event loop, and everything else.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.eligibility import freshness
from hub.eligibility.question import Evidence, Rule
from hub.eligibility.rules import WEEK, Contact, Hold, Known
from hub.eligibility.settings import EligibilitySettings
from hub.eligibility.zones import zone_of
from hub.golden.consents import BY_MAILBOX, STANDS, Statement
from hub.golden.gather import OF_PARTY
from hub.model.kinds import Department, TouchOutcome

# ANY goes down into each branch of the view, where an index finds the few; a join would read all facts of everybody. An
# array that is not known when the plan is made is taken for a short one, so this holds for a long list as well. Each of
# the 16 scans sorts its array, by a collation: of 20,000 refs in no order that took as long as all that was read.
_OF_MEMBERS = "party_ref = ANY (CAST((SELECT members FROM refs) AS text[]))"
_OF_COUNTED = "party_ref = ANY (CAST((SELECT counted FROM refs) AS text[]))"

# Of a record that came again and does not fit, an older version is stored: what it says now, nobody knows. One that is
# gone at its source is mended by nobody there, and permits nothing any more.
_QUARANTINED = """LEFT JOIN landing.quarantine q ON q.resolved_at IS NULL AND {it}.deleted_at IS NULL
            AND q.source = {it}.source AND q.stream = {it}.stream AND q.source_id = {it}.source_id"""
_UNREAD = "CASE WHEN q.quarantine_id IS NOT NULL THEN least(q.first_seen_at, %(as_of)s) END AS unread"

# What lifts a withdrawal by mailbox: a consent that can be read, of a record that is there, or of none.
_READABLE = """later.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM canonical.party h WHERE h.ref = later.party_ref AND h.deleted_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM landing.quarantine q WHERE q.resolved_at IS NULL
        AND (q.source, q.stream, q.source_id) = (later.source, later.stream, later.source_id))"""
_STANDING = f"""{BY_MAILBOX.format(members="member")} WHERE {STANDS.format(moment="%(as_of)s", valid=_READABLE)}"""

# Everything else is over when it is there: told to the planner, it lets an index find what is recent.
_OPEN_ENDED = f"('{Rule.COMPLAINT}', '{Rule.BAD_RATING}', '{Rule.OVERDUE}')"

# Parts are told apart by `what`. An id that was merged away leads to its survivor; one that was retired, or never
# given, to nobody. What was overdue is over once it is paid.
QUERY = f"""
    WITH RECURSIVE chain AS (
        SELECT g.golden_id AS asked, g.golden_id, g.status, g.survivor, 0 AS hops
        FROM identity.golden_id g WHERE g.golden_id = ANY (CAST((SELECT CAST(%(ids)s AS uuid[])) AS uuid[]))
        UNION ALL
        SELECT chain.asked, g.golden_id, g.status, g.survivor, chain.hops + 1
        FROM chain JOIN identity.golden_id g ON g.golden_id = chain.survivor
        WHERE chain.status = 'merged' AND chain.hops < 1000
    ),
    home AS MATERIALIZED (SELECT asked, golden_id FROM chain WHERE status = 'active'),
    member AS MATERIALIZED (
        SELECT m.golden_id, p.country, {_UNREAD}, {OF_PARTY}
        FROM (SELECT DISTINCT golden_id FROM home) h
        JOIN identity.membership m ON m.golden_id = h.golden_id AND m.until IS NULL
        JOIN canonical.party p USING (party_id)
        {_QUARANTINED.format(it="p")}
    ),
    refs AS MATERIALIZED (
        SELECT array_agg(ref ORDER BY ref) AS members, array_agg(ref ORDER BY ref) FILTER (WHERE counted) AS counted
        FROM member
    )
    SELECT 'home' AS what, asked, golden_id, CAST(NULL AS text) AS party_ref, CAST(NULL AS text) AS ref,
           CAST(NULL AS text) AS kind, CAST(NULL AS text) AS said, CAST(NULL AS text) AS topic,
           CAST(NULL AS timestamptz) AS at, CAST(NULL AS timestamptz) AS until, CAST(NULL AS boolean) AS living
    FROM home
    UNION ALL
    SELECT 'member', NULL, golden_id, ref, NULL, country, department, NULL, NULL, unread, living FROM member
    UNION ALL
    SELECT 'said', NULL, NULL, party_ref, ref, channel, purpose, status, recorded_at, {_UNREAD}, deleted_at IS NULL
    FROM canonical.consent c {_QUARANTINED.format(it="c")} WHERE {_OF_MEMBERS}
    UNION ALL
    SELECT 'mailbox', NULL, NULL, party_ref, ref, channel, purpose, status, recorded_at, NULL, NULL
    FROM ({_STANDING}) AS standing
    UNION ALL
    SELECT 'hold', NULL, NULL, party_ref, ref, rule, department, topic, since, counted_from, NULL
    FROM canonical.contact_hold
    WHERE {_OF_COUNTED} AND removed_at IS NULL
      AND since <= %(as_of)s AND (counted_from > %(oldest_hold)s OR counted_from IS NULL AND rule IN {_OPEN_ENDED})
      AND (rule <> 'overdue' OR counted_from IS NULL OR counted_from > %(as_of)s)
    UNION ALL
    SELECT 'touch', NULL, NULL, party_ref, ref, channel, campaign, NULL, touched_at, NULL, NULL
    FROM canonical.touch
    WHERE {_OF_COUNTED} AND deleted_at IS NULL AND outcome <> %(bounced)s
      AND touched_at > %(oldest_touch)s AND touched_at <= %(as_of)s
    UNION ALL
    SELECT 'ticket', NULL, NULL, party_ref, ref, NULL, NULL, NULL, {_UNREAD}, NULL, NULL
    FROM canonical.ticket t {_QUARANTINED.format(it="t")}
    WHERE {_OF_COUNTED} AND q.quarantine_id IS NOT NULL
    UNION ALL
    SELECT 'stream', NULL, NULL, stream, NULL, department, NULL, NULL, read_at, NULL, NULL
    FROM ({freshness.READ}) AS streams"""


Member = tuple[Known, bool, Department]  # whose record it is, whether it lives, and of which department

# A dictionary is ten times as quick as the call of an enum, and a list has a hold for every other customer.
_RULES = {one.value: one for one in Rule}
_DEPARTMENTS = {one.value: one for one in Department}


class Customers(NamedTuple):
    """`homes`: where each asked id leads; one that leads to nobody is left out. `known`: by the ids that they lead to;
    a customer without any record is left out. `stale`: departments that were not read for too long.
    """

    homes: dict[uuid.UUID, uuid.UUID]
    known: dict[uuid.UUID, Known]
    stale: frozenset[Department]

    def of(self, asked: uuid.UUID) -> tuple[uuid.UUID | None, Known | None]:
        """Whom an id leads to, and what is known of them."""
        home = self.homes.get(asked)
        return home, self.known.get(home) if home else None


def values(ids: Collection[uuid.UUID], settings: EligibilitySettings, as_of: dt.datetime) -> dict[str, Any]:
    """What QUERY takes."""
    longest = max(*settings.days_after.values(), settings.declined_offer_days)
    return {
        "ids": list(set(ids)),
        "as_of": as_of,
        "oldest_hold": as_of - dt.timedelta(days=longest),
        # Two days more than a week: a day ends up to a day later elsewhere.
        "oldest_touch": as_of - dt.timedelta(days=WEEK + 2),
        "bounced": TouchOutcome.BOUNCED.value,
    }


def customers(rows: Iterable[Sequence[Any]], settings: EligibilitySettings, as_of: dt.datetime) -> Customers:
    """What the rows of QUERY tell."""
    parts: dict[str, list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        parts[row[0]].append(row)
    found: dict[uuid.UUID, Known] = {}
    by_ref: dict[str, Member] = {}
    for _, _, golden_id, ref, _, country, department, _, _, unread, living in parts["member"]:
        one = found.get(golden_id) or found.setdefault(golden_id, Known())
        by_ref[ref] = one, living, _DEPARTMENTS[department]
        if unread:
            one.unread.append(Evidence(ref, _DEPARTMENTS[department], unread))
        one.zones.add(zone_of(country, settings.time_zone))
        if living:
            one.living.append(ref)
    _add_facts(parts, by_ref)
    homes = {row[1]: row[2] for row in parts["home"]}
    read = [(row[3], row[8], row[5]) for row in parts["stream"]]
    return Customers(homes, found, freshness.late(read, settings, as_of))


def _add_facts(parts: Mapping[str, list[Sequence[Any]]], by_ref: Mapping[str, Member]) -> None:
    for _, _, _, party_ref, ref, channel, purpose, status, recorded_at, unread, living in parts["said"]:
        one, lives, department = by_ref[party_ref]  # a grant ends with the record that holds it
        gone = not (living and lives)
        one.statements.append(Statement(party_ref, ref, channel, purpose, status, recorded_at, gone))
        if unread:
            one.unread.append(Evidence(ref, department, unread))
    for _, _, _, party_ref, ref, channel, purpose, status, recorded_at, _, _ in parts["mailbox"]:
        said = Statement(party_ref, ref, channel, purpose, status, recorded_at, gone=False, by_mailbox=True)
        by_ref[party_ref][0].statements.append(said)
    for _, _, _, party_ref, ref, _, _, _, unread, _, _ in parts["ticket"]:  # it may be open again, or a complaint now
        by_ref[party_ref][0].unread.append(Evidence(ref, Department.SUPPORT, unread))
    for _, _, _, party_ref, ref, rule, department, topic, since, counted_from, _ in parts["hold"]:
        hold = Hold(_RULES[rule], _DEPARTMENTS[department], ref, since, counted_from, topic)
        by_ref[party_ref][0].holds.append(hold)
    for _, _, _, party_ref, ref, channel, campaign, _, touched_at, _, _ in parts["touch"]:
        by_ref[party_ref][0].contacts.append(Contact(ref, channel, campaign, touched_at))


def read(
    connection: Connection, ids: Collection[uuid.UUID], settings: EligibilitySettings, as_of: dt.datetime
) -> Customers:
    """What is known of the customers that these ids lead to."""
    return customers(connection.exec_driver_sql(QUERY, values(ids, settings, as_of)), settings, as_of)
