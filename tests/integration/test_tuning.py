"""Postgres works with the settings that the hub is measured with, wherever the hub starts it."""

import os
from pathlib import Path

import psycopg
import pytest
import yaml
from sqlalchemy.engine import URL

from hub.db import embedded

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.mark.skipif("ONERECORD_TEST_DATABASE_URL" in os.environ, reason="a server that was given has its own settings")
def test_a_new_embedded_server_has_its_settings_at_once(server: URL) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        expected = {name: (value,) for name, value in embedded.tuning().items()}
        assert {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in expected
        } == expected


@pytest.mark.parametrize(
    ("memory", "pages"),
    [(24 * 2**30, "4GB"), (7 * 2**30, "1GB"), (3 * 2**30, "512MB"), (2**28, "128MB"), (2**40, "4GB")],
)
def test_pages_get_a_quarter_of_the_memory(memory: int, pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_memory", lambda: memory)
    monkeypatch.setattr(embedded, "MOST_PAGES", 2**32)
    assert embedded.tuning()["shared_buffers"] == pages


def test_docker_compose_starts_postgres_with_the_same_settings() -> None:
    command = yaml.safe_load(COMPOSE.read_text())["services"]["postgres"]["command"]
    assert command == [
        "postgres",
        "-cshared_buffers=1GB",
        *(f"-c{key}={value}" for key, value in embedded.TUNING.items()),
    ]
