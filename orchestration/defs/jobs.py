"""What runs when: the main job, its schedule, and the sensor that carries people's decisions into the golden record."""

import dagster as dg
from sqlalchemy import text

from hub import runs, waivers
from hub.db.engine import open_database
from hub.db.locks import if_free
from hub.settings import load
from orchestration.defs.match import MEMBERSHIP, PAIRS
from orchestration.defs.publish import COMPOSED, FLAGS, PUBLICATION
from orchestration.resources import RELEASES, RUN

# Steps are short and share what they import: a process for each would spend 4-5 s on imports alone.
EXECUTOR = dg.in_process_executor

main_job = dg.define_asset_job(
    "main_job",
    selection=dg.AssetSelection.all(),
    executor_def=EXECUTOR,
    description="The whole way: land, conform, match, resolve, compose, check, publish.",
)

decisions_job = dg.define_asset_job(
    "decisions_job",
    selection=dg.AssetSelection.assets(MEMBERSHIP, COMPOSED, FLAGS, PUBLICATION)
    | dg.AssetSelection.checks_for_assets(dg.AssetKey(["canonical", "party"]), COMPOSED, FLAGS),
    executor_def=EXECUTOR,
    description="From people's judgements to the golden record, without asking the sources.",
)

release_job = dg.define_asset_job(
    "release_job",
    selection=dg.AssetSelection.assets(*PAIRS, MEMBERSHIP, COMPOSED, FLAGS, PUBLICATION)
    | dg.AssetSelection.checks_for_assets(dg.AssetKey(["canonical", "party"]), COMPOSED, FLAGS),
    executor_def=EXECUTOR,
    description="What a held run left undone, on what it had landed, with the checks that people waived.",
)

hourly = dg.ScheduleDefinition(
    name="hourly", job=main_job, cron_schedule="0 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING
)


# A person's act leaves a row in the audit log and what it concerns in a queue; what only looks leaves no queue.
# Waivers do not count: another run than that which they release would end them.
_NEWEST_ACT = """
    SELECT coalesce(max(audit_id), 0) FROM ops.audit WHERE act <> 'waive check'
      AND (EXISTS (SELECT 1 FROM identity.to_resolve) OR EXISTS (SELECT 1 FROM golden.to_compose))"""


@dg.sensor(
    job=decisions_job,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="What people decided or undid since the last look starts decisions_job.",
)
def decisions(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    with open_database(load(), migrated=False) as database:
        opened = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with opened as connection, if_free(connection, RUN) as free:
            newest = connection.execute(text(_NEWEST_ACT)).scalar_one()
    if not free:  # its own work is in the queues too
        return dg.SkipReason("a run is under way: what it leaves is looked at when it is over")
    if newest <= int(context.cursor or 0):
        return dg.SkipReason("nothing was decided since the last look")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"audit-{newest}")], cursor=str(newest))


@dg.sensor(
    job=release_job,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A held run of which people waived all that holds it starts release_job.",
)
def waived(_context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    with open_database(load(), migrated=False) as database, database.engine.connect() as connection:
        found = waivers.to_release(connection)
    if not found:
        return dg.SkipReason("nothing is held, or something that holds it is not waived")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"waiver-{waiver}", tags={RELEASES: root}) for root, waiver in found]
    )


# What `onerecord run` executes in its own process, it announces itself.
@dg.run_failure_sensor(
    name="failed",
    monitored_jobs=[main_job, decisions_job, release_job],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A run that ended in an error is announced: to webhooks, and by mail.",
)
def failed(context: dg.RunFailureSensorContext) -> None:
    steps = {str(event.step_key) for event in context.get_step_failure_events()}
    with open_database(load(), migrated=False) as database:
        runs.tell_failed(database.engine, context.dagster_run.run_id, steps)
