"""`python -m hub.db.check`: migrate an empty database, then let Alembic compare it with the models."""

import sys
import tempfile
from pathlib import Path

from hub.db import migrate
from hub.db.engine import open_database
from hub.settings import Settings


def main() -> int:
    """0 where models and migrations agree; Alembic raises, and names the difference, where they do not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the embedded server runs as a user of its own where we are root
        settings = Settings(data_dir=Path(folder) / "data", database_url=None)
        with open_database(settings) as database:
            migrate.check(database.engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
