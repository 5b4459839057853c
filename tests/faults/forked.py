"""The command `onerecord` as a process that can be killed, forked from one that has everything imported.

A start by Python takes 13 s of processor time before it does anything; this takes a moment. What starts the command as
users do is in test_stop and test_cli.
"""

import multiprocessing
import os
import sys
import tempfile
from multiprocessing.process import BaseProcess
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["great_expectations", "orchestration.definitions", "orchestration.local"])


def start(variables: dict[str, str], *arguments: str, folder: Path) -> BaseProcess:
    """`onerecord` with these arguments and variables; what it says is in `folder/said`."""
    process = SERVER.Process(target=_command, args=({**os.environ, **variables}, arguments, folder))
    process.start()
    return process


def said(folder: Path) -> str:
    """What commands that were started in `folder` printed."""
    return (folder / "said").read_text()


def _command(variables: dict[str, str], arguments: tuple[str, ...], folder: Path) -> None:
    """The command's entry point, in a process whose environment and outputs are its own."""
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None  # to be found anew
    os.chdir(folder)
    output = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    sys.argv = ["onerecord", *arguments]
    from orchestration.cli import main

    main()
