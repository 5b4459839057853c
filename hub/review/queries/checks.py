"""What the quality checks found: runs, results of one run, the rows that failed, and how a check went before."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.db.tables import metadata

RUNS = 20
HISTORY = 30
ROWS = 100  # failing rows on one page

# Facts are shown by the customer of their party.
_OF_PARTY = {
    table.fullname for table in metadata.sorted_tables if table.schema == "canonical" and "party_ref" in table.columns
}

_RUNS = """
    SELECT r.run_id, r.started_at, r.releases, r.as_of, p.number, c.checks, c.critical, c.warnings
    FROM (SELECT * FROM ops.run ORDER BY started_at DESC LIMIT :many) r
    LEFT JOIN golden.publication p ON p.run_id = r.run_id
    LEFT JOIN LATERAL (
        SELECT count(*) AS checks, count(*) FILTER (WHERE NOT passed AND severity = 'critical') AS critical,
               count(*) FILTER (WHERE NOT passed AND severity = 'warning') AS warnings
        FROM quality.check_result WHERE run_id = r.run_id) c ON true
    ORDER BY r.started_at DESC"""


def runs(connection: Connection) -> Sequence[Row[Any]]:
    """The last runs, newest first: how many checks ran and failed, and the publication that each made."""
    return connection.execute(text(_RUNS), {"many": RUNS}).all()


def results(connection: Connection, run_id: str) -> Sequence[Row[Any]]:
    """All results of a run, by suite and name."""
    return connection.execute(
        text(
            """SELECT suite, name, severity, passed, checked, failed, description FROM quality.check_result
               WHERE run_id = :run ORDER BY suite, name"""
        ),
        {"run": run_id},
    ).all()


_HISTORY = """
    SELECT c.check_result_id, c.run_id, c.passed, c.failed, c.checked, c.checked_at, c.severity, c.description,
           c.looks_at, w.author AS waived_by
    FROM quality.check_result c LEFT JOIN ops.run r USING (run_id)
    LEFT JOIN quality.waiver w ON (w.run_id, w.suite, w.name, w.state) = (r.releases, c.suite, c.name, c.state)
    WHERE c.suite = :suite AND c.name = :name ORDER BY c.check_result_id DESC LIMIT :many"""


def history(connection: Connection, suite: str, name: str) -> Sequence[Row[Any]]:
    """How a check went in the last runs, newest first; nothing where there is no such check."""
    return connection.execute(text(_HISTORY), {"suite": suite, "name": name, "many": HISTORY}).all()


def failing(connection: Connection, check_result_id: int, looks_at: str, after: int) -> Sequence[Row[Any]]:
    """Failing rows behind place `after`, with where each can be looked at: place, key, golden_id, quarantine_id."""
    owner, party = ("", "f.key")
    if looks_at in _OF_PARTY:
        owner, party = f"LEFT JOIN {looks_at} t ON t.ref = f.key", "coalesce(t.party_ref, f.key)"
    return connection.execute(
        text(
            f"""SELECT f.place, f.key, coalesce(x.golden_id, g.golden_id) AS golden_id, q.quarantine_id
                FROM quality.failing_row f {owner}
                LEFT JOIN golden.crosswalk_row x ON x.ref = {party} AND x.until IS NULL
                LEFT JOIN golden.customer_row g ON g.valid_to IS NULL AND g.golden_id = CASE
                    WHEN f.key ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN CAST(f.key AS uuid) END
                LEFT JOIN landing.quarantine q ON q.resolved_at IS NULL AND q.source = split_part(f.key, ':', 1)
                    AND q.stream = split_part(f.key, ':', 2) AND q.source_id = split_part(f.key, ':', 3)
                WHERE f.check_result_id = :id AND f.place > :after ORDER BY f.place LIMIT :many"""
        ),
        {"id": check_result_id, "after": after, "many": ROWS},
    ).all()


def data_docs(connection: Connection, suite: str) -> str | None:
    """The page that Great Expectations wrote of a suite."""
    found = connection.execute(text("SELECT page FROM quality.data_docs WHERE suite = :suite"), {"suite": suite})
    return found.scalar_one_or_none()


def documented(connection: Connection) -> Sequence[Row[Any]]:
    """The suites that have such a page, and the run that it is of."""
    return connection.execute(text("SELECT suite, run_id, made_at FROM quality.data_docs ORDER BY suite")).all()
