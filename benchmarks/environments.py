"""A virtual environment for each peer, made once from its pinned requirements and kept until they change."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".envs"
# The project's own environment, which has the engine.
OWN = "onerecord"


class UnavailableError(Exception):
    """An environment or a data set cannot be had here. The message says which, and why."""


def python_of(name: str) -> str:
    """The interpreter of the environment, made if it is not there. Raises UnavailableError if it cannot be."""
    if name == OWN:
        return sys.executable
    folder = ENVIRONMENTS / name
    python, stamp = folder / "bin" / "python", folder / ".requirements"
    if not (stamp.exists() and stamp.read_text() == requirements_digest(name)):
        _make(name, folder, python)
        stamp.write_text(requirements_digest(name))
    return str(python)


def requirements_digest(name: str) -> str:
    """A short name for the pinned requirements: what was made from others is made anew."""
    return hashlib.sha256(_requirements(name).read_bytes()).hexdigest()[:12]


def _requirements(name: str) -> Path:
    return HERE / f"requirements-{name}.txt"


def _make(name: str, folder: Path, python: Path) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise UnavailableError(f"the environment of {name} needs uv, which `make` installs: start with `make bench`")
    _run(name, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    _run(name, [uv, "pip", "install", "--quiet", "--python", str(python), "--requirements", str(_requirements(name))])


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    if done.returncode:
        said = " ".join(done.stderr.split())[:300] or f"exit code {done.returncode}"
        raise UnavailableError(f"the environment of {name} cannot be installed: {said}")
