"""One turn of one webhook: its changes in order, each until it is delivered or has to wait.

Every answer is written down in one statement together with the new position, so a process that is killed repeats at
most the change it was at, under the same webhook-id. The position only moves from where it was read: a replay that
somebody asks for meanwhile wins.
"""

import contextlib
import datetime as dt
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from hub.db import locks
from hub.secret_key import secret_key
from hub.settings import Settings
from hub.webhooks import event, schedule, signing, state
from hub.webhooks.addresses import Network
from hub.webhooks.feeds import FEEDS
from hub.webhooks.state import Hook
from hub.webhooks.transport import Answer, Channel

log = logging.getLogger("hub.webhooks")

TURN_SECONDS = 30.0  # then others have theirs
WINDOW = 200  # changes that are read at once; with what came before and after, some 1 MB
KEPT_ATTEMPTS = 1_000  # of each webhook, however they ended
KEPT_FAILURES = "30 days"
GONE = 410
KEY_CHANGED = "the hub's secret_key is not the one its secret was made with: rotate it, then enable it"


@dataclass(frozen=True)
class Sender:
    """What a delivery needs apart from the webhook: the key that secrets are derived from, and where it may go."""

    key: str
    allowed: tuple[Network, ...]

    @staticmethod
    def of(settings: Settings) -> "Sender":
        return Sender(secret_key(settings), settings.webhook.allowed_networks)

    def secrets(self, hook: Hook) -> list[str]:
        """The signing secret, and the one before while it signs along; none where the hub's key has changed."""
        now = dt.datetime.now(dt.UTC)
        current = signing.derive(self.key, hook.key_salt)
        if signing.fingerprint(current) != hook.key_hash:
            return []
        if hook.previous_key_salt and hook.previous_key_until and hook.previous_key_until > now:
            return [current, signing.derive(self.key, hook.previous_key_salt)]
        return [current]

    def channel(self, hook: Hook) -> "contextlib.closing[Channel]":
        return contextlib.closing(Channel(hook.url, self.allowed))


def send(channel: Channel, message: event.Event, secrets: list[str]) -> Answer:
    """Sign an event, with this moment as its timestamp, and deliver it."""
    body = message.body()
    signed = signing.headers(secrets, message.id, dt.datetime.now(dt.UTC), body)
    return channel.post(body, {**signed, "Content-Type": event.MEDIA_TYPE, "User-Agent": "OneRecord"})


def take_turn(engine: Engine, sender: Sender, webhook_id: int, stopping: threading.Event) -> int:
    """Deliver what waits for a webhook, for half a minute at most; returns how many changes were delivered.

    That is none where another process is at it, or where it is disabled, has to wait or was removed meanwhile.
    """
    delivered, ends = 0, time.monotonic() + TURN_SECONDS
    with (
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        locks.if_free(connection, f"webhook {webhook_id}") as ours,
    ):
        hook = state.ready(connection, webhook_id) if ours else None
        if hook is None:
            return 0
        name = hook.name
        with sender.channel(hook) as channel:
            while hook is not None and not stopping.is_set() and time.monotonic() < ends:
                hook, count = _next_window(connection, sender, channel, hook, stopping)
                delivered += count
        if delivered:
            log.info("webhook %s: %d delivered", name, delivered)
        _prune(connection, webhook_id)
    return delivered


def _next_window(
    connection: Connection, sender: Sender, channel: Channel, hook: Hook, stopping: threading.Event
) -> tuple[Hook | None, int]:
    """Deliver the changes of the next stretch of the feed; the webhook where it may go on, and how many there were."""
    feed = FEEDS[hook.feed]
    upper = min(feed.newest(connection), hook.position + WINDOW)
    if upper <= hook.position:
        return None, 0
    events = feed.between(connection, hook, upper, WINDOW)
    for count, (sequence, message) in enumerate(events):
        secrets = sender.secrets(hook)
        if not secrets:
            _disable(connection, hook, KEY_CHANGED)
        if not secrets or stopping.is_set():
            return None, count
        answer = send(channel, message, secrets)
        moved = _note(connection, hook, sequence, answer)
        if moved is None:
            return None, count + answer.delivered
        hook = moved
    return _move(connection, hook, upper), len(events)


