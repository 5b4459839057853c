"""Opportunity hygiene, one SELECT per rule. Where the numbers come from is told in docs/rules.md.

Each rule reads the CTE `live_opportunity` (see LIVE) and gives ref, severity and evidence of the
opportunities that break it. Evidence holds dates, numbers and field names that stay equal until the opportunity or
a setting changes, never "days since", which would make every flag a new one every day. Days are those of UTC.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from hub.errors import ConfigurationError
from hub.settings import HygieneSettings

LIVE = "live_opportunity AS (SELECT * FROM canonical.opportunity WHERE deleted_at IS NULL)"

_AS_OF = "CAST(:as_of AS timestamptz)"
_TODAY = f"CAST({_AS_OF} AT TIME ZONE 'UTC' AS date)"
_CREATED_ON = "CAST(source_created_at AT TIME ZONE 'UTC' AS date)"

# What people write into a field that they are forced to fill, once blanks and punctuation are taken away.
PLACEHOLDERS = (
    "",
    "tbd",
    "tba",
    "tbc",
    "na",
    "none",
    "null",
    "nil",
    "unknown",
    "todo",
    "test",
    "x",
    "xx",
    "xxx",
    "123",
)
_PUNCTUATION = " .,;!?_/*#+=()<>-"


def _blank(column: str) -> str:
    words = ", ".join(f"'{word}'" for word in PLACEHOLDERS)
    return f"translate(lower(coalesce({column}, '')), '{_PUNCTUATION}', '') IN ({words})"


def _null(column: str) -> str:
    return f"{column} IS NULL"


# Placeholders are words of people: an owner whose id is 123 is an owner.
REQUIRABLE = {
    "name": _blank("name"),
    "stage": _blank("stage"),
    "next_step": _blank("next_step"),
    "owner_name": _blank("owner_name"),
    "owner_id": _null("owner_id"),
    "party_ref": _null("party_ref"),
    "contact_ref": _null("contact_ref"),
    "amount": _null("amount"),
    "currency": _null("currency"),
    "probability": _null("probability"),
    "close_date": _null("close_date"),
}


@dataclass(frozen=True)
class Rule:
    """One hygiene rule: `select` has the shape that the module's docstring gives, and takes `parameters`."""

    name: str
    description: str
    select: str


INACTIVE = Rule(
    "inactive",
    "open, and no activity was logged for inactive_days; without any activity, since it was created",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('last_activity_at', last_activity_at, 'created_at', source_created_at,
                                  'limit_days', CAST(:inactive_days AS int)) AS evidence
        FROM live_opportunity
        WHERE status = 'open' AND coalesce(last_activity_at, source_created_at)
              <= {_AS_OF} - make_interval(days => CAST(:inactive_days AS int))""",
)

# A source that keeps no history cannot show progress. Its own stamp of the last modification is never earlier than
# the last progress, so an opportunity that was not even touched for so long has certainly made none.
NO_PROGRESS = Rule(
    "no_progress",
    "open, and stage, close date and amount stayed as they are for no_progress_days (stale)",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('last_progress_at', progressed_at, 'created_at', source_created_at,
                                  'limit_days', CAST(:no_progress_days AS int)) AS evidence
        FROM (SELECT o.ref, o.source_created_at,
                     CASE WHEN told.source IS NULL THEN coalesce(o.source_updated_at, o.source_created_at)
                          ELSE greatest(h.changed_at, o.source_created_at) END AS progressed_at
              FROM live_opportunity o
              LEFT JOIN (SELECT opportunity_ref, max(changed_at) AS changed_at FROM canonical.opportunity_change
                         WHERE deleted_at IS NULL AND changed_at <= {_AS_OF}
                         GROUP BY opportunity_ref) h ON h.opportunity_ref = o.ref
              LEFT JOIN (SELECT DISTINCT source FROM canonical.opportunity_change) told ON told.source = o.source
              WHERE o.status = 'open') p
        WHERE progressed_at <= {_AS_OF} - make_interval(days => CAST(:no_progress_days AS int))""",
)

