"""Whole runs of the hub in tests: against simulated departments, in this process or as the real command."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import pytest
from sqlalchemy.engine import URL

from connectors import sandbox
from hub import settings as hub_settings
from hub.db.engine import Database, make_engine
from hub.progress import silent
from hub.settings import SourceSettings
from orchestration.cli import main
from orchestration.pipeline import Outcome, run_main_job


@dataclass(frozen=True)
class World:
    """Simulated departments: their folder and the address of their server."""

    folder: Path
    address: str


@contextmanager
def world(folder: Path, *, size: int = 1_000, seed: int = 3) -> Iterator[World]:
    """A world of its own, served for the length of a `with`."""
    sandbox.create(folder, size=size, seed=seed)
    with sandbox.running(folder) as address:
        yield World(folder, address)


def environment(given: World, database: URL, data_dir: Path, **more: str) -> dict[str, str]:
    """What a process needs to run the hub on a world and a database."""
    clock = str(sandbox.clock_path(given.folder))
    return environment_of(sandbox.sources(given.address), database, data_dir, ONERECORD_CLOCK_FILE=clock, **more)


def environment_of(sources: Sequence[SourceSettings], database: URL, data_dir: Path, **more: str) -> dict[str, str]:
    """What a process needs to run the hub on any sources and a database."""
    return {
        "ONERECORD_SOURCES": json.dumps([plain(source) for source in sources]),
        "ONERECORD_DATABASE_URL": database.render_as_string(hide_password=False),
        "ONERECORD_DAGSTER_DATABASE_URL": database.set(database=f"{database.database}_dagster").render_as_string(
            hide_password=False
        ),
        "ONERECORD_DATA_DIR": str(data_dir),
        **more,
    }


def plain(source: SourceSettings) -> dict[str, Any]:
    """A source as JSON, with the sandbox's credentials in clear and short waits between retries."""
    credentials = {name: value.get_secret_value() for name, value in source.credentials.items()}
    options = {"backoff_seconds": 0.02, **source.options}
    return {**source.model_dump(mode="json"), "credentials": credentials, "options": options}


@contextmanager
def exported(variables: dict[str, str]) -> Iterator[None]:
    """The variables in this process's environment, settings read anew."""
    before = dict(os.environ)
    os.environ.update(variables)
    hub_settings.load.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        hub_settings.load.cache_clear()


def run_here(given: World, database: URL, data_dir: Path, **more: str) -> Outcome:
    """One run of the main job in this process, on an instance of Dagster that is forgotten afterwards."""
    with dg.DagsterInstance.ephemeral() as instance:
        return run_with(environment(given, database, data_dir, **more), database, instance)


def run_with(variables: dict[str, str], database: URL, instance: dg.DagsterInstance) -> Outcome:
    """One run of the main job in this process; its events stay in `instance`."""
    with exported(variables):
        engine = make_engine(database)
        try:
            opened = Database(engine, database, database)
            return run_main_job(opened, hub_settings.load(), instance=instance, watch=silent)
        finally:
            engine.dispose()


def start_command(variables: dict[str, str], *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """The real command `onerecord`, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *arguments],
        env={**os.environ, **variables},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """Both outputs on one line, however wide the terminal is."""
        return " ".join(f"{self.out} {self.err}".split())


def onerecord(*arguments: str, **variables: str) -> Answer:
    """The command `onerecord` in this process: an error that its entry point lets through fails the test."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        with (
            patch.object(sys, "argv", ["onerecord", *arguments]),
            exported(variables),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    finally:
        for sign, handler in handlers.items():
            signal.signal(sign, handler)
    return Answer(int(ended.value.code or 0), out.getvalue(), err.getvalue())
