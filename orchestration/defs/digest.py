"""The digest of flags, in the morning of every working day."""

import dagster as dg

from hub import clock
from hub.coach import digest as digests
from hub.errors import OneRecordError
from hub.settings import load
from orchestration.defs.jobs import EXECUTOR
from orchestration.resources import Hub


@dg.op(description="Mails everybody the flags on their own deals who did not get them today; managers get counts.")
def send_digest(context: dg.OpExecutionContext, hub: dg.ResourceParam[Hub]) -> None:
    try:
        sent = digests.send(hub.engine, hub.settings, as_of=clock.as_of(hub.settings))
    except OneRecordError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    context.add_output_metadata({"sent": sent})


@dg.job(executor_def=EXECUTOR, description="The digest of flags by mail.")
def digest_job() -> None:
    send_digest()


# Several times: what a mail server did not take is sent an hour later, and nobody gets two. Half past, when the hourly
# run is over. Every day: which days are working days is a setting of the coach, not of cron.
@dg.schedule(
    job=digest_job, cron_schedule="30 6-10 * * *", name="digest", default_status=dg.DefaultScheduleStatus.RUNNING
)
def digest_schedule() -> dg.RunRequest | dg.SkipReason:
    if load().mail is None:
        return dg.SkipReason("no mail server is set: the section mail of the settings is empty")
    return dg.RunRequest()


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(jobs=[digest_job], schedules=[digest_schedule])
