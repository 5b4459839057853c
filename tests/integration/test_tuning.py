"""Postgres works with the settings that the hub is measured with, wherever the hub starts it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
import yaml
from sqlalchemy.engine import URL

from hub.db import embedded

# Starts a server or joins it, and asks it again once the other is there: neither took it from the other.
USES = """
import os, pathlib, sys, psycopg
from hub.db import embedded
folder = pathlib.Path(sys.argv[1])
with embedded.running(folder) as url:
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute("SELECT 1")
        folder.with_name(f"{os.getpid()}.here").touch()
        while len(list(folder.parent.glob("*.here"))) < 2:
            connection.execute("SELECT 1")
        print(connection.execute("SELECT 2").fetchone()[0])
"""
COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.mark.skipif("ONERECORD_TEST_DATABASE_URL" in os.environ, reason="a server that was given has its own settings")
def test_a_new_embedded_server_has_its_settings_at_once(server: URL) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        expected = {name: (value,) for name, value in embedded.tuning().items()}
        assert {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in expected
        } == expected


def test_processes_that_start_on_a_new_folder_share_its_server() -> None:
    with tempfile.TemporaryDirectory(prefix="onerecord-") as folder:
        Path(folder).chmod(0o755)  # the server runs as a user of its own where we are root
        started = [
            subprocess.Popen([sys.executable, "-c", USES, str(Path(folder) / "pg")], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        assert [(one.communicate(timeout=120)[0], one.returncode) for one in started] == [("2\n", 0)] * 2


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
