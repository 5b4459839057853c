"""What the hub mails: the digest of flags in the morning, and what is held back or failed as soon as it is seen.

These jobs take no turn with the pipeline: a mail server that does not answer holds nobody up.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy import Engine

from hub import clock, run_mail
from hub.coach import digest as digests
from hub.db.engine import open_database
from hub.errors import OneRecordError
from hub.settings import Settings, load
from orchestration.defs.jobs import EXECUTOR

OFF = dg.SkipReason("mail is off: the section mail of the settings is empty")


@contextmanager
def _opened() -> Iterator[tuple[Engine, Settings]]:
    settings = load()
    with open_database(settings, migrated=False) as database:
        yield database.engine, settings


@dg.op(description="Mails everybody the flags on their own deals who did not get them today; managers get counts.")
def send_digest(context: dg.OpExecutionContext) -> None:
    with _opened() as (engine, settings):
        try:
            sent = digests.send(engine, settings, as_of=clock.as_of(settings))
        except OneRecordError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
    context.add_output_metadata({"sent": sent})


@dg.op(description="Mails admins and engineers what holds a publication back, and which run failed.")
def send_run_mail(context: dg.OpExecutionContext) -> None:
    with _opened() as (engine, settings):
        context.add_output_metadata({"sent": run_mail.send(engine, settings)})


@dg.job(executor_def=EXECUTOR, description="The digest of flags by mail.")
def digest_job() -> None:
    send_digest()


@dg.job(executor_def=EXECUTOR, description="A held publication or a failed run by mail.")
def run_mail_job() -> None:
    send_run_mail()


# Several times: what a mail server did not take is sent an hour later, and nobody gets two. Half past, when the hourly
# run is over. Every day: which days are working days is a setting of the coach, not of cron.
@dg.schedule(
    job=digest_job, cron_schedule="30 6-10 * * *", name="digest", default_status=dg.DefaultScheduleStatus.RUNNING
)
def digest_schedule() -> dg.RunRequest | dg.SkipReason:
    return OFF if load().mail is None else dg.RunRequest()


@dg.schedule(
    job=run_mail_job, cron_schedule="*/5 * * * *", name="run_mail", default_status=dg.DefaultScheduleStatus.RUNNING
)
def run_mail_schedule() -> dg.RunRequest | dg.SkipReason:
    if load().mail is None:
        return OFF
    with _opened() as (engine, _):
        waits = run_mail.waits(engine)
    return dg.RunRequest() if waits else dg.SkipReason("nothing is held back or failed that was not mailed")


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(jobs=[digest_job, run_mail_job], schedules=[digest_schedule, run_mail_schedule])
