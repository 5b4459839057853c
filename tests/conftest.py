"""Real Postgres for every test that asks for it: one server per worker, migrated once, cloned per test."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL

from hub.db import embedded, engine, migrate

TEMPLATE = "onerecord_template"


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """The server that tests use: ONERECORD_TEST_DATABASE_URL, or an embedded one per worker."""
    given = os.environ.get("ONERECORD_TEST_DATABASE_URL")
    if given:
        yield make_url(given)
        return
    # Not below pytest's own folder: every session that starts makes that one unreadable for the server's user again.
    with tempfile.TemporaryDirectory(prefix="onerecord-") as folder, embedded.running(Path(folder) / "pg") as url:
        _wait_for_no_disk(url)
        yield url


def _wait_for_no_disk(url: URL) -> None:
    """To drop a database takes 2 s with fsync and 0.06 s without, and nothing here outlives a loss of power."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def template(server: URL) -> URL:
    """A migrated, empty database that is only ever cloned."""
    url = server.set(database=f"{TEMPLATE}_{uuid.uuid4().hex[:8]}")
    engine.create_if_missing(url)
    migrating = engine.make_engine(url)
    migrate.upgrade(migrating)
    migrating.dispose()
    return url


@contextlib.contextmanager
def cloned(server: URL, template: URL) -> Iterator[URL]:
    """A fresh, migrated database, and the one beside it that Dagster would use; both gone afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = server.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template.database}"')
    yield server.set(database=name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        connection.execute(f'DROP DATABASE IF EXISTS "{name}_dagster" WITH (FORCE)')


@pytest.fixture
def database_url(server: URL, template: URL) -> Iterator[URL]:
    """A fresh, migrated database for one test."""
    with cloned(server, template) as url:
        yield url


@pytest.fixture
def db(database_url: URL) -> Iterator[Engine]:
    """An engine on a fresh, migrated database."""
    opened = engine.make_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def _away_from_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the developer's onerecord.toml or environment, or writes into the checkout."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ONERECORD_") and "TEST" not in name]:
        monkeypatch.delenv(name)
