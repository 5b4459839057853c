"""What each source gets: an asset that lands its streams, and one that conforms them."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from connectors.conform import ConformReport, conform_source
from connectors.sync import sync_source
from hub import runs
from hub.errors import SourceError, TransientSourceError
from hub.settings import SourceSettings
from orchestration.resources import Hub


def landing_key(source: str) -> dg.AssetKey:
    return dg.AssetKey(["landing", source])


def canonical_key(source: str) -> dg.AssetKey:
    return dg.AssetKey(["canonical", source])


def land_asset(source: SourceSettings) -> dg.AssetsDefinition:
    """Read what is new at a source into landing; retries live in the HTTP client, so a failure here is final."""

    @dg.asset(
        key=landing_key(source.name),
        group_name="land",
        kinds={"postgres", source.system},
        tags={"department": source.department.value},
        description=f"Rows of {source.name} ({source.department.value}), exactly as the source gave them.",
    )
    def land(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
        as_of = hub.as_of(context)
        try:
            reports = sync_source(
                hub.engine, source, run_id=context.run_id, as_of=as_of, progress=hub.progress(context)
            )
        except SourceError as error:
            kind = "transient" if isinstance(error, TransientSourceError) else "permanent"
            metadata = {"source": error.source, "stream": error.stream, "kind": kind}
            raise dg.Failure(str(error), metadata=metadata, allow_retries=False) from error
        streams = {report.stream: _counts(report) for report in reports}
        totals = _totals(streams)
        runs.note(hub.engine, context.run_id, "landed", source.name, {"streams": streams, **totals})
        return dg.MaterializeResult(metadata={**totals, "streams": _table(streams)})

    return land


def conform_asset(source: SourceSettings) -> dg.AssetsDefinition:
    """Turn the landed rows that changed into parties and facts; rows that do not fit go to quarantine."""

    @dg.asset(
        key=canonical_key(source.name),
        deps=[landing_key(source.name)],
        group_name="conform",
        kinds={"postgres", "pydantic"},
        tags={"department": source.department.value},
        description=f"Parties and facts of {source.name}, in the words that all departments share.",
    )
    def conform(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
        try:
            reports = conform_source(hub.engine, source, run_id=context.run_id, progress=hub.progress(context))
        except SourceError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        streams = {report.stream: _counts(report) for report in reports}
        totals = _totals(streams)
        runs.note(hub.engine, context.run_id, "conformed", source.name, {"streams": streams, **totals})
        return dg.MaterializeResult(metadata={**totals, "streams": _table(streams), "reasons": _reasons(reports)})

    return conform


def _counts(report: Any) -> dict[str, int]:
    """The numbers of a report; what it counts by reason (ignored, failures) is added up."""
    found = {name: sum(value.values()) if isinstance(value, dict) else value for name, value in asdict(report).items()}
    return {name: value for name, value in found.items() if isinstance(value, int)}


def _totals(streams: dict[str, dict[str, int]]) -> dict[str, int]:
    names = list(dict.fromkeys(name for counts in streams.values() for name in counts))
    return {name: sum(counts.get(name, 0) for counts in streams.values()) for name in names}


def _reasons(reports: list[ConformReport]) -> dg.MetadataValue[Any]:
    """Why records became no party or fact, per stream: reasons and field names, never values."""
    lines = [
        f"- {report.stream}: {count:,} {what}: {reason}"
        for report in reports
        for what, reasons in (("ignored", report.ignored), ("quarantined", report.failures))
        for reason, count in reasons.items()
    ]
    return dg.MetadataValue.md("\n".join(lines) or "every record fits")


def _table(streams: dict[str, dict[str, int]]) -> dg.MetadataValue[Any]:
    if not streams:
        return dg.MetadataValue.text("nothing to do")
    names = list(next(iter(streams.values())))
    lines = [f"| stream | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    lines += [f"| {stream} | {' | '.join(f'{counts[n]:,}' for n in names)} |" for stream, counts in streams.items()]
    return dg.MetadataValue.md("\n".join(lines))
