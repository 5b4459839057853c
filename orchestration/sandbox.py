"""`onerecord sandbox`: simulated departments to look at, to test with, and to break."""

from pathlib import Path
from typing import Annotated

import typer

from hub.errors import OneRecordError

app = typer.Typer(help="Simulated departments (Salesforce, HubSpot, Zendesk, Stripe). Everything in them is invented.")
Folder = Annotated[Path | None, typer.Option(help="where the world is kept; default: the data folder's sandbox")]


def _folder(given: Path | None) -> Path:
    from hub import settings

    return given or settings.load().data_dir / "sandbox"


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context, folder: Folder = None, port: Annotated[int, typer.Option(help="0 takes a free one")] = 0
) -> None:
    """Serve the simulated departments in the foreground until ctrl-C; makes the world first where there is none."""
    if context.invoked_subcommand is not None:
        return
    from connectors.sandbox import process, world
    from hub import settings

    where = _folder(folder)
    if not where.joinpath("world.sqlite").exists():
        wanted = settings.load().sandbox
        world.create(where, size=wanted.size, seed=wanted.seed)
    process.serve(where, port or settings.load().sandbox.port, typer.echo)


@app.command()
def create(
    size: Annotated[int, typer.Option(min=100, help="about how many source records")] = 5_000,
    seed: Annotated[int, typer.Option(help="another seed, another world")] = 7,
    folder: Folder = None,
) -> None:
    """Make a world; does nothing where that very world is."""
    from connectors.sandbox import world

    world.create(_folder(folder), size=size, seed=seed)
    typer.echo(f"A simulated world of about {size} source records (seed {seed}) is in {_folder(folder)}")


@app.command()
def tick(days: Annotated[int, typer.Option(min=1)] = 1, folder: Folder = None) -> None:
    """Let simulated days pass; a running server shows the changes at once."""
    from connectors.sandbox import ticking, world

    ticking.tick(_folder(folder), days)
    typer.echo(f"The simulated moment is now {world.clock_path(_folder(folder)).read_text().strip()}")


@app.command()
def fault(
    system: Annotated[str, typer.Argument(help="salesforce, hubspot, zendesk or stripe")],
    kind: Annotated[
        str,
        typer.Argument(help="429, 401, 500, limit, truncate, malformed, wrong_type, missing_field, renamed_field, die"),
    ],
    count: Annotated[int, typer.Option(min=1, help="how many requests")] = 1,
    path: Annotated[str, typer.Option(help="only requests whose path holds this")] = "",
    folder: Folder = None,
) -> None:
    """Let the running server's next requests go wrong."""
    import requests

    from connectors.sandbox import process

    address = process.address(_folder(folder))
    wanted = {"system": system, "kind": kind, "count": count, "path": path}
    try:
        answer = requests.post(f"{address}/sandbox/faults", json=wanted, timeout=10)
    except requests.ConnectionError:
        raise OneRecordError(
            f"the sandbox server at {address} does not answer; start it with `onerecord sandbox`"
        ) from None
    if not answer.ok:
        raise OneRecordError(f"the sandbox refused this fault: {answer.text}")
    typer.echo(f"The next {count} requests to the simulated {system} meet: {kind}")
