"""What the rules need of a set of customers, from the facts of all their records: a few statements, however many."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.eligibility.question import Rule
from hub.eligibility.rules import WEEK, Contact, Hold, Known
from hub.eligibility.settings import EligibilitySettings
from hub.eligibility.zones import zone_of
from hub.golden.consents import Statement
from hub.golden.gather import OF_PARTY
from hub.model.kinds import Department, TouchOutcome

# An id that was merged away leads to its survivor; one that was retired, or never given, to nobody.
_HOMES = """
    WITH RECURSIVE chain AS (
        SELECT g.golden_id AS asked, g.golden_id, g.status, g.survivor, 0 AS hops
        FROM unnest(CAST(:ids AS uuid[])) AS a (id) JOIN identity.golden_id g ON g.golden_id = a.id
        UNION ALL
        SELECT chain.asked, g.golden_id, g.status, g.survivor, chain.hops + 1
        FROM chain JOIN identity.golden_id g ON g.golden_id = chain.survivor
        WHERE chain.status = 'merged' AND chain.hops < 1000
    )
    SELECT asked, golden_id FROM chain WHERE status = 'active'"""
_MEMBERS = f"""
    SELECT m.golden_id, p.country, {OF_PARTY}
    FROM unnest(CAST(:ids AS uuid[])) AS a (id)
    JOIN identity.membership m ON m.golden_id = a.id AND m.until IS NULL
    JOIN canonical.party p USING (party_id)"""
_STATEMENTS = """
    SELECT c.party_ref, c.ref, c.channel, c.purpose, c.status, c.recorded_at, c.deleted_at IS NOT NULL AS gone
    FROM unnest(CAST(:refs AS text[])) AS a (ref) JOIN canonical.consent c ON c.party_ref = a.ref"""
# ANY goes down into each branch of the view, where an index finds the few; a join would read all facts of everybody.
_HOLDS = """
    SELECT h.party_ref, h.rule, h.department, h.ref, h.since, h.counted_from, h.topic
    FROM canonical.contact_hold h
    WHERE h.party_ref = ANY (CAST(:refs AS text[])) AND h.removed_at IS NULL
      AND h.since <= :as_of AND (h.counted_from IS NULL OR h.counted_from > :oldest)"""
_CONTACTS = """
    SELECT t.party_ref, t.ref, t.channel, t.campaign, t.touched_at
    FROM unnest(CAST(:refs AS text[])) AS a (ref) JOIN canonical.touch t ON t.party_ref = a.ref
    WHERE t.deleted_at IS NULL AND t.outcome <> :bounced AND t.touched_at > :oldest AND t.touched_at <= :as_of"""


def homes(connection: Connection, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Where each id leads; ids that lead to nobody are left out."""
    return dict(connection.execute(text(_HOMES), {"ids": list(ids)}).tuples().all())


def known(
    connection: Connection, golden_ids: Collection[uuid.UUID], settings: EligibilitySettings, as_of: dt.datetime
) -> dict[uuid.UUID, Known]:
    """What is known of each of these customers; one without any record is left out."""
    members = connection.execute(text(_MEMBERS), {"ids": list(golden_ids)}).all()
    found: dict[uuid.UUID, Known] = {}
    by_ref: dict[str, tuple[Known, Row[Any]]] = {}
    for member in members:
        one = found.setdefault(member.golden_id, Known())
        by_ref[member.ref] = one, member
        one.zones.add(zone_of(member.country, settings.time_zone))
        if member.living:
            one.living.append(member.ref)
    _add_statements(connection, by_ref)
    counted = [ref for ref, (_, member) in by_ref.items() if member.counted]
    longest = max(*settings.days_after.values(), settings.declined_offer_days)
    given = {"refs": counted, "as_of": as_of, "oldest": as_of - dt.timedelta(days=longest)}
    for party_ref, rule, department, *of in connection.execute(text(_HOLDS), given):
        by_ref[party_ref][0].holds.append(Hold(Rule(rule), Department(department), *of))
    # Two days more than a week: a day ends up to a day later elsewhere.
    given |= {"oldest": as_of - dt.timedelta(days=WEEK + 2), "bounced": TouchOutcome.BOUNCED}
    for party_ref, *of in connection.execute(text(_CONTACTS), given):
        by_ref[party_ref][0].contacts.append(Contact(*of))
    return found


def _add_statements(connection: Connection, by_ref: dict[str, tuple[Known, Row[Any]]]) -> None:
    """A grant ends with the record that holds it."""
    for row in connection.execute(text(_STATEMENTS), {"refs": list(by_ref)}):
        said = Statement(*row)
        one, member = by_ref[said.party_ref]
        one.statements.append(said if member.living else said._replace(gone=True))
