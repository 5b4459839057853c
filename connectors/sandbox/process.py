"""The server as a process of its own that never outlives whoever started it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from connectors.sandbox import credentials
from hub.errors import OneRecordError
from hub.settings import SourceSettings

PATIENCE = 30.0


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[str]:
    """Start the server over the world in `folder`, yield its address, end it afterwards.

    Raises:
        OneRecordError: it did not come up.
    """
    command = [sys.executable, "-m", "connectors.sandbox.server", str(folder), "--port", str(port), "--with-parent"]
    # Its standard input is our pipe: when we are gone, however, the pipe ends and so does the server.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            found = _answering(process)
            (folder / "address").write_text(found + "\n")
            yield found
        finally:
            (folder / "address").unlink(missing_ok=True)
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _answering(process: "subprocess.Popen[str]") -> str:
    address = process.stdout.readline().strip() if process.stdout else ""
    deadline = time.monotonic() + PATIENCE
    while address and process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(f"{address}/sandbox", timeout=5).raise_for_status()
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return address
    raise OneRecordError("the sandbox server did not start; is its port taken, or its folder without a world?")


def address(folder: Path) -> str:
    """Where the server over this folder answers.

    Raises:
        OneRecordError: none was started.
    """
    file = folder / "address"
    if not file.exists():
        raise OneRecordError(f"no sandbox server runs over {folder}; start it with `onerecord sandbox`")
    return file.read_text().strip()


def serve(folder: Path, port: int, say: Callable[[str], None]) -> None:
    """Run the server until ctrl-C, telling where it is and how to get in."""
    with running(folder, port) as found:
        say("SIMULATION: these departments are invented; no customer, ticket or payment in them is real.")
        for name, department in credentials.SYSTEMS.items():
            keys = ", ".join(f"{key}={value}" for key, value in credentials.BY_SYSTEM[name].items())
            say(f"  {department:<10} {found}/{name:<11} {keys}")
        say(f"  controls   {found}/sandbox     ctrl-C stops")
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3_600)


def sources(address: str) -> tuple[SourceSettings, ...]:
    """The four simulated systems as sources of the hub."""
    return tuple(
        SourceSettings.model_validate(
            {
                "name": name,
                "system": name,
                "department": department,
                "base_url": f"{address}/{name}",
                "credentials": credentials.BY_SYSTEM[name],
            }
        )
        for name, department in credentials.SYSTEMS.items()
    )
