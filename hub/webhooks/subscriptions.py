"""What people do to webhooks: add, remove, enable, disable, rotate, replay. Every act is in the audit log."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub import audit
from hub.db.tables import ops
from hub.errors import ConfigurationError, ConflictError
from hub.model.kinds import Department
from hub.webhooks import signing, state, transport
from hub.webhooks.addresses import Network
from hub.webhooks.feeds import FEEDS

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Wanted:
    """A webhook to be made: where it goes, which feed it follows and what of it; no operations are all of them.

    It gets what comes behind sequence `after`; None stands for what comes from now on.
    """

    name: str
    url: str
    operations: Sequence[str] = ()
    department: str | None = None
    feed: str = "changes"
    after: int | None = None


def add(connection: Connection, wanted: Wanted, secret_key: str, allowed: Sequence[Network], *, actor: str) -> str:
    """Make a webhook and return its signing secret; this is the only time that it is shown.

    Raises:
        ConfigurationError: the name, the URL or a filter is wrong, or the host is not known.
        RefusedAddressError: the receiver is where nothing may be delivered.
        ConflictError: there is a webhook of this name.
    """
    _check(wanted, allowed)
    salt = signing.new_salt()
    secret = signing.derive(secret_key, salt)
    newest = FEEDS[wanted.feed].newest(connection)
    row = {
        "name": wanted.name, "url": wanted.url, "feed": wanted.feed, "operations": sorted(set(wanted.operations)),
        "department": wanted.department, "key_salt": salt, "key_hash": signing.fingerprint(secret),
        "position": newest if wanted.after is None else _within(wanted.after, newest),
    }  # fmt: skip
    added = upsert(ops.Webhook).values(row).on_conflict_do_nothing(index_elements=["name"])
    if connection.execute(added.returning(ops.Webhook.webhook_id)).one_or_none() is None:
        raise ConflictError(f"a webhook named {wanted.name!r} exists: remove it first, or take another name")
    told = {name: row[name] for name in ("feed", "operations", "department", "position")}
    audit.record(connection, actor, "add webhook", wanted.name, details={**told, "url": transport.shown(wanted.url)})
    return secret


def _check(wanted: Wanted, allowed: Sequence[Network]) -> None:
    if NAME.fullmatch(wanted.name) is None:
        raise ConfigurationError("the name of a webhook has 1 to 40 lower-case letters, digits, - or _")
    if wanted.feed not in FEEDS:
        raise ConfigurationError(f"{wanted.feed!r} is no feed: {', '.join(FEEDS)}")
    known = FEEDS[wanted.feed].operations
    unknown = sorted(set(wanted.operations) - set(known))
    if unknown:
        raise ConfigurationError(f"{unknown[0]!r} is no operation of the feed {wanted.feed}: {', '.join(known)}")
    if wanted.department is not None and wanted.feed != "changes":
        raise ConfigurationError("a department goes with the feed changes: publications are of all departments")
    if wanted.department not in {None, *Department}:
        raise ConfigurationError(f"{wanted.department!r} is no department: {', '.join(Department)}")
    try:
        transport.checked(wanted.url, allowed)
    except OSError:
        raise ConfigurationError("the host in the URL of the webhook does not resolve; is it spelt right?") from None


def _within(after: int, newest: int) -> int:
    if not 0 <= after <= newest:
        raise ConfigurationError(f"the feed goes from 1 to {newest}")
    return after


def remove(connection: Connection, name: str, *, actor: str, reason: str = "") -> None:
    """Forget a webhook and its attempts.

    Raises:
        NotFoundError: there is none of this name; so do all acts below.
    """
    hook = state.named(connection, name, locked=True)
    connection.execute(text("DELETE FROM ops.webhook WHERE webhook_id = :id"), {"id": hook.webhook_id})
    audit.record(connection, actor, "remove webhook", name, reason=reason or None, details={"position": hook.position})


def disable(connection: Connection, name: str, *, actor: str, reason: str = "") -> None:
    """Deliver nothing more until it is enabled; it will go on where it stopped."""
    why = f"by {actor}" + (f": {reason}" if reason else "")
    _set(connection, name, "disabled_at = now(), disabled_why = :why", why=why)
    audit.record(connection, actor, "disable webhook", name, reason=reason or None)


def enable(connection: Connection, name: str, *, actor: str, reason: str = "") -> None:
    """Go on where it stopped, at once and with all attempts before it; also ends the wait of one that is retrying."""
    _set(connection, name, "disabled_at = NULL, disabled_why = NULL, failures = 0, next_attempt_at = NULL")
    audit.record(connection, actor, "enable webhook", name, reason=reason or None)


def replay(connection: Connection, name: str, first: int, *, actor: str, reason: str = "") -> int:
    """Deliver from `first` on, be that again or by leaving some out; returns how many of the feed wait.

    Raises:
        ConfigurationError: the feed has no such change; the one after the newest is allowed, and leaves all out.
    """
    newest = FEEDS[state.named(connection, name).feed].newest(connection)
    if not 1 <= first <= newest + 1:
        raise ConfigurationError(f"--from {first}: the feed goes from 1 to {newest}")
    before = _set(connection, name, "position = :position, failures = 0, next_attempt_at = NULL", position=first - 1)
    details = {"from": first, "position_before": before.position}
    audit.record(connection, actor, "replay webhook", name, reason=reason or None, details=details)
    return newest - first + 1


def rotate(connection: Connection, name: str, secret_key: str, keep: dt.timedelta, *, actor: str) -> str:
    """A new signing secret, shown this once; the old one signs along for `keep`.

    Where the hub's own key has changed, the old secret is lost and cannot sign along. A webhook that was disabled for
    that is to be enabled afterwards.
    """
    salt = signing.new_salt()
    secret = signing.derive(secret_key, salt)
    _set(
        connection, name,
        """previous_key_salt = key_salt, previous_key_until = now() + :keep, key_salt = :salt, key_hash = :hash""",
        keep=keep, salt=salt, hash=signing.fingerprint(secret),
    )  # fmt: skip
    details = {"old_signs_for_hours": keep.total_seconds() / 3600}
    audit.record(connection, actor, "rotate webhook", name, details=details)
    return secret


def _set(connection: Connection, name: str, assignments: str, **values: Any) -> state.Hook:
    """Change a webhook, and return it as it was before."""
    hook = state.named(connection, name, locked=True)
    connection.execute(
        text(f"UPDATE ops.webhook SET {assignments} WHERE webhook_id = :id"), {"id": hook.webhook_id, **values}
    )
    return hook
