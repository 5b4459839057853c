"""Connections. One SQL dialect: PostgreSQL, embedded or given by URL."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, OperationalError

from hub.db import embedded, migrate, without_values
from hub.errors import ConfigurationError
from hub.settings import Settings

HUB_DATABASE = "onerecord"
DAGSTER_DATABASE = "dagster"


@dataclass(frozen=True)
class Database:
    """A migrated database: the engine of the hub, and where Dagster keeps its own storage."""

    engine: Engine
    url: URL
    dagster_url: URL

    def environment(self) -> dict[str, str]:
        """What a child process needs to use the same database."""
        return {
            "ONERECORD_DATABASE_URL": self.url.render_as_string(hide_password=False),
            "ONERECORD_DAGSTER_DATABASE_URL": self.dagster_url.render_as_string(hide_password=False),
        }


def make_engine(url: URL | str) -> Engine:
    """An engine on psycopg 3, UTC, small pool."""
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        address,
        pool_size=5,
        pool_pre_ping=True,
        hide_parameters=True,  # what a statement was given may be personal data, and its errors end in logs
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 10},
    )
    without_values.watch(engine)
    return engine


@contextlib.contextmanager
def open_database(settings: Settings, *, migrated: bool = True) -> Iterator[Database]:
    """The hub's database for the length of a `with`: started (embedded), created and migrated as needed.

    Raises:
        ConfigurationError: database_url is no URL, or the server at it does not answer.
    """
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            server = stack.enter_context(embedded.running(settings.data_dir / "postgres"))
            hub_url, dagster_url = server.set(database=HUB_DATABASE), server.set(database=DAGSTER_DATABASE)
            create_if_missing(hub_url)
        else:
            hub_url = _parsed("database_url", settings.database_url)
            dagster_url = _dagster_url(settings, hub_url)
        engine = make_engine(hub_url)
        stack.callback(engine.dispose)
        _check_answers(engine)
        if migrated:
            migrate.upgrade(engine)
        yield Database(engine, hub_url, dagster_url)


def create_if_missing(url: URL) -> None:
    """Create the database that `url` names, through the server's `postgres` database, unless it answers.

    Raises:
        ConfigurationError: it does not answer, and may not be created by us either.
    """
    there = url.set(drivername="postgresql")
    with contextlib.suppress(psycopg.OperationalError), _connected(there):
        return
    create = psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(url.database or ""))
    try:
        with (
            _connected(there.set(database="postgres")) as connection,
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute(create)
    except psycopg.Error as error:
        problem = f"the database {url.database!r} does not answer and cannot be created ({type(error).__name__})"
        advice = f"have an administrator create it, owned by {url.username}"
        raise ConfigurationError(f"{problem}: {advice}") from None


def _connected(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True, connect_timeout=10)


def _dagster_url(settings: Settings, hub_url: URL) -> URL:
    if settings.dagster_database_url is not None:
        return _parsed("dagster_database_url", settings.dagster_database_url)
    return hub_url.set(database=DAGSTER_DATABASE)


def _parsed(setting: str, url: SecretStr) -> URL:
    try:
        parsed = make_url(url.get_secret_value())
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() != "postgresql":
        raise ConfigurationError(f"{setting}: not of the form postgresql://user:password@host:5432/database")
    return parsed


def _check_answers(engine: Engine) -> None:
    try:
        with engine.connect():
            pass
    except OperationalError as error:
        where = engine.url.render_as_string(hide_password=True)
        told = str(error.orig).strip().splitlines()
        why = told[-1].strip() if told else type(error).__name__
        raise ConfigurationError(f"database_url: {where} cannot be used: {why}") from error
