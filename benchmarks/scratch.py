"""What the benchmarks that are run by hand begin with: how many rows, and an embedded Postgres of their own."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hub.db.engine import Database, open_database
from hub.settings import Settings


def rows_asked(usual: int) -> int:
    """The number that the command line gives, or the usual one."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else usual


@contextlib.contextmanager
def database() -> Iterator[Database]:
    """An empty, migrated database that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the embedded server runs as a user of its own where we are root
        with open_database(Settings(data_dir=Path(folder) / "data", database_url=None)) as opened:
            yield opened
