"""Dagster's instance: its home in the data folder, its storage in Postgres, telemetry off."""

from pathlib import Path

import yaml
from sqlalchemy.engine import URL

from hub.db.engine import create_if_missing


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
        "storage": {"postgres": {"postgres_url": url}},
        "concurrency": {
            "runs": {"max_concurrent_runs": 1},
            "pools": {"default_limit": 1},
        },
        "run_monitoring": {"enabled": True},
        "run_retries": {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False},
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
