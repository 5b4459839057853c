"""The command `onerecord model`: what matching has learned, and what judgements changed about it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from hub.cli import console
from hub.errors import ConfigurationError, NotFoundError
from hub.model.kinds import PartyKind

KINDS = " or ".join(kind.value for kind in PartyKind)


def model(
    kind: Annotated[str, typer.Argument(help=f"{KINDS}; both if left out")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object, with an entry for each kind")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="draw the weights as a picture")] = None,
) -> None:
    """Show the matching model in use: its training, the weight of each outcome, and what judgements moved."""
    if kind not in {"", *PartyKind}:
        raise ConfigurationError(f"{kind!r} is no kind of customer: say {KINDS}")
    if svg is not None and not kind:
        raise ConfigurationError(f"--svg draws one model: say of which kind, {KINDS}")
    found = _read([PartyKind(kind)] if kind else list(PartyKind))
    if svg is not None:
        _draw(found[kind], svg)
    if as_json:
        sys.stdout.write(json.dumps(found, default=str) + "\n")
        return
    for described in found.values():
        _show(described)


def _read(kinds: list[PartyKind]) -> dict[str, dict[str, Any]]:
    """The models by kind; a kind that was never matched is left out as long as another was."""
    from hub import settings
    from hub.db.engine import open_database
    from hub.identity.described import describe

    found, missing = {}, None
    with open_database(settings.load()) as database, database.engine.connect() as connection:
        for kind in kinds:
            try:
                found[kind.value] = describe(connection, kind)
            except NotFoundError as error:
                missing = error
    if not found and missing:
        raise missing
    return found


def _draw(described: dict[str, Any], file: Path) -> None:
    from dedup.pictures import weights

    levels = {
        one["field"]: [(level["label"], level["weight"]) for level in one["levels"]] for one in described["fields"]
    }
    try:
        file.write_text(weights(levels, title=described["version"]), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--svg {file}: cannot be written ({error.strerror})") from None


def _show(described: dict[str, Any]) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("field")
    table.add_column("outcome", overflow="fold")
    for column in ("of matches", "of others", "bits"):
        table.add_column(column, justify="right")
    for one in described["fields"]:
        for at, level in enumerate(one["levels"]):
            shares = f"{level['m']:.2%}", f"{level['u']:.2g}"
            table.add_row("" if at else one["field"], escape(level["label"]), *shares, f"{level['weight']:+.1f}")
    report = described["report"]
    console.print(f"\n[bold]{described['version']}[/]   in use since {described['in_use_since']:%Y-%m-%d %H:%M}")
    console.print(
        f"{report['rows']:,} records, {report['pairs']:,} candidate pairs, {report['iterations']} iterations; "
        f"about {report['expected_matches']:,.0f} matches expected"
    )
    console.print(f"before looking: {described['prior_bits']:+.1f} bits, a chance of {described['prior']:.2g}")
    console.print(_moved(described) + "\n")
    console.print(table)


def _moved(described: dict[str, Any]) -> str:
    if not described["judgements"]:
        return "judgements of people have moved nothing so far"
    return f"{described['judgements']} judgements of people moved all evidence by {described['moved_by']:+.2f} bits"
