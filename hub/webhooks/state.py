"""What is known of webhooks: where each stands in its feed, and how its deliveries went."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.db.tables import ops
from hub.errors import NotFoundError
from hub.webhooks import transport

WORKER = 4_201_340  # every delivery worker shares this advisory lock for as long as it runs
READY = "disabled_at IS NULL AND (next_attempt_at IS NULL OR next_attempt_at <= now())"
NEWEST = """coalesce(CASE feed WHEN 'changes' THEN (SELECT max(sequence) FROM golden.change)
                             ELSE (SELECT max(sequence) FROM ops.announcement) END, 0)"""
BEHIND = f"greatest(0, {NEWEST} - position)"
COLUMNS = ", ".join(column.name for column in ops.Webhook.__table__.columns)


@dataclass(frozen=True)
class Hook:
    """A row of ops.webhook."""

    webhook_id: int
    name: str
    url: str
    feed: str
    operations: list[str]
    department: str | None
    key_salt: str
    key_hash: str
    previous_key_salt: str | None
    previous_key_until: dt.datetime | None
    position: int
    failures: int
    next_attempt_at: dt.datetime | None
    delivered_at: dt.datetime | None
    disabled_at: dt.datetime | None
    disabled_why: str | None
    created_at: dt.datetime

    @property
    def state(self) -> str:
        """live, retrying (the last attempt failed) or disabled."""
        if self.disabled_at is not None:
            return "disabled"
        return "retrying" if self.failures else "live"


def named(connection: Connection, name: str, *, locked: bool = False) -> Hook:
    """The webhook of this name; `locked` keeps others from changing it until commit.

    Raises:
        NotFoundError: there is none.
    """
    lock = "FOR NO KEY UPDATE" if locked else ""
    row = connection.execute(text(f"SELECT {COLUMNS} FROM ops.webhook WHERE name = :name {lock}"), {"name": name})
    found = row.mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no webhook is named {name!r}; `onerecord webhook list` shows those there are")
    return Hook(**found)


def ready(connection: Connection, webhook_id: int) -> Hook | None:
    """The webhook of this id; None where it is disabled, waits for its next attempt, or was removed."""
    row = connection.execute(
        text(f"SELECT {COLUMNS} FROM ops.webhook WHERE webhook_id = :id AND {READY}"), {"id": webhook_id}
    )
    found = row.mappings().one_or_none()
    return None if found is None else Hook(**found)


def due(connection: Connection) -> list[int]:
    """Ids of the webhooks that something waits for and that need not wait any longer."""
    rows = connection.execute(
        text(
            f"""SELECT webhook_id FROM ops.webhook
                WHERE {READY} AND position < {NEWEST} ORDER BY webhook_id"""
        )
    )
    return list(rows.scalars())


def listed(connection: Connection) -> list[dict[str, Any]]:
    """All webhooks by name, without what signs.

    `behind` counts the changes of the feed that are not delivered; `problem` is how the last attempt failed, if it did.
    """
    rows = connection.execute(
        text(
            f"""SELECT {COLUMNS}, {BEHIND} AS behind,
                       (SELECT problem FROM ops.webhook_attempt a WHERE a.webhook_id = w.webhook_id
                        AND sequence IS NOT NULL ORDER BY attempt_id DESC LIMIT 1) AS problem
                FROM ops.webhook w ORDER BY name"""
        )
    ).mappings()
    return [_public(dict(row)) for row in rows]


def _public(row: dict[str, Any]) -> dict[str, Any]:
    behind, problem = row.pop("behind"), row.pop("problem")
    hook = Hook(**row)
    shown = (
        "name", "feed", "operations", "department", "state", "disabled_why", "position", "failures", "next_attempt_at",
        "delivered_at", "disabled_at", "created_at",
    )  # fmt: skip
    told = {name: getattr(hook, name) for name in shown}
    return {"url": transport.shown(hook.url), "behind": behind, "problem": problem, **told}


def deliveries(
    connection: Connection, webhook_id: int, *, before: int | None = None, failed: bool = False, limit: int
) -> Sequence[dict[str, Any]]:
    """Attempts, newest first, below `before`; only those that failed where `failed` is set."""
    conditions = {
        "webhook_id = :id": True, "attempt_id < :before": before is not None, "problem IS NOT NULL": failed,
    }  # fmt: skip
    where = " AND ".join(clause for clause, used in conditions.items() if used)
    rows = connection.execute(
        text(
            f"""SELECT attempt_id, sequence, attempt, attempted_at, milliseconds, status, problem
                FROM ops.webhook_attempt WHERE {where} ORDER BY attempt_id DESC LIMIT :limit"""
        ),
        {"id": webhook_id, "before": before, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def worker_is_running(connection: Connection) -> bool:
    """Whether any process delivers."""
    free = text("SELECT pg_try_advisory_xact_lock(:lock)")
    return not connection.execute(free, {"lock": WORKER}).scalar_one()
