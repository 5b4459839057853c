"""`onerecord merge` and `onerecord unmerge`: put two customers together, or take one apart, seeing first what moves."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.decisions import WHEN
from hub.options import AsJson, Author, Why

console = Console(highlight=False, emoji=False)

DryRun = Annotated[bool, typer.Option("--dry-run", help="only show what would move")]


def merge(
    *,
    a: Annotated[str, typer.Argument(help="a source record, such as salesforce:Contact:0035g00000XyZ")],
    b: Annotated[str, typer.Argument(help="another that is the same customer")],
    why: Why,
    author: Author = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put the customers of two source records together. Shows what moves: records, facts, ids.

    The older golden id goes on, and the other leads to it. It is published with the next run, within about a minute
    where the hub is up. `onerecord unmerge` takes it apart again.
    """
    from hub.identity import acts

    _do(lambda connection: acts.merge(connection, a, b, author=author, reason=why), dry_run=dry_run, as_json=as_json)


def unmerge(
    *,
    golden_id: Annotated[str, typer.Argument(help="the golden id of the customer")],
    part: Annotated[list[str], typer.Option("--part", help="records of one part, with commas; may be given again")],
    why: Why,
    author: Author = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take a customer apart: each --part becomes one of its own, and what is left is one more.

    Records, facts and golden ids go back to where they belong; the parts are never brought together again unless
    somebody says so. It is published with the next run, within about a minute where the hub is up.
    """
    from hub.identity import acts

    parts = [[ref.strip() for ref in one.split(",") if ref.strip()] for one in part]
    _do(
        lambda connection: acts.unmerge(connection, golden_id, parts, author=author, reason=why),
        dry_run=dry_run,
        as_json=as_json,
    )


def _do(make: Any, *, dry_run: bool, as_json: bool) -> None:
    from hub import settings
    from hub.db.engine import open_database
    from hub.decide import judging
    from hub.identity import acts

    configured = settings.load()
    with open_database(configured) as database:
        with database.engine.connect() as connection:
            act = make(connection)
            if not dry_run:
                judging.refuse_alone(connection, configured, act.said)
        found = acts.dry_run(database.engine, act) if dry_run else acts.perform(database.engine, act)
    if as_json:
        sys.stdout.write(json.dumps({**found.to_dict(), "done": not dry_run}) + "\n")
        return
    _show(found)
    console.print("nothing was changed: this was a dry run" if dry_run else f"done; it is published {WHEN}")


def _show(found: Any) -> None:
    if not found.moved:
        console.print("no record changes its customer")
        return
    table = Table("record", "was with", "comes to", "takes along", "owner", box=None, header_style="dim")
    for one in found.moved:
        along = ", ".join(f"{len(refs)} {kind}" for kind, refs in one.facts.items())
        table.add_row(*map(escape, (one.ref, one.before or "-", one.after, along or "-", one.owner or "-")))
    console.print(table)
    for old, survivor in found.merged.items():
        console.print(f"{old} leads to {survivor} from now on")
    if found.ended:
        console.print(f"{len(found.ended):,} judgements of an earlier unmerge are taken back")
    for golden, origin in found.split.items():
        console.print(f"{golden} comes out of {origin}")
