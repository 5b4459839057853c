"""The command `onerecord trial`: try changed settings on what is stored, before they go live."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.options import AsJson, Author
from orchestration.console import Watch

if TYPE_CHECKING:
    import datetime as dt

    from hub.settings import Settings

# 2 is a wrong call or setting, 3 a publication held, as everywhere.
EXIT_CODES = {"safe": 0, "held": 3, "blocked": 6, "unknown": 7}


def trial(
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="CHANGES.toml", help="changed settings, written as in onerecord.toml")
    ] = None,
    said: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="such as match.same=0.97; may be repeated"),
    ] = None,
    match_again: Annotated[
        bool, typer.Option("--match-again", help="compare all records anew, where the stored pairs do not tell all")
    ] = False,
    examples: Annotated[int, typer.Option(min=0, max=1_000, help="so many per rule, attribute and change")] = 3,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="show the values themselves: personal data; the audit log keeps that")
    ] = False,
    why: Annotated[str, typer.Option("--why", help="what for; it is kept with your name in the audit log")] = "",
    as_json: AsJson = False,
    author: Author = "",
) -> None:
    """Show what changed settings would do to flags, customers and values, before they go live. Changes nothing.

    match.*, hygiene.*, survivorship.*, source_priority, gate.* and review.routes can be tried; values are written as
    in onerecord.toml:

      onerecord trial --set hygiene.inactive_days=21 --set match.same=0.97
      onerecord trial --set survivorship.person.phone.rules='["verified", "most_recent"]'

    It tells which flags open, resolve or change their severity; which golden ids merge or split, and how long the
    queue gets; which golden values change; and whether the checks would still let a publication pass.

    Exit codes: 0 safe, and the lines for onerecord.toml are shown; 6 blocked, because people decided otherwise: their
    decisions are listed; 3 the publication would be held; 7 unknown until all records are compared (--match-again).

    Nobody waits for a trial. The audit log keeps who tried which settings, and the outcome in numbers.
    """
    from hub import changes, settings
    from hub.db.engine import open_database
    from orchestration.tried import show
    from quality_checks import trial as trials

    nested, in_force, watch = changes.read(file, said or ()), settings.load(), Watch()
    changes.applied(in_force, nested)  # a wrong one is told before a database is started
    asked = trials.Asked(in_force, nested, _moment(in_force), match_again=match_again, examples=examples)
    with open_database(in_force) as database:
        found = trials.run(database.engine, asked, progress=watch)
        shown = len(found.values.examples) if show_values and found.values else 0
        trials.note(database.engine, found, actor=author, reason=why.strip() or None, values_shown=shown)
    watch.close()
    if as_json:
        sys.stdout.write(json.dumps(trials.to_dict(found, show_values=show_values), default=str) + "\n")
    else:
        show(found, show_values=show_values, overruled=changes.overruled(nested))
    raise typer.Exit(EXIT_CODES[found.status])


def _moment(settings: "Settings") -> "dt.datetime":
    """The moment of the simulated departments, where these are the sources: they stand still between two ticks."""
    from connectors import sandbox
    from hub import clock

    if settings.sources or settings.clock_file:
        return clock.as_of(settings)
    return clock.as_of(settings.model_copy(update={"clock_file": sandbox.clock_path(settings.data_dir / "sandbox")}))