PAST_CLOSE_DATE = Rule(
    "past_close_date",
    "open, though its close date is past_close_days or more ago",
    f"""SELECT ref, 'critical' AS severity,
               jsonb_build_object('close_date', close_date, 'limit_days', CAST(:past_close_days AS int)) AS evidence
        FROM live_opportunity
        WHERE status = 'open' AND close_date <= {_TODAY} - CAST(:past_close_days AS int)""",
)

# Dates in a history are text of the source; ISO dates order as text, so nothing is cast and nothing can fail.
PUSHED = Rule(
    "pushed",
    "open, and its close date was moved later pushed_warn times or more (critical from pushed_critical)",
    f"""SELECT ref,
               CASE WHEN pushes >= CAST(:pushed_critical AS int) THEN 'critical' ELSE 'warning' END AS severity,
               jsonb_build_object('pushes', pushes, 'first_close_date', first_close_date, 'close_date', close_date)
                   AS evidence
        FROM (SELECT o.ref, o.close_date, count(*) AS pushes,
                     min(left(c.old_value, 10)) AS first_close_date
              FROM live_opportunity o JOIN canonical.opportunity_change c ON c.opportunity_ref = o.ref
              WHERE o.status = 'open' AND c.field = 'close_date' AND c.deleted_at IS NULL AND c.changed_at <= {_AS_OF}
                AND c.old_value LIKE '____-__-__%' AND c.new_value LIKE '____-__-__%'
                AND left(c.new_value, 10) COLLATE "C" > left(c.old_value, 10) COLLATE "C"
              GROUP BY o.ref, o.close_date) p
        WHERE pushes >= least(CAST(:pushed_warn AS int), CAST(:pushed_critical AS int))""",
)

BACKDATED = Rule(
    "backdated",
    "its close date is before the day it was created",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('close_date', close_date, 'created_at', source_created_at) AS evidence
        FROM live_opportunity WHERE close_date < {_CREATED_ON}""",
)

REQUIRED_FIELDS = Rule(
    "required_fields",
    "open, and one of required_fields is empty or holds a placeholder",
    f"""SELECT ref, 'warning' AS severity, jsonb_build_object('missing', missing) AS evidence
        FROM live_opportunity CROSS JOIN LATERAL (
            SELECT jsonb_agg(field ORDER BY field) AS missing
            FROM (VALUES {", ".join(f"('{field}', {empty})" for field, empty in REQUIRABLE.items())}) f (field, empty)
            WHERE empty AND field = ANY (string_to_array(:required_fields, ','))
        ) m
        WHERE status = 'open' AND missing IS NOT NULL""",
)

HIDDEN = Rule(
    "hidden",
    "created and won on the same day: it was worked on where nobody could see it",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('created_at', source_created_at, 'closed_at', closed_at, 'close_date', close_date)
                   AS evidence
        FROM live_opportunity
        WHERE status = 'won'
          AND coalesce(CAST(closed_at AT TIME ZONE 'UTC' AS date), close_date) = {_CREATED_ON}""",
)

RULES = (INACTIVE, NO_PROGRESS, PAST_CLOSE_DATE, PUSHED, BACKDATED, REQUIRED_FIELDS, HIDDEN)


def parameters(hygiene: HygieneSettings, as_of: dt.datetime) -> dict[str, Any]:
    """What the SELECTs of the rules take.

    Raises:
        ConfigurationError: required_fields names something that an opportunity does not have.
    """
    unknown = sorted(set(hygiene.required_fields) - REQUIRABLE.keys())
    if unknown:
        known = ", ".join(sorted(REQUIRABLE))
        raise ConfigurationError(f"hygiene.required_fields: an opportunity has no {', '.join(unknown)}; it has {known}")
    return {
        "as_of": as_of,
        "inactive_days": hygiene.inactive_days,
        "no_progress_days": hygiene.no_progress_days,
        "past_close_days": hygiene.past_close_days,
        "pushed_warn": hygiene.pushed_warn,
        "pushed_critical": hygiene.pushed_critical,
        "required_fields": ",".join(hygiene.required_fields),
    }
