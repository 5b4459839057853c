"""Flags as the coach sees them: whose they are, who may look at them, and what was answered.

Every query on flags for people reads `followed`: one row per open flag, with its window and the answer that counts.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.access import Principal, Scope, facts_of
from hub.api import paging
from hub.model.kinds import Department

PAGE = 50
# Opportunities and the customers that they are missing on are what sales works on.
CONCERNED = Department.SALES
# The same for every number that somebody may not see: else they could count through them how many are private.
REFUSED = "you may see no open flag of this number: it is its owner's alone at first, was mended, or never was"

# Which answers to a flag still hold, and what the last of them makes of it. Takes :today, the UTC day of the clock.
_HOLDS = """a.undone_at IS NULL
          AND CASE a.answer WHEN 'wrong' THEN a.evidence = f.evidence ELSE a.raised_at = f.raised_at END"""
_STATE = """CASE WHEN a.answer = 'wrong' THEN 'wrong'
                WHEN a.answer = 'snooze' AND a.until > CAST(:today AS date) THEN 'snoozed'
                WHEN a.answer = 'fixed' AND a.seen_again_at IS NULL THEN 'fixed'
                ELSE 'waiting' END"""
_FOLLOWED = f"""
followed AS (
    SELECT f.*, md5(CAST(f.evidence AS text)) AS fingerprint,
           a.answer_id, a.answer, a.reason, a.until, a.author, a.answered_at, a.seen_again_at,
           f.shared_from <= CAST(:today AS date) AS shared,
           EXISTS (SELECT 1 FROM quality.rule_mute m WHERE m.rule = f.rule AND m.ended_at IS NULL) AS muted,
           {_STATE} AS state
    FROM {{flags}} f
    LEFT JOIN LATERAL (
        SELECT * FROM quality.flag_answer a WHERE a.flag_id = f.flag_id AND {_HOLDS} ORDER BY a.answer_id DESC LIMIT 1
    ) a ON true
    WHERE f.resolved_at IS NULL
)"""
# An account's own: found by the few deals that it owns, whatever else is flagged.
_OWN = f"""
mine AS MATERIALIZED (
    SELECT f.*, w.name AS account FROM ops.account_owner w
    JOIN canonical.opportunity o ON o.source = w.source AND o.owner_id = w.owner_id
    JOIN quality.flag f ON f.opportunity_ref = o.ref
    WHERE w.name = ANY(:accounts) AND f.resolved_at IS NULL
), {_FOLLOWED.format(flags="mine")}"""
# Of all flags, those that somebody answered: few, whatever is flagged.
ANSWERED = f"""
muted AS MATERIALIZED (SELECT rule FROM quality.rule_mute WHERE ended_at IS NULL),
answered AS MATERIALIZED (
    SELECT flag_id, {_STATE} AS state
    FROM (SELECT DISTINCT ON (a.flag_id) a.* FROM quality.flag_answer a JOIN quality.flag f USING (flag_id)
          WHERE f.resolved_at IS NULL AND {_HOLDS} ORDER BY a.flag_id, a.answer_id DESC) a
)"""
_SHARED = "f.shared_from <= CAST(:today AS date)"
# What pages show of the subject; `told` are the flags that they show.
_TOLD = """
SELECT told.*, coalesce(told.opportunity_ref, CAST(told.golden_id AS text), told.department) AS subject,
       coalesce(o.name, c.name, initcap(told.department), told.opportunity_ref, 'A customer') AS name,
       o.source, o.owner_id, o.owner_name, o.stage, o.amount, o.currency, o.close_date
FROM told LEFT JOIN canonical.opportunity o ON o.ref = told.opportunity_ref
LEFT JOIN golden.customer c ON c.golden_id = told.golden_id"""


def manages(who: Principal) -> bool:
    """Whether somebody sees flags on the deals of others once their window is over, and answers for the department:
    leads of sales, admins, keys for sales.
    """
    return who.may(facts_of(CONCERNED))


def helps(who: Principal) -> bool:
    """Whether somebody sees flags on customers and departments: whoever manages, and engineers, who look after data."""
    return manages(who) or who.may(Scope.WAIVE)


def own(
    connection: Connection, account: str, today: dt.date, *, answered: bool, cursor: str | None
) -> paging.Page[Row[Any]]:
    """One page of the flags on an account's own deals that wait for an answer, or that have one; critical ones first.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    picked = f"""{_OWN}, told AS MATERIALIZED (
        SELECT * FROM followed f WHERE NOT muted AND (state <> 'waiting') = :answered AND {{place}} )"""
    values = {"accounts": [account], "answered": answered, "today": today}
    return _page(connection, picked, values, ["own", answered], cursor=cursor)


def on_deals(connection: Connection, today: dt.date, *, rule: str, cursor: str | None) -> paging.Page[Row[Any]]:
    """One page of the flags on deals whose window is over, of one rule or all; dismissed ones left out.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    which = f"{_SHARED} AND f.opportunity_ref IS NOT NULL" + (" AND f.rule = :rule" if rule else "")
    return _page(connection, _picked(which), {"rule": rule, "today": today}, ["deals", rule], cursor=cursor)


