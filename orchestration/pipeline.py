"""One run of the main job in this process, recorded in Dagster's instance like any other run."""

from dataclasses import dataclass
from typing import Any

import dagster as dg

from hub import runs
from hub.db.engine import Database
from hub.progress import Progress
from hub.settings import Settings
from orchestration import summary
from orchestration.resources import Hub


@dataclass(frozen=True)
class Outcome:
    """How a run ended: succeeded, held (checks kept the publication back) or failed, with the errors' messages."""

    run_id: str
    status: str
    summary: dict[str, Any]
    errors: tuple[str, ...] = ()


def run_main_job(database: Database, settings: Settings, *, instance: dg.DagsterInstance, watch: Progress) -> Outcome:
    """Run everything once. Steps that do not depend on a failed one still run; nothing is published after a failure."""
    from orchestration.definitions import defs

    handle = Hub(database.engine, settings, watch)
    job = defs().resolve_job_def("main_job")
    result = job.execute_in_process(
        instance=instance,
        raise_on_error=False,
        resources={"hub": handle},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    found = summary.build(database.engine, result.run_id, settings.sources)
    errors = tuple(dict.fromkeys(_message(event) for event in result.all_events if event.is_step_failure))
    status = _status(result.success, found)
    runs.finish(database.engine, result.run_id, status, found)
    return Outcome(result.run_id, status, found, errors)


def _status(success: bool, found: dict[str, Any]) -> str:
    if success and not found["publication"]["held_by"]:
        return "succeeded"
    return "held" if found["publication"]["held_by"] else "failed"


def _message(event: dg.DagsterEvent) -> str:
    """The domain's own message where there is one: the last cause in the chain that Dagster wrapped."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'unknown error'}"
