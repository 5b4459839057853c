"""What owners and departments say of their flags: fixed, wrong because, snooze until; and taking it back."""

import datetime as dt
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, text

from hub import clock
from hub.access import Principal
from hub.audit import record
from hub.coach import flags, muting
from hub.coach.settings import CoachSettings
from hub.db.tables.coach import FlagAnswer
from hub.errors import ConfigurationError, ConflictError, NotAllowedError, NotFoundError

Answer = Literal["fixed", "wrong", "snooze"]


def answer(
    connection: Connection,
    flag_id: int,
    said: Answer,
    *,
    who: Principal,
    fingerprint: str,
    coach: CoachSettings,
    as_of: dt.datetime,
    reason: str = "",
    until: dt.date | None = None,
) -> int:
    """Keep what somebody says of a flag of theirs; returns the id of the answer. It may mute the rule.

    `fingerprint`: that of the evidence which they saw.

    Raises:
        NotAllowedError: the deal is not theirs, nor the department whose work it is.
        NotFoundError: the flag is not open, or its rule is muted.
        ConflictError: the evidence is another one now.
        ConfigurationError: `wrong` has no reason, or `snooze` no day within longest_snooze_days from tomorrow.
    """
    today = clock.day(as_of)
    _check(said, reason, until, today, coach)
    flag = _theirs(connection, flag_id, who, today)
    if flag.fingerprint != fingerprint:
        raise ConflictError("the evidence changed while you were reading: look at it again")
    row = {
        "flag_id": flag_id, "rule": flag.rule, "raised_at": flag.raised_at, "evidence": flag.evidence, "answer": said,
        "reason": reason.strip(), "until": until if said == "snooze" else None, "author": who.name, "as_of": as_of,
    }  # fmt: skip
    number: int = connection.execute(insert(FlagAnswer).values(row).returning(FlagAnswer.answer_id)).scalar_one()
    record(connection, who.name, "answer flag", _subject(number), details={"answer": said})
    muting.mute(connection, coach, as_of)
    return number


def undo(connection: Connection, answer_id: int, *, account: str) -> int:
    """Take an answer back; returns the flag's id. The answer before it counts again.

    Raises:
        NotAllowedError: it is not this account's answer, or there is none.
        ConflictError: it was taken back already.
    """
    found = connection.execute(
        text("SELECT flag_id, author, undone_at FROM quality.flag_answer WHERE answer_id = :id FOR UPDATE"),
        {"id": answer_id},
    ).one_or_none()
    if found is None or found.author != account:
        raise NotAllowedError("only who answered takes it back")
    if found.undone_at is not None:
        raise ConflictError("this answer was taken back already")
    connection.execute(
        text("UPDATE quality.flag_answer SET undone_at = now() WHERE answer_id = :id"), {"id": answer_id}
    )
    record(connection, account, "undo flag answer", _subject(answer_id))
    return int(found.flag_id)


def _check(said: Answer, reason: str, until: dt.date | None, today: dt.date, coach: CoachSettings) -> None:
    if len(reason) > muting.LONGEST_REASON:
        raise ConfigurationError(f"say why in at most {muting.LONGEST_REASON:,} characters")
    if said == "wrong" and not reason.strip():
        raise ConfigurationError("say why the flag is wrong: it is how rules get better")
    last = today + dt.timedelta(days=coach.longest_snooze_days)
    if said == "snooze" and (until is None or not today < until <= last):
        raise ConfigurationError(f"snooze until a day from tomorrow to {last:%Y-%m-%d}")


def may_answer(flag: Row[Any], who: Principal) -> bool:
    """Whether a flag of `flags.one` is somebody's to answer: its owner's; its department's, where it is on no deal."""
    return bool(flag.own) or (flag.opportunity_ref is None and flags.manages(who))


def _theirs(connection: Connection, flag_id: int, who: Principal, today: dt.date) -> Row[Any]:
    flag = flags.one(connection, flag_id, who.name, today)
    if flag is None or not may_answer(flag, who):
        raise NotAllowedError("only the owner of the deal answers its flags, and sales those on customers")
    if flag.muted:
        raise NotFoundError("this rule is muted, so its flags need no answer")
    return flag


def _subject(answer_id: int) -> str:
    """What the audit log calls an answer: neither deal nor rule, which are the owner's alone for some days."""
    return f"flag-answer:{answer_id}"