def shared(connection: Connection, today: dt.date, *, cursor: str | None, limit: int) -> paging.Page[Row[Any]]:
    """One page of all flags whose window is over, dismissed ones left out; critical ones first.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    return _page(connection, _picked(_SHARED), {"today": today}, ["shared"], cursor=cursor, limit=limit)


def of_departments(connection: Connection, today: dt.date, *, cursor: str | None) -> paging.Page[Row[Any]]:
    """One page of the flags on customers and departments, dismissed ones left out; critical ones first.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    picked = _picked("f.opportunity_ref IS NULL")
    return _page(connection, picked, {"today": today}, ["departments"], cursor=cursor)


def _picked(which: str) -> str:
    """The flags of a page, read in the order of an index, and what is answered of those few only."""
    return f"""{ANSWERED}, picked AS MATERIALIZED (
        SELECT f.* FROM quality.flag f
        WHERE f.resolved_at IS NULL AND {which} AND f.rule NOT IN (SELECT rule FROM muted)
          AND f.flag_id NOT IN (SELECT flag_id FROM answered WHERE state = 'wrong') AND {{place}}
    ), {_FOLLOWED.format(flags="picked")}, told AS (SELECT * FROM followed)"""


def _page(
    connection: Connection,
    picked: str,
    values: Mapping[str, Any],
    filters: Sequence[Any],
    *,
    cursor: str | None,
    limit: int = PAGE,
) -> paging.Page[Row[Any]]:
    parameters, place = {**values, "limit": limit + 1}, "true"
    if cursor is not None:
        place = "(f.severity, f.flag_id) > (:at, :at_id)"
        parameters |= dict(zip(("at", "at_id"), paging.decode(cursor, [str, int], filters), strict=True))
    place += " ORDER BY f.severity, f.flag_id LIMIT :limit"
    statement = f"WITH {picked.format(place=place)} {_TOLD} ORDER BY told.severity, told.flag_id"
    rows = connection.execute(text(statement), parameters).all()
    return paging.cut(rows, limit, lambda row: paging.encode([row.severity, row.flag_id], filters))


def waiting(connection: Connection, accounts: Sequence[str], today: dt.date, *, most: int) -> dict[str, list[Row[Any]]]:
    """For each account that has some, up to `most` of the flags on its own deals that wait, critical ones first."""
    placed = """
        SELECT *, row_number() OVER (PARTITION BY account ORDER BY severity, flag_id) AS place
        FROM followed WHERE NOT muted AND state = 'waiting'"""
    rows = connection.execute(
        text(
            f"""WITH {_OWN}, placed AS ({placed}), told AS MATERIALIZED (SELECT * FROM placed WHERE place <= :most)
                {_TOLD} ORDER BY account, place"""
        ),
        {"accounts": list(accounts), "today": today, "most": most},
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.account, []).append(row)
    return found


def one(connection: Connection, flag_id: int, account: str | None, today: dt.date) -> Row[Any] | None:
    """An open flag, with `own`: whether the deal is this account's; None where there is no such flag."""
    is_own = """EXISTS (SELECT 1 FROM ops.account_owner w JOIN canonical.opportunity d
                        ON d.source = w.source AND d.owner_id = w.owner_id
                        WHERE w.name = :account AND d.ref = followed.opportunity_ref)"""
    return connection.execute(
        text(
            f"""WITH {_FOLLOWED.format(flags="quality.flag")},
                told AS MATERIALIZED (SELECT *, {is_own} AS own FROM followed WHERE flag_id = :flag) {_TOLD}"""
        ),
        {"flag": flag_id, "account": account, "today": today},
    ).one_or_none()


def counts(connection: Connection, account: str, today: dt.date) -> Row[Any]:
    """How many of an account's own flags wait and are answered, and how many owners it is."""
    return connection.execute(
        text(
            f"""WITH {_OWN}
                SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
                       count(*) FILTER (WHERE state <> 'waiting') AS answered,
                       (SELECT count(*) FROM ops.account_owner WHERE name = ANY(:accounts)) AS owners
                FROM followed WHERE NOT muted"""
        ),
        {"accounts": [account], "today": today},
    ).one()


def public(connection: Connection) -> Sequence[Row[Any]]:
    """Per rule, what the last run counted as shared: critical, warning, many, on_no_deal; most first."""
    return connection.execute(
        text(
            """SELECT rule, critical, warning, critical + warning AS many, on_no_deal
               FROM quality.rule_figure ORDER BY many DESC, rule"""
        )
    ).all()
