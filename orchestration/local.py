"""A whole hub on one machine: database, simulated departments where none are configured, Dagster and the web server."""

import contextlib
import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from connectors import registry, sandbox
from hub import keys, users
from hub import settings as hub_settings
from hub.access import Role, Scope
from hub.db.engine import Database, open_database
from hub.errors import OneRecordError
from hub.progress import Progress, Step
from hub.settings import Settings, SourceSettings
from orchestration import instance as instances
from orchestration.processes import child, free_port, wait_until_answers


@dataclass(frozen=True)
class LocalHub:
    """What a run needs: settings with sources, the open database, Dagster's instance, and what children must know."""

    settings: Settings
    database: Database
    instance: dg.DagsterInstance
    environment: dict[str, str]
    simulated: str | None


@dataclass(frozen=True)
class Server:
    """Something to open in a browser, and the process behind it."""

    name: str
    url: str
    health: str
    process: subprocess.Popen[bytes]
    log: Path


@contextlib.contextmanager
def local_hub(settings: Settings, watch: Progress) -> Iterator[LocalHub]:
    """Everything a run needs, started; stopped again on leaving."""
    registry.check(settings.sources)
    hub_settings.make_data_dir(settings.data_dir)
    with contextlib.ExitStack() as stack:
        watch(Step("start", "database", 0))
        database = stack.enter_context(open_database(settings))
        watch(Step("start", "database", 1, 1))
        environment = {"ONERECORD_DATA_DIR": str(settings.data_dir.resolve()), **database.environment()}
        simulated = None
        if not settings.sources:
            simulated = stack.enter_context(_simulated_departments(settings, watch))
            environment |= _sandbox_environment(simulated, settings)
        home = instances.prepare(settings.data_dir, database.dagster_url)
        environment["DAGSTER_HOME"] = str(home)
        stack.enter_context(_exported(environment))
        dagster = stack.enter_context(dg.DagsterInstance.get())
        yield LocalHub(hub_settings.load(), database, dagster, environment, simulated)


@contextlib.contextmanager
def _simulated_departments(settings: Settings, watch: Progress) -> Iterator[str]:
    folder = settings.data_dir / "sandbox"
    watch(Step("sandbox", "simulated departments", 0))
    sandbox.create(folder, size=settings.sandbox.size, seed=settings.sandbox.seed)
    with sandbox.running(folder, port=settings.sandbox.port) as address:
        watch(Step("sandbox", "simulated departments", 4, 4, f"at {address}"))
        yield address


def _sandbox_environment(address: str, settings: Settings) -> dict[str, str]:
    return {
        "ONERECORD_SOURCES": json.dumps([_plain(source) for source in sandbox.sources(address)]),
        "ONERECORD_CLOCK_FILE": str(sandbox.clock_path(settings.data_dir / "sandbox").resolve()),
    }


def _plain(source: SourceSettings) -> dict[str, object]:
    """A source as JSON with its credentials in clear: only for the sandbox's, which are no secrets."""
    credentials = {name: value.get_secret_value() for name, value in source.credentials.items()}
    return {**source.model_dump(mode="json"), "credentials": credentials}


@contextlib.contextmanager
def _exported(environment: dict[str, str]) -> Iterator[None]:
    """The environment is how every process learns where things are, this one and Dagster's code in it included."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    hub_settings.load.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        hub_settings.load.cache_clear()


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """A second hub on the same folder is refused; the lock goes with the process, however it ends."""
    hub_settings.make_data_dir(data_dir)
    with (data_dir / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OneRecordError(
                f"a hub is already running on {data_dir}: stop it with ctrl-C, or use another ONERECORD_DATA_DIR"
            ) from None
        yield


@contextlib.contextmanager
def servers(hub: LocalHub) -> Iterator[list[Server]]:
    """The hub's web server, and Dagster's UI with its daemon: started, not waited for; gone on leaving.

    The worker that delivers webhooks runs beside them.
    """
    logs = hub.settings.data_dir / "logs"
    dagster_port, web_port = free_port(hub.settings.dagster_port), free_port(hub.settings.web_port)
    environment = {**hub.environment, "ONERECORD_WEB_PORT": str(web_port)}
    web = [sys.executable, "-m", "hub.web"]
    dagster = [sys.executable, "-m", "dagster", "dev", "-m", "orchestration.definitions", "-p", str(dagster_port)]
    deliver = [sys.executable, "-m", "orchestration", "webhook", "deliver"]
    with (
        child(deliver, environment=environment, log=logs / "webhooks.log"),
        child(web, environment=environment, log=logs / "web.log") as web_process,
        child([*dagster, "-h", "127.0.0.1"], environment=environment, log=logs / "dagster.log") as dagster_process,
    ):
        hub_url, dagster_url = (f"http://127.0.0.1:{port}" for port in (web_port, dagster_port))
        yield [
            Server("Hub", hub_url, "/healthz", web_process, logs / "web.log"),
            Server("Dagster", dagster_url, "/server_info", dagster_process, logs / "dagster.log"),
        ]


def wait_for(started: list[Server]) -> None:
    """Wait until all of them answer; Dagster takes about 20 s on two cores, and more beside a run."""
    for server in started:
        wait_until_answers(server.url + server.health, server.process, seconds=180, log=server.log)


FIRST_ACCOUNT = "admin"


def first_password(hub: LocalHub) -> Path:
    """The file with the password of the first account, which only its owner can read: made once, shown nowhere else.

    It is left alone once there are accounts: what it says may be out of date, and then it is nobody's password.
    """
    path = hub.settings.data_dir / "first-password"
    with hub.database.engine.begin() as connection:
        if not users.listed(connection):
            password = secrets.token_urlsafe(18)
            users.add(connection, FIRST_ACCOUNT, Role.ADMIN, (), password, actor="first run")
            _write_private(path, password)
    return path


def first_key(hub: LocalHub) -> Path:
    """The file with a first key for the API: made once, readable by its owner only, shown nowhere else."""
    path = hub.settings.data_dir / "first-key"
    with hub.database.engine.begin() as connection:
        if path.exists() and keys.verify(connection, path.read_text().strip()) is not None:
            return path
        name = f"first-{secrets.token_hex(3)}"
        _write_private(path, keys.create_key(connection, name, (Scope.READ, Scope.ADMIN)))
    return path


def _write_private(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
