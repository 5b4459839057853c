"""One small world and one run of the main job, shared by the tests of this folder."""

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from hub.db.engine import make_engine
from orchestration.pipeline import Outcome
from tests.conftest import cloned
from tests.hubrun import environment, run_with, world


@dataclass(frozen=True)
class Ran:
    """A hub after one run: its database, what Dagster kept of the run, and what the process logged or printed.

    `variables` is the environment of processes that work on it.
    """

    engine: Engine
    instance: dg.DagsterInstance
    outcome: Outcome
    printed: str
    variables: dict[str, str]


@pytest.fixture(scope="package")
def ran(server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The hub of one simulated world after its first run."""
    folder = tmp_path_factory.mktemp("ran")
    printed = io.StringIO()
    with (
        contextlib.chdir(folder),
        world(folder / "sandbox", size=600) as departments,
        cloned(server, template) as database,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        variables = environment(departments, database, folder)
        with listening(printed):
            outcome = run_with(variables, database, instance)
        engine = make_engine(database)
        yield Ran(engine, instance, outcome, printed.getvalue(), variables)
        engine.dispose()


@contextlib.contextmanager
def listening(to: io.StringIO) -> Iterator[None]:
    """Everything that this process prints, that the hub logs, or that a library warns of goes to `to`."""
    handler, root = logging.StreamHandler(to), logging.getLogger()
    rooms = [logging.getLogger(name) for name in ("hub", "connectors", "dedup", "quality_checks", "orchestration")]
    before = [room.level for room in rooms]
    root.addHandler(handler)
    for room in rooms:
        room.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(to), contextlib.redirect_stderr(to):
            yield
    finally:
        root.removeHandler(handler)
        for room, level in zip(rooms, before, strict=True):
            room.setLevel(level)
