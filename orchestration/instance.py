"""Dagster's instance: its home in the data folder, its storage in Postgres, telemetry off."""

import os
import sys
from pathlib import Path

import yaml
from sqlalchemy.engine import URL

from hub.db.engine import create_if_missing, open_database
from hub.errors import ConfigurationError
from hub.settings import Settings

CODE = ["-m", "orchestration.definitions"]


def prepare(data_dir: Path, storage: URL) -> Path:
    """Write `dagster.yaml` for this storage, create its database, and return what DAGSTER_HOME must be.

    dagster-postgres 0.29 speaks psycopg2 only; under SQLAlchemy 2.1 a bare postgresql:// would mean psycopg 3.
    """
    create_if_missing(storage)
    home = (data_dir / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    url = storage.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    config = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "storage": {"postgres": {"postgres_url": url}},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        "run_monitoring": {"enabled": True},
        "run_retries": {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False},
        # Steps say everything in Dagster's log; capturing their output takes four processes, which outlive a stop.
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home)},
        },
    }
    target = home / "dagster.yaml"
    target.touch(mode=0o600)
    target.write_text(yaml.safe_dump(config))
    return home


def serve(settings: Settings, part: str, *, host: str, port: int) -> None:
    """Become Dagster's web server or its daemon; returns only by raising.

    Raises:
        ConfigurationError: the part is neither, or no database is given that another process could use too.
    """
    if settings.database_url is None:
        raise ConfigurationError("database_url: Dagster on a server needs one; on a laptop use `onerecord run`")
    commands = {
        "webserver": ["dagster_webserver", "-h", host, "-p", str(port), *CODE],
        "daemon": ["dagster._daemon", "run", *CODE],
    }
    if part not in commands:
        raise ConfigurationError(f"dagster has the parts {' and '.join(commands)}, not {part!r}")
    with open_database(settings) as database:
        home = prepare(settings.data_dir, database.dagster_url)
    environment = {**os.environ, "DAGSTER_HOME": str(home)}
    os.execve(sys.executable, [sys.executable, "-m", *commands[part]], environment)  # noqa: S606  # no shell, our own
