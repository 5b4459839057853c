"""Rules that people say are wrong too often mute themselves, until an admin says otherwise."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub import clock
from hub.audit import record
from hub.coach import workdays
from hub.coach.settings import CoachSettings
from hub.db import locks
from hub.errors import ConfigurationError, ConflictError

# Who acts where no person does.
HUB = "onerecord"
LONGEST_REASON = 2_000

# A flag counts once for each time it was raised, by the last answer. What was said before a rule was unmuted no longer
# counts: it would mute the rule again at once.
_COUNTED = """
counted AS (
    SELECT DISTINCT ON (a.flag_id, a.raised_at) rule, a.answer
    FROM quality.flag_answer a
    LEFT JOIN (SELECT rule, max(ended_at) AS ended_at FROM quality.rule_mute GROUP BY rule) unmuted USING (rule)
    WHERE a.undone_at IS NULL AND a.as_of > CAST(:as_of AS timestamptz) - make_interval(days => CAST(:days AS int))
      AND a.answered_at > coalesce(unmuted.ended_at, '-infinity') AND {which}
    ORDER BY a.flag_id, a.raised_at, a.answer_id DESC
)"""
_MUTE = f"""
WITH {_COUNTED.format(which="true")}
INSERT INTO quality.rule_mute (rule, answers, wrong)
SELECT rule, count(*), count(*) FILTER (WHERE answer = 'wrong') FROM counted GROUP BY rule
HAVING count(*) >= :floor AND count(*) FILTER (WHERE answer = 'wrong') >= CAST(:share AS numeric) * count(*)
ON CONFLICT (rule) WHERE ended_at IS NULL DO NOTHING
RETURNING rule, answers, wrong
"""
# An answer tells of its flag, so it is shown no earlier than the flag; one to an earlier time that it was raised stays.
_TOLD = """EXISTS (SELECT FROM quality.flag f WHERE f.flag_id = a.flag_id
    AND (f.shared_from <= CAST(:today AS date) OR f.raised_at <> a.raised_at))"""
_RULES = f"""
WITH {_COUNTED.format(which=_TOLD)},
said AS (
    SELECT rule, count(*) AS answers, count(*) FILTER (WHERE answer = 'fixed') AS fixed,
           count(*) FILTER (WHERE answer = 'wrong') AS wrong, count(*) FILTER (WHERE answer = 'snooze') AS snoozed
    FROM counted GROUP BY rule
)
SELECT rule, coalesce(critical + warning, 0) AS shared, coalesce(said.answers, 0) AS answers,
       coalesce(fixed, 0) AS fixed, coalesce(said.wrong, 0) AS wrong, coalesce(snoozed, 0) AS snoozed,
       m.muted_at, m.answers AS muted_answers, m.wrong AS muted_wrong
FROM quality.rule_figure FULL JOIN said USING (rule)
FULL JOIN (SELECT * FROM quality.rule_mute WHERE ended_at IS NULL) m USING (rule)
ORDER BY m.muted_at, rule
"""


def mute(connection: Connection, coach: CoachSettings, as_of: dt.datetime) -> list[str]:
    """Mute the rules whose flags were dismissed as wrong too often; returns their names. Each is in the audit log."""
    limits = {"floor": coach.mute_after, "share": coach.mute_share}
    muted = connection.execute(text(_MUTE), {**_since(coach, as_of), **limits}).all()
    for row in muted:
        why = f"{row.wrong} of {row.answers} answers said that it is wrong"
        record(connection, HUB, "mute rule", rule_subject(row.rule), reason=why)
    return [row.rule for row in muted]


def unmute(
    connection: Connection, rule: str, *, actor: str, reason: str, coach: CoachSettings, as_of: dt.datetime
) -> None:
    """Show a rule's flags again. Nobody saw them meanwhile: those on deals are their owners' alone for a window.

    Raises:
        ConfigurationError: there is no reason, or a very long one.
        ConflictError: the rule is not muted.
    """
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise ConfigurationError(f"say why, in at most {LONGEST_REASON:,} characters")
    locks.alone(connection, "quality.flag")
    ended = text(
        """UPDATE quality.rule_mute SET ended_at = now(), ended_by = :actor, ended_why = :reason
           WHERE rule = :rule AND ended_at IS NULL"""
    )
    if connection.execute(ended, {"rule": rule, "actor": actor, "reason": reason.strip()}).rowcount == 0:
        raise ConflictError("this rule is not muted")
    anew = workdays.shared_from(clock.day(as_of), coach)
    connection.execute(
        text(
            """UPDATE quality.flag SET shared_from = :anew, public = false
               WHERE rule = :rule AND resolved_at IS NULL AND opportunity_ref IS NOT NULL"""
        ),
        {"rule": rule, "anew": anew},
    )
    record(connection, actor, "unmute rule", rule_subject(rule), reason=reason.strip())


def rules(connection: Connection, coach: CoachSettings, as_of: dt.datetime) -> Sequence[Row[Any]]:
    """Per rule: its shared flags, the answers that count, since when it is muted; muted ones first.

    Nothing here tells of a flag that is its owner's alone, so this is less than what mutes a rule.
    """
    return connection.execute(text(_RULES), {**_since(coach, as_of), "today": clock.day(as_of)}).all()


def rule_subject(rule: str) -> str:
    """What the audit log calls a rule."""
    return f"rule:{rule}"


def _since(coach: CoachSettings, as_of: dt.datetime) -> dict[str, Any]:
    return {"as_of": as_of, "days": coach.mute_days}
