"""What runs when: the main job, its schedule, and the sensor that carries people's decisions into the golden record."""

import dagster as dg
from sqlalchemy import text

from hub.db.engine import open_database
from hub.settings import load
from orchestration.defs.match import MEMBERSHIP
from orchestration.defs.publish import COMPOSED, FLAGS, PUBLICATION

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

hourly = dg.ScheduleDefinition(
    name="hourly", job=main_job, cron_schedule="0 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING
)


@dg.sensor(
    job=decisions_job,
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Judgements and manual values entered or taken back since the last look start decisions_job.",
)
def decisions(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    with open_database(load(), migrated=False) as database, database.engine.connect() as connection:
        newest = connection.execute(
            text(
                """SELECT coalesce(max(audit_id), 0) FROM ops.audit
                   WHERE act LIKE 'judge %' OR act IN ('undo judgement', 'say value', 'end value')"""
            )
        ).scalar_one()
    if newest <= int(context.cursor or 0):
        return dg.SkipReason("no decision since the last look")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"audit-{newest}")], cursor=str(newest))
