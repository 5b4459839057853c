"""A person lets one failed check of one held run pass; the run can then be released, as long as nothing else is wrong.

A waiver belongs to the held run in which it began, the *root*, and counts in its releases only: runs that do the rest
again on the same state. It counts while the check fails on the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub import audit
from hub.db.tables import quality
from hub.errors import ConfigurationError, ConflictError, NotAllowedError, NotFoundError

LONGEST_REASON = 2_000


@dataclass(frozen=True)
class Waiver:
    """`check` is suite.name; `state` is the digest of the failure that it lets pass."""

    check: str
    state: str
    author: str
    reason: str


_FAILURES = """
    SELECT c.check_result_id, c.suite, c.name, c.severity, c.failed, c.checked, c.description, c.looks_at, c.waivable,
           w.author AS waived_by, w.reason AS waived_why
    FROM quality.check_result c JOIN ops.run r USING (run_id) LEFT JOIN quality.waiver w
        ON c.waivable AND (w.run_id, w.suite, w.name, w.state) = (r.releases, c.suite, c.name, c.state)
    WHERE c.run_id = :run AND NOT c.passed
    ORDER BY c.severity = 'warning', w.author IS NOT NULL, c.suite, c.name"""


def failures(connection: Connection, run_id: str) -> Sequence[Row[Any]]:
    """The checks that failed in a run, what holds it first; `waived_by` tells who let one pass."""
    return connection.execute(text(_FAILURES), {"run": run_id}).all()


_FAILURE = """
    SELECT c.severity, c.passed, c.failed, c.waivable, c.state, coalesce(r.releases, r.run_id) AS root,
           EXISTS (SELECT FROM golden.publication p WHERE p.run_id = c.run_id) AS published
    FROM quality.check_result c JOIN ops.run r USING (run_id)
    WHERE c.run_id = :run AND c.suite = :suite AND c.name = :name"""
# A run stands alone once another one began that does not release it: that one judges by what is there by then.
_LATER = """
    SELECT l.run_id FROM ops.run l, ops.run r
    WHERE r.run_id = :root AND l.started_at > r.started_at AND l.releases IS DISTINCT FROM r.run_id LIMIT 1"""


def waive(connection: Connection, run_id: str, check: str, *, author: str, reason: str) -> None:
    """Let the failure of `check` (suite.name) in a held run pass; written to the audit log.

    Raises:
        ConfigurationError: there is no reason, it is too long, or `check` is no suite.name.
        NotFoundError: the check has no result in that run.
        NotAllowedError: the check protects identity or permission, and nobody may waive it.
        ConflictError: it did not fail critically, the run published, a later run began, or it is waived already.
    """
    why = reason.strip()
    if not 0 < len(why) <= LONGEST_REASON:
        raise ConfigurationError(f"say why in 1 to {LONGEST_REASON:,} characters; it is kept with your name")
    suite, dot, name = check.partition(".")
    if not dot:
        raise ConfigurationError(f"{check!r} is no check: say suite.name, such as landing.stream_volume")
    failure = _failure(connection, run_id, suite, name)
    refuse_later(connection, failure.root)
    row = {"run_id": failure.root, "suite": suite, "name": name}
    said = {"state": failure.state, "author": author, "reason": why}
    made = (
        upsert(quality.Waiver)
        .values(row | said)
        .on_conflict_do_update(index_elements=list(row), set_=said, where=quality.Waiver.state != failure.state)
        .returning(quality.Waiver.waiver_id)
    )
    if connection.execute(made).one_or_none() is None:
        raise ConflictError(f"{check} is waived for this run already")
    details = {"run": failure.root, "failed": failure.failed}
    audit.record(connection, author, "waive check", check, reason=why, details=details)


def _failure(connection: Connection, run_id: str, suite: str, name: str) -> Row[Any]:
    given = {"run": run_id, "suite": suite, "name": name}
    found = connection.execute(text(_FAILURE), given).one_or_none()
    if found is None:
        raise NotFoundError(f"run {run_id} has no result of a check {suite}.{name}; /checks shows those it has")
    if found.passed or found.severity != "critical":
        raise ConflictError(f"{suite}.{name} holds nothing in this run: there is nothing to waive")
    if not found.waivable:
        raise NotAllowedError(
            f"{suite}.{name} protects who a customer is or what is permitted: nobody can waive it; mend what it names"
        )
    if found.published:
        raise ConflictError("this run has published already")
    return found


def refuse_later(connection: Connection, root: str) -> None:
    """Raise ConflictError where a run that does not release `root` began after it."""
    if connection.execute(text(_LATER), {"root": root}).one_or_none() is not None:
        raise ConflictError("another run began since: look at its checks, and waive there what is still wrong")


def of_run(connection: Connection, run_id: str) -> list[Waiver]:
    """What counts in a run: the waivers of the run that it releases; none in any other run."""
    rows = connection.execute(
        text(
            """SELECT w.suite || '.' || w.name, w.state, w.author, w.reason FROM quality.waiver w
               JOIN ops.run r ON r.releases = w.run_id WHERE r.run_id = :run ORDER BY 1"""
        ),
        {"run": run_id},
    )
    return [Waiver(*row) for row in rows]


def said(connection: Connection, run_id: str) -> dict[str, Waiver]:
    """The waivers of a held run, or of that which it releases, by check: whether they count yet or not."""
    rows = connection.execute(
        text(
            """SELECT w.suite || '.' || w.name, w.state, w.author, w.reason FROM quality.waiver w
               JOIN ops.run r ON w.run_id = coalesce(r.releases, r.run_id) WHERE r.run_id = :run"""
        ),
        {"run": run_id},
    )
    return {row[0]: Waiver(*row) for row in rows}


def root_of(connection: Connection, run_id: str) -> str:
    """The held run that began it: the run itself, or the one that it releases.

    Raises:
        NotFoundError: there is no such run.
    """
    found = connection.execute(
        text("SELECT coalesce(releases, run_id) FROM ops.run WHERE run_id = :run"), {"run": run_id}
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"there is no run {run_id}; /checks shows the runs")
    return str(found)


_WAITING = """
    WITH newest AS (SELECT run_id, coalesce(releases, run_id) AS root FROM ops.run ORDER BY started_at DESC LIMIT 1),
    held AS (
        SELECT n.root, c.suite, c.name, c.state, w.waiver_id, w.state AS waived FROM newest n
        JOIN quality.check_result c ON c.run_id = n.run_id AND NOT c.passed AND c.severity = 'critical'
        LEFT JOIN quality.waiver w ON (w.run_id, w.suite, w.name) = (n.root, c.suite, c.name)
        WHERE NOT EXISTS (SELECT FROM golden.publication p WHERE p.run_id = n.run_id))
    SELECT root, max(waiver_id) FROM held
    GROUP BY root HAVING bool_and(waived IS NOT DISTINCT FROM state)"""


def to_release(connection: Connection) -> Sequence[tuple[str, int]]:
    """The newest run, where it is held and all that holds it is waived: its root, and the last waiver."""
    return [(row[0], row[1]) for row in connection.execute(text(_WAITING))]