def ping(connection: Connection, sender: Sender, hook: Hook) -> Answer:
    """Deliver an event that is no change, now and once, whatever the webhook's state is."""
    secrets = sender.secrets(hook)
    if not secrets:
        return Answer(0, problem=KEY_CHANGED)
    with sender.channel(hook) as channel:
        answer = send(channel, event.ping(hook.name), secrets)
    connection.execute(text(ATTEMPT), _attempt(hook, None, 1, answer))
    return answer


ATTEMPT = """
    INSERT INTO ops.webhook_attempt (webhook_id, sequence, attempt, attempted_at, milliseconds, status, problem)
    SELECT webhook_id, CAST(:sequence AS bigint), :attempt, now() - make_interval(secs => :milliseconds / 1000.0),
           :milliseconds, CAST(:status AS int), CAST(:problem AS text)
    FROM ops.webhook WHERE webhook_id = :id"""
DELIVERED = f"""
    WITH told AS ({ATTEMPT})
    UPDATE ops.webhook SET position = :sequence, failures = 0, next_attempt_at = NULL, delivered_at = now()
    WHERE webhook_id = :id AND position = :known RETURNING {state.COLUMNS}"""
FAILED = f"""
    WITH told AS ({ATTEMPT})
    UPDATE ops.webhook SET failures = failures + 1,
        next_attempt_at = now() + make_interval(secs => CAST(:wait AS double precision)),
        disabled_at = CASE WHEN CAST(:why AS text) IS NOT NULL THEN now() END, disabled_why = :why
    WHERE webhook_id = :id AND position = :known AND disabled_at IS NULL"""


def _attempt(hook: Hook, sequence: int | None, number: int, answer: Answer) -> dict[str, Any]:
    return {
        "id": hook.webhook_id, "known": hook.position, "sequence": sequence, "attempt": number,
        "milliseconds": answer.milliseconds, "status": answer.status, "problem": answer.problem,
    }  # fmt: skip


def _note(connection: Connection, hook: Hook, sequence: int, answer: Answer) -> Hook | None:
    """Write down how an attempt ended; the webhook as it is now, where it may go on with the change after this one."""
    attempt = _attempt(hook, sequence, hook.failures + 1, answer)
    if answer.delivered:
        row = connection.execute(text(DELIVERED), attempt).mappings().one_or_none()
        moved = None if row is None else Hook(**row)
        return moved if moved is not None and moved.disabled_at is None else None
    seconds = None if answer.status == GONE else schedule.wait(hook.failures + 1, answer.retry_after)
    why = _why_disabled(answer) if seconds is None else None
    connection.execute(text(FAILED), {**attempt, "wait": seconds, "why": why})
    then = f"again in {seconds:.0f} s" if seconds is not None else f"disabled: {why}"
    log.warning(
        "webhook %s: change %d, attempt %d: %s; %s", hook.name, sequence, hook.failures + 1, answer.problem, then
    )
    return None


def _why_disabled(answer: Answer) -> str:
    if answer.status == GONE:
        return "the receiver wants no more (410 Gone)"
    return f"{schedule.ATTEMPTS} attempts at one change failed; the last: {answer.problem}"


def _move(connection: Connection, hook: Hook, position: int) -> Hook | None:
    """Leave out what the filters leave out, up to `position`."""
    connection.execute(
        text("UPDATE ops.webhook SET position = :position WHERE webhook_id = :id AND position = :known"),
        {"position": position, "id": hook.webhook_id, "known": hook.position},
    )
    return state.ready(connection, hook.webhook_id)


def _disable(connection: Connection, hook: Hook, why: str) -> None:
    connection.execute(
        text(
            """UPDATE ops.webhook SET disabled_at = now(), disabled_why = :why
               WHERE webhook_id = :id AND disabled_at IS NULL"""
        ),
        {"id": hook.webhook_id, "why": why},
    )
    log.error("webhook %s: disabled: %s", hook.name, why)


def _prune(connection: Connection, webhook_id: int) -> None:
    connection.execute(
        text(
            f"""DELETE FROM ops.webhook_attempt
                WHERE webhook_id = :id AND (problem IS NULL OR attempted_at < now() - interval '{KEPT_FAILURES}')
                  AND attempt_id <= (SELECT attempt_id FROM ops.webhook_attempt WHERE webhook_id = :id
                                     ORDER BY attempt_id DESC OFFSET :kept LIMIT 1)"""
        ),
        {"id": webhook_id, "kept": KEPT_ATTEMPTS},
    )
