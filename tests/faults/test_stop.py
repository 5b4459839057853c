"""A hub that is stopped leaves nothing behind: by ctrl-C when it is up, by a signal in the middle, and by kill -9."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.waiting import PATIENCE, wait_until

UP = "Ctrl-C stops everything"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder whose path is short enough for a socket and that the embedded server's user may enter."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="onerecord-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a user starts it, on a small simulated world; its output is in `folder/out`."""
    variables = {
        "ONERECORD_SANDBOX__SIZE": "300",
        "ONERECORD_DATA_DIR": str(folder / "data"),
        "ONERECORD_WEB_PORT": "0",
        "ONERECORD_DAGSTER_PORT": "0",
    }
    with (folder / "out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration", "run"],
            env={**os.environ, **variables},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        for left in belonging(folder):
            left.kill()


def belonging(folder: Path) -> list[psutil.Process]:
    """Processes that have the folder in their command line or environment, this one apart."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and (
                str(folder) in " ".join(process.cmdline())
                or process.environ().get("ONERECORD_DATA_DIR", "").startswith(str(folder))
            ):
                found.append(process)
    return found


def said(folder: Path) -> str:
    return (folder / "out").read_text()


def addresses(text: str) -> list[str]:
    """What the hub says may be opened: the lines after the summary."""
    lines = text[text.index("doubtful pairs") :].splitlines()
    return [word for line in lines for word in line.split() if word.startswith("http://127.0.0.1")]


def test_a_signal_in_the_middle_of_a_run_stops_it(folder: Path) -> None:
    with hub(folder) as process:
        wait_until(lambda: "conform" in said(folder), "the run is under way")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 130, said(folder)
        assert belonging(folder) == []


def test_a_killed_hub_leaves_no_server_the_next_one_goes_on_and_ctrl_c_stops_all_of_it(folder: Path) -> None:
    with hub(folder) as process:
        wait_until(lambda: "conform" in said(folder), "the run is under way")
        process.kill()
        process.wait()
        wait_until(lambda: all("postgres" in p.name() for p in belonging(folder)), "children are gone")
    with hub(folder) as process:
        wait_until(lambda: UP in said(folder) or process.poll() is not None, "the hub is up again")
        assert process.poll() is None, said(folder)
        assert "Publication 1" in said(folder), said(folder)
        urls = addresses(said(folder))
        assert len(urls) == 3
        assert all(requests.get(url, timeout=PATIENCE).ok for url in urls)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE) == 0, said(folder)
        assert belonging(folder) == []
    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=5)
