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

# What is older than a day is no news: nobody is mailed on what was held before mail was set up.
_WAITS = "kind = 'held' AND mailed_at IS NULL AND happened_at > now() - interval '1 day'"
_CLAIM = f"UPDATE ops.announcement SET mailed_at = now() WHERE {_WAITS} RETURNING sequence, run_id, data"
ROLES = [Role.ADMIN, Role.ENGINEER]
_PEOPLE = """
SELECT email FROM ops.account
WHERE role = ANY(:roles) AND email IS NOT NULL AND disabled_at IS NULL
ORDER BY name
"""
_GIVE_BACK = "UPDATE ops.announcement SET mailed_at = NULL WHERE sequence = ANY(:sequences)"


def waits(engine: Engine) -> bool:
    """Whether something was held back that nobody was mailed, and somebody has an address."""
    asked = text(f"SELECT EXISTS (SELECT FROM ops.announcement WHERE {_WAITS}) AND EXISTS ({_PEOPLE})")
    with engine.connect() as connection:
        return bool(connection.execute(asked, {"roles": ROLES}).scalar_one())


def send_held(engine: Engine, settings: Settings) -> int:
    """Mail what was held back and not told yet; returns how many mails the server took.

    Never raises for the sake of mail: a server that does not answer is said in the log, and the next call tries again,
    for a day. An address that is refused is said in the log, without the address.
    """
    if settings.mail is None:
        return 0
    with engine.begin() as connection:
        people = connection.execute(text(_PEOPLE), {"roles": ROLES}).scalars().all()
        held = connection.execute(text(_CLAIM)).all() if people else []
    runs = groupby(sorted(held, key=lambda one: (one.run_id, one.sequence)), key=lambda one: one.run_id)
    told = [(run_id, list(suites)) for run_id, suites in runs]
    messages = [_message(run_id, suites, to, settings.address) for run_id, suites in told for to in people]
    if not messages:
        return 0
    try:
        problems = mail.send(settings.mail, messages)
    except OneRecordError as error:
        log.warning("a publication is held back, and nobody could be mailed: %s", error)
        with engine.begin() as connection:
            connection.execute(text(_GIVE_BACK), {"sequences": [one.sequence for one in held]})
        return 0
    for why in sorted(set(problems.values())):
        log.warning("a publication is held back, and some of those who should know were not mailed: %s", why)
    return len(messages) - len(problems)


def _message(run_id: str, held: Sequence[Row[Any]], to: str, address: str) -> EmailMessage:
    """One mail for all suites that hold a run: names of checks, counts and the run, nothing of a customer."""
    number = held[-1].data.get("publication_in_force", 0)
    stays = f"Publication {number} stays in force." if number else "Nothing is published so far."
    why = [reason for one in held for reason in str(one.data.get("why", "")).split("; ")]
    message = EmailMessage()
    message["To"] = to
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
