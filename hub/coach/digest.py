"""The digest: once a working day, each owner's own flags by mail; for managers, counts only."""

import datetime as dt
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from hub import access, clock, mail
from hub.coach import flags, muting, teams, workdays
from hub.coach.advice import advice
from hub.errors import ConfigurationError, OneRecordError
from hub.settings import Settings

MOST = 20  # flags that one mail lists; the page has them all

_PEOPLE = """
SELECT a.name, a.role, a.departments, a.email,
       (SELECT max(d.as_of) FROM quality.digest d WHERE d.name = a.name) AS last
FROM ops.account a
WHERE a.email IS NOT NULL AND a.disabled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM quality.digest d WHERE d.name = a.name AND d.day = :day)
ORDER BY a.name
"""

_CLAIM = """
INSERT INTO quality.digest (name, day, as_of) SELECT name, :day, :as_of FROM unnest(CAST(:names AS text[])) n (name)
ON CONFLICT DO NOTHING RETURNING name
"""


def send(engine: Engine, settings: Settings, *, as_of: dt.datetime) -> int:
    """Send the digest of the day to everybody who has an address, something to read, and did not get it yet.

    Returns how many were sent: none on a day that is no working day. A mail is claimed before it is sent, so nobody
    gets one twice; if the process is killed in between, the flags come with the digest of the next working day.

    Raises:
        ConfigurationError: no mail server is set.
        OneRecordError: some or all mails were not taken; those are sent by the next run.
    """
    if settings.mail is None:
        raise ConfigurationError(mail.OFF)
    day = clock.day(as_of)
    if not workdays.calendar(settings.coach).is_working_day(day):
        return 0
    with engine.begin() as connection:
        written = _written(connection, settings, day, as_of)
    if not written:
        return 0
    names, messages = list(written), list(written.values())
    try:
        problems = mail.send(settings.mail, messages)
    except OneRecordError:
        _give_up(engine, names, day)
        raise
    _give_up(engine, [names[place] for place in problems], day)
    sent = [name for place, name in enumerate(names) if place not in problems]
    with engine.begin() as connection:
        told = text("UPDATE quality.digest SET sent_at = now() WHERE day = :day AND name = ANY(:names)")
        connection.execute(told, {"day": day, "names": sent})
    if problems:
        why = "; ".join(sorted({problem.why for problem in problems.values()}))
        raise OneRecordError(f"{len(problems)} of {len(names)} digests were not taken ({why}); the next run sends them")
    return len(sent)


def _written(connection: Connection, settings: Settings, day: dt.date, as_of: dt.datetime) -> dict[str, EmailMessage]:
    """The mails of the day by account, claimed."""
    people = {person.name: person for person in connection.execute(text(_PEOPLE), {"day": day})}
    own = flags.waiting(connection, list(people), day, most=MOST + 1)
    managers = _for_managers(connection, settings, day, as_of)
    texts = {}
    for name, person in people.items():
        parts = _for_owner(own.get(name, []), person.last, settings.address)
        if flags.manages(access.principal(name, person.role, person.departments)):
            parts += managers
        if parts:
            texts[name] = parts
    claimed = connection.execute(text(_CLAIM), {"names": list(texts), "day": day, "as_of": as_of}).scalars()
    return {name: _message(people[name].email, texts[name], settings.address) for name in claimed}


def _give_up(engine: Engine, names: Sequence[str], day: dt.date) -> None:
    with engine.begin() as connection:
        ended = text("DELETE FROM quality.digest WHERE day = :day AND sent_at IS NULL AND name = ANY(:names)")
        connection.execute(ended, {"day": day, "names": list(names)})


def _for_owner(own: Sequence[Row[Any]], last: dt.datetime | None, address: str) -> list[str]:
    shown = own[:MOST]
    new = [flag for flag in shown if last is None or flag.raised_at > last]
    waiting = [flag for flag in shown if flag not in new]
    parts = []
    for title, some in (("New flags on your deals", new), ("Flags that wait for your answer", waiting)):
        if some:
            parts += [title, "", *(line for flag in some for line in _lines(flag, address)), ""]
    if len(own) > MOST:
        parts += [f"There are more: {address}/flags", ""]
    return parts


def _lines(flag: Row[Any], address: str) -> list[str]:
    """No more of a customer than the deal's name, on one line whatever is in it."""
    says = advice(flag.rule)
    name = " ".join(flag.name.split())
    return [f"- {name}: {says.says}", f"  {says.do}", f"  {address}/flags/{flag.flag_id}"]


def _for_managers(connection: Connection, settings: Settings, day: dt.date, as_of: dt.datetime) -> list[str]:
    """Counts only, and none of a department that is too small."""
    found = teams.figures(connection, settings.coach.team_minimum)
    muted = [row.rule for row in muting.rules(connection, settings.coach, as_of) if row.muted_at]
    parts = [
        f"- {group.name}: {group.flagged:,} of {group.deals:,} open deals have a flag, {group.critical:,} critical"
        for group in found
        if group.flagged
    ]
    parts += [
        f"- {row.on_no_deal:,} on no deal, {row.rule.replace('_', ' ')}: {settings.address}/flags/department"
        for row in flags.public(connection)
        if row.on_no_deal
    ]
    parts += [f"- The rule {rule.replace('_', ' ')} is muted: too many answers said that it is wrong" for rule in muted]
    return [f"The department on {day:%d %b %Y}", "", *parts, "", f"{settings.address}/flags/team", ""] if parts else []


def _message(to: str, parts: Sequence[str], address: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = "Flags on deals"
    why = "A flag is a question, not a verdict. Answer it on its page: fixed, wrong because, or later."
    message.set_content("\n".join([*parts, why, f"Everything of yours: {address}/flags"]))
    return message
