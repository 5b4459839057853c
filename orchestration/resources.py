"""What assets are given: the hub's database, its settings, and somewhere to tell how far they are."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
from sqlalchemy import Engine

from hub import runs
from hub.db.engine import open_database
from hub.db.locks import one_at_a_time
from hub.progress import Progress, Step, silent
from hub.settings import Settings, load

# Checks speak for what they saw: nothing may compose between the checks of a run and its publication. A lock of the
# database rather than a pool of Dagster, since a killed process gives it back by itself.
RUN = "run"
RELEASES = "onerecord/releases"  # tag: the held run of which a run does the rest again
Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


@dataclass(frozen=True)
class Hub:
    """A handle on the hub for the length of a run."""

    engine: Engine
    settings: Settings
    watch: Progress = silent

    def as_of(self, context: Context) -> dt.datetime:
        """The moment by which all steps of the run judge."""
        run = context.run
        return runs.begin(self.engine, run.run_id, self.settings, run.tags.get(RELEASES))

    def progress(self, context: Context) -> Progress:
        """Tell the run's log and whoever watches."""

        def tell(step: Step) -> None:
            of = "" if step.total is None else f" of {step.total:,}"
            context.log.info(f"{step.stage} {step.subject}: {step.done:,}{of} {step.note}".rstrip())
            self.watch(step)

        return tell


@dg.resource(description="The hub's database and settings, as the environment says")
def hub(_context: dg.InitResourceContext) -> Iterator[Hub]:
    """Opened once per process that executes steps."""
    settings = load()
    with open_database(settings) as database, one_at_a_time(database.engine, RUN):
        yield Hub(database.engine, settings)
