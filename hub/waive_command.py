"""`onerecord waive`: let one failed check of one held run pass."""

from typing import Annotated

import typer
from rich.console import Console

from hub.options import Author, Why

console = Console(highlight=False, emoji=False)


def waive(
    check: Annotated[str, typer.Argument(help="the check that failed, such as landing.stream_volume")],
    run: Annotated[str, typer.Option("--run", help="the held run; /checks and `onerecord run` name it")],
    why: Why,
    author: Author = "",
) -> None:
    """Let one failed check of one held run pass, for what that run found and nothing else.

    Checks that protect who a customer is, or what is permitted, cannot be waived. The run is published by
    `onerecord release RUN`, or by the hub itself where it is up.
    """
    from hub import settings, waivers
    from hub.db.engine import open_database

    with open_database(settings.load()) as database, database.engine.begin() as connection:
        waivers.waive(connection, run, check, author=author, reason=why)
    console.print(
        f"{check} is waived for run {run}; `onerecord release {run}` publishes what it held back", markup=False
    )
