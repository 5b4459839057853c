"""A simulated system per test: a copy of one small world, so that a test may let its time pass or break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from connectors.sandbox import world
from hub.db import engine
from hub.db.tables import metadata
from tests.conftest import cloned
from tests.contracts import departments
from tests.contracts.departments import SYSTEMS, Department


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "small"
    world.create(folder, size=400, seed=11)
    return folder


@pytest.fixture(scope="session")
def shared_engine(server: URL, template: URL) -> Iterator[Engine]:
    """One database for all contracts, emptied before each: creating one takes longer than most of the tests."""
    with cloned(server, template) as url:
        opened = engine.make_engine(url)
        yield opened
        opened.dispose()


@pytest.fixture(params=SYSTEMS)
def department(
    request: pytest.FixtureRequest,
    small_world: Path,
    tmp_path: Path,
    shared_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Department]:
    departments.small_pages(monkeypatch)
    folder = departments.copy_of(small_world, tmp_path / "world")
    with shared_engine.begin() as connection:
        tables = ", ".join(
            table.fullname for table in metadata.sorted_tables if table.schema in ("landing", "canonical")
        )
        connection.execute(text(f"TRUNCATE {tables} CASCADE"))
    with departments.serving(folder) as address:
        yield Department(folder, address, request.param, shared_engine)
