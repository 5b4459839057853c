"""Compose: from the members and facts of a customer to its golden record, written aside for the checks to audit.

A chunk of the queue is one transaction: the composed rows are written, the ids that changed are queued for publish
and the queue's rows are removed, or none of it. A killed run leaves the rest of the queue for the next one.

A party that was deleted at its source stays a member, so that its ref resolves, but its values lose against those of
any living party. A customer of whom no source keeps a record any more stays published, with no departments and no
grants: what it paid is still true, and nobody may contact it.
"""

import datetime as dt
import hashlib
import json
import logging
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from hub.db import bulk, locks
from hub.db.tables import golden
from hub.eligibility import leaks
from hub.eligibility.settings import EligibilitySettings
from hub.golden import facets, gather
from hub.progress import Progress, Step
from hub.settings import Settings
from hub.uncollected import uncollected

log = logging.getLogger(__name__)

CHUNK = 10_000
"""Customers per transaction: about 30 MB of rows in memory, and a second or two lost to a kill."""

PICKED = tuple(
    column.name
    for column in golden.ComposedCustomer.__table__.columns
    if column.name not in {"composed_at", "content_hash", *facets.QUERIES}
)


@dataclass(frozen=True)
class ComposeReport:
    """Customers looked at; golden records that were new, that differ from those composed before, and removed ones."""

    composed: int = 0
    created: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: "ComposeReport") -> "ComposeReport":
        return ComposeReport(
            self.composed + other.composed,
            self.created + other.created,
            self.changed + other.changed,
            self.removed + other.removed,
        )


def compose(
    engine: Engine, settings: Settings, *, run_id: str, as_of: dt.datetime, progress: Progress, chunk: int = CHUNK
) -> ComposeReport:
    """Empty the queue golden.to_compose, and compose what time alone changed until `as_of`.

    Composing anew what did not change writes nothing. `chunk` is in customers.
    """
    rules = gather.Rules(settings.survivorship.policy(), settings.source_priority, as_of)
    with engine.begin() as connection:
        total = _let_time_pass(connection, as_of) + _heed_settings(connection, rules, settings.eligibility)
    report = ComposeReport()
    while True:
        progress(Step("compose", "customers", report.composed, max(total, report.composed)))
        with uncollected(), engine.begin() as connection:
            part = _compose_chunk(connection, rules, chunk)
        if part.composed == 0:
            log.info("run %s composed %d customers: %s", run_id, report.composed, report)
            return report
        report += part


def _take_turns(connection: Connection) -> None:
    locks.alone(connection, "golden.to_compose")
    connection.execute(text("SET LOCAL timezone = 'UTC'"))


def _let_time_pass(connection: Connection, as_of: dt.datetime) -> int:
    """Queue the customers of whom an invoice fell due, or a manual value is over; returns the length of the queue."""
    _take_turns(connection)
    connection.execute(
        text(
            """INSERT INTO golden.to_compose (golden_id)
               SELECT DISTINCT m.golden_id
               FROM golden.compose_state s
               JOIN canonical.invoice i ON i.due_at >= least(s.as_of, :as_of) AND i.due_at < greatest(s.as_of, :as_of)
               JOIN canonical.party p ON p.ref = i.party_ref
               JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE i.status = 'open' AND i.deleted_at IS NULL
               UNION
               SELECT m.golden_id
               FROM golden.compose_state s
               JOIN golden.manual_value v ON v.until > least(s.as_of, :as_of) AND v.until <= greatest(s.as_of, :as_of)
               JOIN canonical.party p USING (ref)
               JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE v.ended_at IS NULL
               ON CONFLICT DO NOTHING"""
        ),
        {"as_of": as_of},
    )
    connection.execute(
        text(
            """INSERT INTO golden.compose_state AS s (id, as_of) VALUES (1, :as_of)
               ON CONFLICT (id) DO UPDATE SET as_of = excluded.as_of WHERE s.as_of <> excluded.as_of"""
        ),
        {"as_of": as_of},
    )
    return int(connection.execute(text("SELECT count(*) FROM golden.to_compose")).scalar_one())


def _heed_settings(connection: Connection, rules: gather.Rules, eligibility: EligibilitySettings) -> int:
    """Queue everybody if the rules of survivorship or of contacts are others than before; returns how many that are."""
    groups = {kind: [(g.name, g.rules, sorted(g.prefer)) for g in groups] for kind, groups in rules.policy.items()}
    told = json.dumps([groups, list(rules.priority)], sort_keys=True)
    known = {"policy": hashlib.sha256(told.encode()).hexdigest()}
    changed = connection.execute(
        text("UPDATE golden.compose_state SET policy = :policy WHERE policy IS DISTINCT FROM :policy"), known
    )
    if not leaks.heed(connection, eligibility) and not changed.rowcount:
        return 0
    return connection.execute(
        text(
            """INSERT INTO golden.to_compose (golden_id)
               SELECT golden_id FROM golden.composed_customer ON CONFLICT DO NOTHING"""
        )
    ).rowcount


