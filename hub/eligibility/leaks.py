"""Contacts that should not have been made: judged with the customers that are composed, counted for the page."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row, text

from hub.db.tables.golden import ContactLeakRow
from hub.eligibility import judged
from hub.eligibility.settings import EligibilitySettings

_BY_WEEK = """
    SELECT week, department, rule, count(DISTINCT touch_ref) AS touches FROM golden.contact_leak
    WHERE touched_at >= :first AND touched_at <= :as_of AND department = ANY (:departments)
    GROUP BY GROUPING SETS ((week, department), (rule, department)) ORDER BY week, department, rule"""
_NEWEST = """
    SELECT golden_id, touch_ref, department, channel, campaign, touched_at, rule, evidence_ref, evidence_department,
           evidence_at
    FROM golden.contact_leak
    WHERE touched_at >= :first AND touched_at <= :as_of AND department = ANY (:departments)
    ORDER BY touched_at DESC, touch_ref, rule, evidence_ref LIMIT :limit"""


def heed(connection: Connection, settings: EligibilitySettings) -> bool:
    """Judge by these settings from now on; returns whether they are others than before."""
    days = settings.days_after | {"declined_offer": max(settings.declined_offer_days, settings.declined_group_days)}
    changed = connection.execute(
        text(
            """INSERT INTO golden.contact_rules AS r (id, days, opt_out_channels) VALUES (1, :days, :channels)
               ON CONFLICT (id) DO UPDATE SET days = excluded.days, opt_out_channels = excluded.opt_out_channels
               WHERE (r.days, r.opt_out_channels) IS DISTINCT FROM (excluded.days, excluded.opt_out_channels)"""
        ),
        {"days": Jsonb(days), "channels": sorted(settings.opt_out_channels)},
    )
    return bool(changed.rowcount)


def judge(connection: Connection) -> None:
    """Judge all contacts of the customers in the temporary table `composing`.

    A contact may come from a customer that is judged later, or not at all any more: it has one row, wherever it is.
    """
    judged.prepare(connection)
    connection.execute(text("DELETE FROM golden.contact_leak_row l USING composing c WHERE l.golden_id = c.golden_id"))
    names = ", ".join(column.name for column in ContactLeakRow.__table__.columns)
    connection.execute(
        text(
            f"""INSERT INTO golden.contact_leak_row ({names})
                SELECT {names}
                FROM ({judged.LEAKS}) leak JOIN (SELECT *, ref AS touch_ref FROM contact) t USING (touch_ref)
                ON CONFLICT (touch_ref, rule, evidence_ref) DO UPDATE SET golden_id = excluded.golden_id"""
        )
    )


def counted(
    connection: Connection, first: dt.datetime, as_of: dt.datetime, departments: Collection[str]
) -> Sequence[Row[Any]]:
    """Touches that leaked, made by these departments: by week (rule is None) and by rule (week is None)."""
    given = {"first": first, "as_of": as_of, "departments": list(departments)}
    return connection.execute(text(_BY_WEEK), given).all()


def newest(
    connection: Connection, first: dt.datetime, as_of: dt.datetime, departments: Collection[str], limit: int
) -> Sequence[Row[Any]]:
    """Single leaks, newest first: a row for each touch, rule and record that it rests on."""
    given = {"first": first, "as_of": as_of, "departments": list(departments), "limit": limit}
    return connection.execute(text(_NEWEST), given).all()
