"""Figures of groups, never of people: a group with few owners is told together with others, or not at all."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, delete, insert, select, text

from hub.db.tables.coach import TeamFigure

# Opportunities are what sales knows: their department is that one.
DEPARTMENT = "Sales"
OTHERS = "Other teams"


@dataclass(frozen=True)
class Group:
    """How the deals of a group are: `flagged` deals have a flag that managers see, `critical` one that is critical."""

    name: str
    owners: int
    deals: int
    flagged: int
    critical: int


# An owner without an account, or whose account has no team, is counted with the team ''.
_TEAMS = """
WITH flagged AS (
    SELECT opportunity_ref, bool_or(severity = 'critical') AS critical
    FROM quality.flag WHERE public AND opportunity_ref IS NOT NULL GROUP BY opportunity_ref
),
owner AS (
    SELECT o.source, o.owner_id, count(*) AS deals, count(g.opportunity_ref) AS flagged,
           count(*) FILTER (WHERE g.critical) AS critical
    FROM canonical.opportunity o LEFT JOIN flagged g ON g.opportunity_ref = o.ref
    WHERE o.deleted_at IS NULL AND o.status = 'open' AND o.owner_id IS NOT NULL
    GROUP BY o.source, o.owner_id
)
SELECT coalesce(a.team, '') AS team, count(*) AS owners, CAST(sum(deals) AS bigint), CAST(sum(flagged) AS bigint),
       CAST(sum(critical) AS bigint)
FROM owner LEFT JOIN ops.account_owner w USING (source, owner_id) LEFT JOIN ops.account a ON a.name = w.name
GROUP BY 1 ORDER BY 1
"""


def keep(connection: Connection, minimum: int) -> None:
    """Count the groups anew, by what this run made public, over open deals that have an owner.

    Only groups are kept that may be shown, and nothing of a single owner.
    """
    found = grouped([Group(*row) for row in connection.execute(text(_TEAMS))], minimum)
    connection.execute(delete(TeamFigure))
    if found:
        rows = [{"place": place, **asdict(group)} for place, group in enumerate(found)]
        connection.execute(insert(TeamFigure), rows)


def figures(connection: Connection, minimum: int) -> list[Group]:
    """The department, then its teams by name, as the last run counted them; empty where the department is too small."""
    names = [getattr(TeamFigure, column.name) for column in fields(Group)]
    found = select(*names).where(TeamFigure.owners >= minimum).order_by(TeamFigure.place)
    return [Group(*row) for row in connection.execute(found)]


def grouped(teams: Sequence[Group], minimum: int) -> list[Group]:
    """The whole and the teams that are large enough.

    Small teams are told as one. Where even together they are too few, the smallest of the large ones joins them: else
    the whole less the others would tell of them. Owners are summed up: an owner belongs to one team.
    """
    whole = _together(DEPARTMENT, teams)
    if whole.owners < minimum:
        return []
    large = sorted((team for team in teams if team.name and team.owners >= minimum), key=lambda team: -team.owners)
    rest = [team for team in teams if team not in large]
    while large and rest and sum(team.owners for team in rest) < minimum:
        rest.append(large.pop())
    if not large:
        return [whole]
    shown = sorted(large, key=lambda team: team.name)
    return [whole, *shown, *([_together(OTHERS, rest)] if rest else [])]


def _together(name: str, teams: Sequence[Group]) -> Group:
    return Group(
        name,
        owners=sum(team.owners for team in teams),
        deals=sum(team.deals for team in teams),
        flagged=sum(team.flagged for team in teams),
        critical=sum(team.critical for team in teams),
    )
