"""Flags and checks under other settings, tried. Nothing is written but temporary tables."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.identity import trial as identity
from hub.model.kinds import Severity
from hub.sections.hygiene import HygieneSettings
from hub.settings import Settings
from quality_checks import runner, suites
from quality_checks.check import Check
from quality_checks.flags import FOUND
from quality_checks.rules import hygiene


@dataclass(frozen=True)
class Rule:
    """Flags of one rule before and after: how many, and which it would open, resolve or weigh anew.

    The numbers count all; the tuples hold refs of some, `severity` with that of before and after. A deal is named only
    where others than its owner may see its flag: not while that is private, nor where no run has raised it yet.
    """

    before: int
    after: int
    opened: int
    resolved: int
    weighed: int
    open_refs: tuple[str, ...] = ()
    resolved_refs: tuple[str, ...] = ()
    severity: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A check before a publication, by the settings in force and by those tried: how many rows fail it."""

    check: str
    severity: Severity
    before: int
    after: int

    @property
    def holds(self) -> bool:
        """Whether it would hold the publication back."""
        return self.severity is Severity.CRITICAL and self.after > 0

    @property
    def holds_already(self) -> bool:
        """Whether it would by the settings in force, too."""
        return self.holds and self.before > 0


def flags(
    connection: Connection, old: HygieneSettings, new: HygieneSettings, *, as_of: dt.datetime, examples: int
) -> dict[str, Rule]:
    """The flags of each rule by both settings at the same moment: what time alone changes is not told.

    Raises:
        ConfigurationError: hygiene.required_fields names an unknown field.
    """
    found = f"WITH {FOUND} SELECT rule, subject AS ref, severity, opportunity_ref IS NOT NULL AS on_deal FROM found"
    for name, settings in (("before", old), ("after", new)):
        connection.execute(
            text(f"CREATE TEMP TABLE flags_{name} ON COMMIT DROP AS {found}"), hygiene.parameters(settings, as_of)
        )
        connection.execute(text(f"ANALYZE flags_{name}"))
    rows = connection.execute(text(_COMPARED), {"examples": examples})
    return {
        row.rule: Rule(
            row.before, row.after, row.opened, row.resolved, row.weighed, tuple(row.open_refs),
            tuple(row.resolved_refs), tuple(tuple(one) for one in row.severity),
        )
        for row in rows
    }  # fmt: skip


_COMPARED = """
    WITH compared AS (
        SELECT rule, ref, old.severity AS before, new.severity AS after, NOT on_deal OR shared.ref IS NOT NULL AS named
        FROM flags_before old FULL JOIN flags_after new USING (rule, ref, on_deal)
        LEFT JOIN (SELECT opportunity_ref AS ref, rule FROM quality.flag WHERE public) shared USING (rule, ref)
    ), told AS (
        SELECT *, before IS NULL AS opens, after IS NULL AS resolves, before <> after AS turns, row_number() OVER (
            PARTITION BY rule, before IS NULL, after IS NULL, before = after, named ORDER BY ref) AS place
        FROM compared
    )
    SELECT rule, count(before) AS before, count(after) AS after, count(*) FILTER (WHERE opens) AS opened,
        count(*) FILTER (WHERE resolves) AS resolved, count(*) FILTER (WHERE turns) AS weighed,
        coalesce(array_agg(ref ORDER BY ref) FILTER (WHERE opens AND named AND place <= :examples), '{}') AS open_refs,
        coalesce(array_agg(ref ORDER BY ref) FILTER (WHERE resolves AND named AND place <= :examples), '{}')
            AS resolved_refs,
        coalesce(jsonb_agg(jsonb_build_array(ref, before, after) ORDER BY ref)
            FILTER (WHERE turns AND named AND place <= :examples), '[]') AS severity
    FROM told GROUP BY rule ORDER BY rule
"""

# What the checks of golden records would read once customers were others.
_AS_IF = {
    "golden.composed_customer": "tried_composed",
    "identity.golden_id": "tried_golden_id",
    "identity.membership": identity.HOMES,
}
# What was measured in a run is judged by the last one that did.
_LAST_RUN = """
    SELECT run_id FROM ops.run r
    ORDER BY EXISTS (SELECT FROM quality.fill_rate f WHERE f.run_id = r.run_id) DESC, started_at DESC LIMIT 1"""
_OF_CUSTOMERS = ("id_churn", "customer_volume")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")


def checks(
    connection: Connection, old: Settings, new: Settings, *, as_of: dt.datetime, moved: identity.Clusters | None
) -> list[Verdict]:
    """The checks before a publication that a change concerns: those that take a setting which changes, and, where
    customers would be others (`moved`), those that look at how many would be.
    """
    run_id = connection.execute(text(_LAST_RUN)).scalar_one_or_none() or ""
    before, after = (runner.parameters(one, run_id=run_id, as_of=as_of) for one in (old, new))
    differ = {name for name in after if before[name] != after[name]}
    chosen = [check for check in suites.CHECKS if _takes(check, differ) or (moved and check.name in _OF_CUSTOMERS)]
    if moved is not None:
        _stage_customers(connection, moved)
    return [
        Verdict(
            f"{check.suite}.{check.name}",
            check.severity,
            _failing(connection, check, before),
            _failing(connection, check, after, _AS_IF if moved is not None else {}),
        )
        for check in chosen
    ]


def _query(check: Check) -> str:
    return str(check.arguments.get("unexpected_rows_query", ""))


def _takes(check: Check, differ: set[str]) -> bool:
    return not differ.isdisjoint(_PARAMETER.findall(_query(check)))


def _failing(
    connection: Connection, check: Check, parameters: dict[str, Any], as_if: dict[str, str] | None = None
) -> int:
    query = _query(check).replace("{batch}", check.table)
    for table, tried in (as_if or {}).items():
        query = query.replace(table, tried)
    used = {name: parameters[name] for name in _PARAMETER.findall(query)}
    return int(connection.execute(text(f"SELECT count(*) FROM ({query}) AS failing"), used).scalar_one())


def _stage_customers(connection: Connection, moved: identity.Clusters) -> None:
    """Who lists which records, and which ids are merged away, as it would be."""
    connection.execute(
        text(
            f"""CREATE TEMP TABLE tried_composed ON COMMIT DROP AS
                SELECT golden_id, array_agg(ref) AS members FROM {identity.HOMES} JOIN canonical.party USING (party_id)
                GROUP BY golden_id"""
        )
    )
    connection.execute(
        text(
            """CREATE TEMP TABLE tried_golden_id ON COMMIT DROP AS
               SELECT golden_id, CASE WHEN golden_id = ANY(CAST(:merged AS uuid[])) THEN 'merged' ELSE status END
                   AS status FROM identity.golden_id"""
        ),
        {"merged": list(moved.merged)},
    )
    connection.execute(text("ANALYZE tried_composed, tried_golden_id"))
