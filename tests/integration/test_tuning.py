"""Postgres works with the settings that the hub is measured with, wherever the hub starts it."""

import os
from pathlib import Path

import psycopg
import pytest
import yaml
from sqlalchemy.engine import URL

from hub.db.embedded import TUNING

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.mark.skipif("ONERECORD_TEST_DATABASE_URL" in os.environ, reason="a server that was given has its own settings")
def test_a_new_embedded_server_has_its_settings_at_once(server: URL) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        in_force = {name: connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in TUNING}
    assert in_force == {name: (value,) for name, value in TUNING.items()}


def test_docker_compose_starts_postgres_with_the_same_settings() -> None:
    command = yaml.safe_load(COMPOSE.read_text())["services"]["postgres"]["command"]
    assert command == ["postgres", *(f"-c{name}={value}" for name, value in TUNING.items())]
