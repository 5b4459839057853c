"""The summary of a run: one object for the terminal, `--json` and the web page."""

from typing import Any

from sqlalchemy import Engine, text

from hub import runs, waivers
from hub.identity.conflicts import conflicts
from hub.review.queries import queue
from hub.settings import SourceSettings

LANDED = ("fetched", "inserted", "updated", "unchanged", "deleted")


def build(engine: Engine, run_id: str, sources: tuple[SourceSettings, ...]) -> dict[str, Any]:
    """Keys: sources, pairs, golden, flags, publication, changed. Counts only, no personal data."""
    noted = runs.summary(engine, run_id)
    summary = {
        "sources": {source.name: _source(engine, noted, source) for source in sources},
        "pairs": {kind: _pairs(report) for kind, report in noted.get("pairs", {}).items()},
        "golden": _golden(engine, noted),
        "flags": _flags(noted),
        "publication": _publication(engine, noted, run_id),
    }
    return {**summary, "changed": _changed(summary)}


def _source(engine: Engine, noted: dict[str, Any], source: SourceSettings) -> dict[str, Any]:
    landed = noted.get("landed", {}).get(source.name, {})
    conformed = noted.get("conformed", {}).get(source.name, {})
    with engine.connect() as connection:
        held = connection.execute(
            text("SELECT count(*) FROM landing.quarantine WHERE source = :source AND resolved_at IS NULL"),
            {"source": source.name},
        ).scalar_one()
        rows = connection.execute(
            text("SELECT count(*) FROM landing.source_record WHERE source = :source"), {"source": source.name}
        ).scalar_one()
    counts = {name: landed.get(name, 0) for name in LANDED}
    return {
        "department": source.department.value,
        "records": rows,
        **counts,
        "quarantined": conformed.get("quarantined", 0) + landed.get("quarantined", 0),
        "in_quarantine": held,
        "ignored": conformed.get("ignored", 0),
        "streams": landed.get("streams", {}),
    }


def _pairs(report: dict[str, Any]) -> dict[str, Any]:
    """`same` and `review` are all pairs that are stored now; the other counts are of this run."""
    names = (
        "parties",
        "changed",
        "compared",
        "written",
        "removed",
        "same",
        "review",
        "different",
        "model_version",
        "retrained",
    )
    return {name: report.get(name) for name in names}


def _golden(engine: Engine, noted: dict[str, Any]) -> dict[str, Any]:
    with engine.connect() as connection:
        kinds = connection.execute(text("SELECT kind, count(*) FROM golden.customer GROUP BY kind")).all()
        waiting = queue.in_all(connection)
        contradictions = len(conflicts(connection))
    by_kind: dict[str, int] = {kind: count for kind, count in kinds}  # noqa: C416  # rows are not tuples to mypy
    resolved = noted.get("resolved", {}).get("customers", {})
    customers = sum(by_kind.values())
    return {
        "customers": customers,
        "persons": by_kind.get("person", 0),
        "organizations": by_kind.get("organization", 0),
        **{name: resolved.get(name, 0) for name in ("created", "merged", "split", "moved")},
        "id_churn": (resolved.get("merged", 0) + resolved.get("split", 0)) / max(customers, 1),
        "pairs_waiting": waiting,
        "contradictions": contradictions,
    }


def _flags(noted: dict[str, Any]) -> dict[str, Any]:
    report = noted.get("flags", {}).get("opportunities", {})
    return {name: report.get(name, 0) for name in ("opened", "reopened", "resolved")} | {"open": report.get("open", {})}


def _publication(engine: Engine, noted: dict[str, Any], run_id: str) -> dict[str, Any]:
    report = noted.get("publication", {}).get("report", {})
    with engine.connect() as connection:
        last = connection.execute(text("SELECT max(number) FROM golden.publication")).scalar_one()
        failed = waivers.failures(connection, run_id)
    problems = [
        {"check": f"{row.suite}.{row.name}", "severity": row.severity, "failed": row.failed, "waived_by": row.waived_by}
        for row in failed
    ]
    holding = [one["check"] for one in problems if one["severity"] == "critical" and one["waived_by"] is None]
    names = ("created", "changed", "merged", "split", "retired", "opportunities_changed")
    return {
        "number": last,
        "published": report.get("published", False),
        **{name: report.get(name, 0) for name in names},
        "held_by": holding,
        "warnings": [problem for problem in problems if problem["check"] not in holding],
    }


def _changed(summary: dict[str, Any]) -> bool:
    landed = any(counts["inserted"] + counts["updated"] + counts["deleted"] for counts in summary["sources"].values())
    matched = any((report["written"] or 0) + (report["removed"] or 0) for report in summary["pairs"].values())
    flags = summary["flags"]["opened"] + summary["flags"]["reopened"] + summary["flags"]["resolved"]
    return bool(landed or matched or flags or summary["publication"]["published"])