def _compose_chunk(connection: Connection, rules: gather.Rules, chunk: int) -> ComposeReport:
    _take_turns(connection)
    composed = _take(connection, chunk)
    if composed == 0:
        _note_lineage(connection)
        return ComposeReport()
    gather.members(connection)
    leaks.judge(connection)
    _queue_dependents(connection)
    rows = gather.picked(connection, PICKED, rules)
    bulk.stage(connection, "picked", golden.ComposedCustomer.__table__, PICKED, rows)
    for name, query in facets.QUERIES.items():
        connection.execute(text(f"CREATE TEMP TABLE facet_{name} ON COMMIT DROP AS {query}"), {"as_of": rules.as_of})
    created, changed = _write(connection)
    return ComposeReport(composed, created, changed, _remove(connection))


def _note_lineage(connection: Connection) -> None:
    """Whoever merges or splits holds the queue, so with nothing in it all their acts up to the last are composed."""
    connection.execute(
        text("UPDATE golden.compose_state SET lineage_id = (SELECT coalesce(max(lineage_id), 0) FROM identity.lineage)")
    )


def _take(connection: Connection, chunk: int) -> int:
    connection.execute(
        text(
            f"""CREATE TEMP TABLE composing ON COMMIT DROP AS
                SELECT golden_id FROM golden.to_compose ORDER BY golden_id LIMIT {int(chunk)}"""
        )
    )
    taken = connection.execute(
        text("DELETE FROM golden.to_compose q USING composing c WHERE q.golden_id = c.golden_id")
    ).rowcount
    connection.execute(text("ANALYZE composing"))
    return taken


def _queue_dependents(connection: Connection) -> None:
    """People whose employer, and organizations whose parent, has another golden id now than they were composed with.

    Only the record that won counts, so that whoever was composed anew is not queued again.
    """
    for what in ("employer", "parent"):
        connection.execute(
            text(
                f"""INSERT INTO golden.to_compose (golden_id)
                    SELECT DISTINCT c.golden_id
                    FROM member m
                    JOIN identity.golden_id g ON g.golden_id = m.golden_id AND g.kind = 'organization'
                    JOIN canonical.party p ON p.{what}_ref = m.ref
                    JOIN identity.membership pm ON pm.party_id = p.party_id AND pm.until IS NULL
                    JOIN golden.composed_customer c ON c.golden_id = pm.golden_id
                    WHERE c.golden_id <> m.golden_id AND c.{what}_id IS DISTINCT FROM m.golden_id
                      AND c.provenance -> '{what}_id' ->> 'ref' = p.ref
                    ON CONFLICT DO NOTHING"""
            )
        )


def _write(connection: Connection) -> tuple[int, int]:
    columns = ", ".join([*PICKED, *facets.QUERIES])
    joins = " ".join(f"JOIN facet_{name} USING (golden_id)" for name in facets.QUERIES)
    picked = ", ".join([*PICKED, *(f"facet_{name}.facet AS {name}" for name in facets.QUERIES)])
    values = [name for name in (*PICKED, *facets.QUERIES, "content_hash") if name != "golden_id"]
    counted = connection.execute(
        text(
            f"""WITH whole AS (SELECT {picked} FROM picked {joins}),
            written AS (
                INSERT INTO golden.composed_customer AS old ({columns}, content_hash)
                SELECT {columns}, encode(sha256(convert_to(CAST(to_jsonb(whole) AS text), 'UTF8')), 'hex') FROM whole
                ON CONFLICT (golden_id) DO UPDATE
                SET {", ".join(f"{name} = excluded.{name}" for name in values)}, composed_at = now()
                WHERE old.content_hash <> excluded.content_hash
                RETURNING golden_id, old.xmax = 0 AS was_new
            ),
            queued AS (
                INSERT INTO golden.to_publish (golden_id) SELECT golden_id FROM written ON CONFLICT DO NOTHING
            )
            SELECT count(*) FILTER (WHERE was_new), count(*) FILTER (WHERE NOT was_new) FROM written"""
        )
    ).one()
    return counted[0], counted[1]


def _remove(connection: Connection) -> int:
    gone = connection.execute(
        text(
            """WITH gone AS (
                DELETE FROM golden.composed_customer c USING composing t
                WHERE c.golden_id = t.golden_id AND NOT EXISTS (SELECT 1 FROM picked p WHERE p.golden_id = t.golden_id)
                RETURNING c.golden_id
            ),
            queued AS (INSERT INTO golden.to_publish (golden_id) SELECT golden_id FROM gone ON CONFLICT DO NOTHING)
            SELECT count(*) FROM gone"""
        )
    )
    return int(gone.scalar_one())
