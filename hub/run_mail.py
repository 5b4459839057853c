"""Mail on publications that are held back and on runs that failed, to the admins and engineers who have an address.

What is to be told are the rows of `hub.announcements`. Nothing that runs the pipeline waits for a mail server: this is
called beside it, or after it.
"""

import logging
from collections.abc import Sequence
from email.message import EmailMessage
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, Row, text

from hub import mail
from hub.access import Role
from hub.errors import OneRecordError
from hub.settings import Settings

log = logging.getLogger(__name__)

ROLES = [Role.ADMIN, Role.ENGINEER]
# A source that is down fails every hourly run: that the same steps failed again is mailed to a person once a day,
# unless something was published in between; of several that nobody was mailed, the newest.
_AGAIN = """
a.kind = 'failed' AND (
    EXISTS (SELECT FROM ops.announcement b
            WHERE b.kind = 'failed' AND b.sequence > a.sequence AND b.data -> 'steps' = a.data -> 'steps')
    OR EXISTS (SELECT FROM ops.announcement b JOIN ops.announcement_mail m USING (sequence)
               WHERE b.kind = 'failed' AND b.sequence < a.sequence AND b.data -> 'steps' = a.data -> 'steps'
                 AND m.name = p.name AND m.sent_at > now() - interval '1 day' AND NOT EXISTS (
                     SELECT FROM ops.announcement c
                     WHERE c.kind = 'published' AND c.sequence BETWEEN b.sequence AND a.sequence)))"""
# What is older than a day is no news: nobody is mailed on what happened before mail was set up. A claim that came to
# nothing within a quarter of an hour was that of a process which is no more.
_UNTOLD = f"""
FROM ops.announcement a CROSS JOIN ops.account p
WHERE a.kind IN ('held', 'failed') AND a.happened_at > now() - interval '1 day' AND NOT ({_AGAIN})
  AND p.role = ANY(:roles) AND p.email IS NOT NULL AND p.disabled_at IS NULL
  AND NOT EXISTS (SELECT FROM ops.announcement_mail m WHERE (m.sequence, m.name) = (a.sequence, p.name)
                  AND (m.sent_at IS NOT NULL OR m.claimed_at > now() - interval '15 minutes'))
"""
_CLAIM = f"""
WITH claimed AS (
    INSERT INTO ops.announcement_mail AS m (sequence, name) SELECT a.sequence, p.name {_UNTOLD}
    ON CONFLICT (sequence, name) DO UPDATE SET claimed_at = now()
    WHERE m.sent_at IS NULL AND m.claimed_at <= now() - interval '15 minutes'
    RETURNING sequence, name)
SELECT sequence, name, p.email, a.kind, a.run_id, a.data
FROM claimed JOIN ops.announcement a USING (sequence) JOIN ops.account p USING (name)
ORDER BY name, a.run_id, a.kind, sequence
"""
_GIVEN = """
unnest(CAST(:sequences AS bigint[]), CAST(:names AS text[])) AS given (sequence, name)
WHERE (m.sequence, m.name) = (given.sequence, given.name)
"""
_GIVE_UP = f"DELETE FROM ops.announcement_mail m USING {_GIVEN}"
_SENT = f"UPDATE ops.announcement_mail m SET sent_at = now() FROM {_GIVEN}"


def waits(engine: Engine) -> bool:
    """Whether something was held back or failed that somebody who has an address was not mailed."""
    with engine.connect() as connection:
        return bool(connection.execute(text(f"SELECT EXISTS (SELECT {_UNTOLD})"), {"roles": ROLES}).scalar_one())


def send(engine: Engine, settings: Settings) -> int:
    """Mail what was held back or failed to each who was not told yet; returns how many mails the server took.

    Never raises for the sake of mail: what a server does not take is said in the log, and the next call tries again,
    for a day. An address that is refused for good is said in the log, without the address.
    """
    if settings.mail is None:
        return 0
    with engine.begin() as connection:
        claimed = connection.execute(text(_CLAIM), {"roles": ROLES}).all()
    told = [list(some) for _, some in groupby(claimed, key=lambda one: (one.name, one.run_id, one.kind))]
    if not told:
        return 0
    try:
        problems = mail.send(settings.mail, [_message(some, settings.address) for some in told])
    except OneRecordError as error:
        log.warning("a run did not publish as it should, and nobody could be mailed: %s", error)
        _note(engine, _GIVE_UP, claimed)
        return 0
    for why in sorted({problem.why for problem in problems.values()}):
        log.warning("a run did not publish as it should, and some who should know were not mailed: %s", why)
    later = {place for place, problem in problems.items() if not problem.for_good}
    _note(engine, _GIVE_UP, [one for place in later for one in told[place]])
    _note(engine, _SENT, [one for place, some in enumerate(told) if place not in later for one in some])
    return len(told) - len(problems)


def _note(engine: Engine, what: str, claimed: Sequence[Row[Any]]) -> None:
    given = {"sequences": [one.sequence for one in claimed], "names": [one.name for one in claimed]}
    with engine.begin() as connection:
        connection.execute(text(what), given)


def _message(told: Sequence[Row[Any]], address: str) -> EmailMessage:
    """One mail to one person on a run, nothing of a customer in it."""
    message = EmailMessage()
    message["To"] = told[0].email
    subject, lines = _held(told, address) if told[0].kind == "held" else _failed(told[-1])
    message["Subject"] = f"OneRecord: {subject}"
    message.set_content("\n".join(lines))
    return message


def _held(suites: Sequence[Row[Any]], address: str) -> tuple[str, list[str]]:
    """All suites that hold a run: names of checks and counts."""
    run_id, why = suites[0].run_id, [one for suite in suites for one in str(suite.data.get("why", "")).split("; ")]
    return "a publication is held back", [
        f"Run {run_id} published nothing. {_in_force(suites[-1])}", "",
        "What holds it:", *(f"- {one}" for one in why), "",
        f"See which rows failed, and let a check pass if it is right: {address}/checks?run={run_id}",
    ]  # fmt: skip


def _failed(one: Row[Any]) -> tuple[str, list[str]]:
    """The steps that failed. What they said may hold what was read, so it stays in the log of the run."""
    steps = [f"- {step}" for step in one.data.get("steps", ())] or ["- its process ended before the run did"]
    outcome = "had published by then" if one.data.get("published") else "published nothing"
    return "a run failed", [
        f"Run {one.run_id} ended in an error; it {outcome}. {_in_force(one)}", "", "What failed:", *steps, "",
        "Dagster shows what each step said. The next run tries again; nothing that was read is lost.",
    ]  # fmt: skip


def _in_force(one: Row[Any]) -> str:
    number = one.data.get("publication_in_force", 0)
    return f"Publication {number} stays in force." if number else "Nothing is published so far."
