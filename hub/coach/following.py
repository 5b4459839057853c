"""What a run tells the coach: which answers did not help, what may be published, and the figures of groups."""

import datetime as dt

from sqlalchemy import Connection, text

from hub import clock
from hub.coach import muting, teams
from hub.coach.flags import ANSWERED
from hub.coach.settings import CoachSettings

# Only a run that has read the deal's source since then can know whether the deal was mended there. What customers and
# departments are flagged for may be mended in any source.
_SEEN_AGAIN = """
UPDATE quality.flag_answer a SET seen_again_at = :as_of
FROM quality.flag f LEFT JOIN canonical.opportunity o ON o.ref = f.opportunity_ref
WHERE a.flag_id = f.flag_id AND a.raised_at = f.raised_at AND f.resolved_at IS NULL
  AND a.answer = 'fixed' AND a.seen_again_at IS NULL AND a.undone_at IS NULL
  AND EXISTS (SELECT 1 FROM landing.sync_run s
              WHERE (o.ref IS NULL OR (s.source = o.source AND s.stream = o.stream))
                AND s.error IS NULL AND s.finished_at IS NOT NULL AND s.started_at > a.answered_at)
"""
_PUBLIC = f"""
WITH {ANSWERED}
UPDATE quality.flag f SET public = NOT f.public
WHERE f.resolved_at IS NULL AND f.public <> (
    f.shared_from <= CAST(:today AS date) AND f.rule NOT IN (SELECT rule FROM muted)
    AND f.flag_id NOT IN (SELECT flag_id FROM answered WHERE state IN ('wrong', 'snoozed')))
"""
_COUNTED = """
INSERT INTO quality.rule_figure (rule, critical, warning, on_no_deal)
SELECT rule, count(*) FILTER (WHERE severity = 'critical'), count(*) FILTER (WHERE severity = 'warning'),
       count(*) FILTER (WHERE opportunity_ref IS NULL)
FROM quality.flag WHERE public GROUP BY rule
"""


def follow(connection: Connection, coach: CoachSettings, as_of: dt.datetime) -> None:
    """Bring what is public to the moment `as_of`, after quality.flag is written, in the same transaction.

    Windows and snoozes that ended by `as_of` make a flag public, and a trigger queues its opportunity for publication.
    """
    connection.execute(text(_SEEN_AGAIN), {"as_of": as_of})
    muting.mute(connection, coach, as_of)
    turned = connection.execute(text(_PUBLIC), {"today": clock.day(as_of)})
    if turned.rowcount:
        # The windows of a whole first run end at once, and the planner would think that nothing is public.
        connection.execute(text("ANALYZE quality.flag"))
    connection.execute(text("DELETE FROM quality.rule_figure"))
    connection.execute(text(_COUNTED))
    teams.keep(connection, coach.team_minimum)
