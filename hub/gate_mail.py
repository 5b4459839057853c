"""Mail on publications that are held back, to the admins and engineers who have an address.

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
# What is older than a day is no news: nobody is mailed on what was held before mail was set up.
_UNTOLD = """
FROM ops.announcement a CROSS JOIN ops.account p
WHERE a.kind = 'held' AND a.happened_at > now() - interval '1 day'
  AND p.role = ANY(:roles) AND p.email IS NOT NULL AND p.disabled_at IS NULL
  AND NOT EXISTS (SELECT FROM ops.announcement_mail m WHERE (m.sequence, m.name) = (a.sequence, p.name))
"""
_CLAIM = f"""
WITH claimed AS (
    INSERT INTO ops.announcement_mail (sequence, name) SELECT a.sequence, p.name {_UNTOLD}
    ON CONFLICT DO NOTHING RETURNING sequence, name)
SELECT sequence, name, p.email, a.run_id, a.data
FROM claimed JOIN ops.announcement a USING (sequence) JOIN ops.account p USING (name)
ORDER BY name, a.run_id, sequence
"""
_GIVE_UP = """
DELETE FROM ops.announcement_mail m
USING unnest(CAST(:sequences AS bigint[]), CAST(:names AS text[])) AS given (sequence, name)
WHERE (m.sequence, m.name) = (given.sequence, given.name)
"""


def waits(engine: Engine) -> bool:
    """Whether something was held back that somebody who has an address was not mailed."""
    with engine.connect() as connection:
        return bool(connection.execute(text(f"SELECT EXISTS (SELECT {_UNTOLD})"), {"roles": ROLES}).scalar_one())


def send_held(engine: Engine, settings: Settings) -> int:
    """Mail what was held back to each who was not told yet; returns how many mails the server took.

    Never raises for the sake of mail: what a server does not take is said in the log, and the next call tries again,
    for a day. An address that is refused for good is said in the log, without the address.
    """
    if settings.mail is None:
        return 0
    with engine.begin() as connection:
        claimed = connection.execute(text(_CLAIM), {"roles": ROLES}).all()
    told = [list(suites) for _, suites in groupby(claimed, key=lambda one: (one.name, one.run_id))]
    if not told:
        return 0
    try:
        problems = mail.send(settings.mail, [_message(suites, settings.address) for suites in told])
    except OneRecordError as error:
        log.warning("a publication is held back, and nobody could be mailed: %s", error)
        _give_up(engine, claimed)
        return 0
    for why in sorted({problem.why for problem in problems.values()}):
        log.warning("a publication is held back, and some of those who should know were not mailed: %s", why)
    _give_up(engine, [one for place, problem in problems.items() if not problem.for_good for one in told[place]])
    return len(told) - len(problems)


def _give_up(engine: Engine, claimed: Sequence[Row[Any]]) -> None:
    given = {"sequences": [one.sequence for one in claimed], "names": [one.name for one in claimed]}
    with engine.begin() as connection:
        connection.execute(text(_GIVE_UP), given)


def _message(held: Sequence[Row[Any]], address: str) -> EmailMessage:
    """One mail for all suites that hold a run: names of checks, counts and the run, nothing of a customer."""
    run_id = held[0].run_id
    number = held[-1].data.get("publication_in_force", 0)
    stays = f"Publication {number} stays in force." if number else "Nothing is published so far."
    why = [reason for one in held for reason in str(one.data.get("why", "")).split("; ")]
    message = EmailMessage()
    message["To"] = held[0].email
    message["Subject"] = "OneRecord: a publication is held back"
    message.set_content(
        "\n".join(
            [
                f"Run {run_id} published nothing. {stays}", "", "What holds it:", *(f"- {one}" for one in why), "",
                f"See which rows failed, and let a check pass if it is right: {address}/checks?run={run_id}",
            ]
        )
    )  # fmt: skip
    return message
