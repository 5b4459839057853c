"""`onerecord waive`: let one failed check of one held run pass."""

import getpass
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False, emoji=False)


def waive(
    check: Annotated[str, typer.Argument(help="the check that failed, such as landing.stream_volume")],
    run: Annotated[str, typer.Option("--run", help="the held run; /checks and `onerecord run` name it")],
    why: Annotated[str, typer.Option("--why", help="the reason; it is kept with your name in the audit log")],
    author: Annotated[str, typer.Option(help="who says so")] = "",
) -> None:
    """Let one failed check of one held run pass, for what that run found and nothing else.

    Checks that protect who a customer is, or what is permitted, cannot be waived. The run is published by
    `onerecord release RUN`, or by the hub itself where it is up.
    """
    from hub import settings, waivers
    from hub.db.engine import open_database

    with open_database(settings.load()) as database, database.engine.begin() as connection:
        waivers.waive(connection, run, check, author=author or getpass.getuser(), reason=why)
    console.print(
        f"{check} is waived for run {run}; `onerecord release {run}` publishes what it held back", markup=False
    )
