"""One run of the main job in this process, recorded in Dagster's instance like any other run."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import psutil
from sqlalchemy import Engine

from hub import runs, waivers
from hub.db.engine import Database
from hub.db.locks import one_at_a_time
from hub.progress import Progress
from hub.settings import Settings
from orchestration import summary
from orchestration.resources import RELEASES, RUN, Hub

PROCESS_TAG = "onerecord/process"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: succeeded, held (checks kept the publication back) or failed, with the errors' messages."""

    run_id: str
    status: str
    summary: dict[str, Any]
    errors: tuple[str, ...] = ()


def run_main_job(database: Database, settings: Settings, *, instance: dg.DagsterInstance, watch: Progress) -> Outcome:
    """Run everything once. Steps that do not depend on a failed one still run; nothing is published after a failure."""
    return _run("main_job", database, settings, instance=instance, watch=watch, tags={})


def release(
    database: Database, settings: Settings, run_id: str, *, instance: dg.DagsterInstance, watch: Progress
) -> Outcome:
    """Do again what a held run left undone, with the checks that people waived in it let pass.

    Raises:
        NotFoundError: there is no such run.
        ConflictError: another run began since.
    """
    with database.engine.connect() as connection:
        root = waivers.root_of(connection, run_id)
        waivers.refuse_later(connection, root)
    return _run("release_job", database, settings, instance=instance, watch=watch, tags={RELEASES: root})


def _run(
    name: str,
    database: Database,
    settings: Settings,
    *,
    instance: dg.DagsterInstance,
    watch: Progress,
    tags: Mapping[str, str],
) -> Outcome:
    from orchestration.definitions import defs

    close_abandoned(database.engine, instance)
    job = defs().resolve_job_def(name)
    with one_at_a_time(database.engine, RUN):
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            resources={"hub": Hub(database.engine, settings, watch)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={PROCESS_TAG: _process(), **tags},
        )
    found = summary.build(database.engine, result.run_id, settings.sources)
    failures = [event for event in result.all_events if event.is_step_failure and not _is_verdict(event)]
    errors = tuple(dict.fromkeys(_message(event) for event in failures))
    status = _status(result.success, found)
    runs.finish(database.engine, result.run_id, status, found)
    if status == "failed":
        runs.tell_failed(database.engine, result.run_id, {str(event.step_key) for event in failures})
    return Outcome(result.run_id, status, found, errors)


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def close_abandoned(engine: Engine, instance: dg.DagsterInstance) -> None:
    """Runs of processes that were killed would be shown as running for ever: say that they failed, and announce it."""
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(filters=unfinished):
        host, _, pid = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if host == socket.gethostname() and not psutil.pid_exists(int(pid)):
            runs.tell_failed(engine, run.run_id, ())  # first: a run that is closed is not found again
            instance.report_run_failed(run, "the process that ran it was killed")


def _status(success: bool, found: dict[str, Any]) -> str:
    if success and not found["publication"]["held_by"]:
        return "succeeded"
    return "held" if found["publication"]["held_by"] else "failed"


def _is_verdict(event: dg.DagsterEvent) -> bool:
    """A blocking check that failed did its work: the summary names it under `held_by`."""
    error = event.step_failure_data.error
    return error is not None and error.cls_name == "DagsterAssetCheckFailedError"


def _message(event: dg.DagsterEvent) -> str:
    """The domain's own message where there is one: the last cause in the chain that Dagster wrapped."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'unknown error'}"
