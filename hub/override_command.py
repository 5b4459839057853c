"""`onerecord override`: say what a customer's values are, before all sources."""

import datetime as dt
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from hub.decisions import WHEN
from hub.errors import ConfigurationError
from hub.options import Author, Why

console = Console(highlight=False, emoji=False)


def override(
    *,
    ref: Annotated[str, typer.Argument(help="a source record of the customer; the values stay with it")],
    said: Annotated[
        list[str] | None, typer.Argument(metavar="FIELD=VALUE...", help="such as phone=0301234567; FIELD= for none")
    ] = None,
    why: Why,
    until: Annotated[dt.datetime | None, typer.Option(help="from then on the sources are believed again")] = None,
    end: Annotated[int | None, typer.Option("--end", metavar="NUMBER", help="end a manual value instead")] = None,
    author: Author = "",
) -> None:
    """Overrule the sources for one group of attributes of a customer.

    It is published with the next run, within about a minute where the hub is up.

    The value stays with the record through merges and splits, survives every run, and provenance tells when the
    sources say something else by now. What belongs together is said together: fields of an address that are left out
    stay as they are now.
    """
    from hub import settings
    from hub.db.engine import open_database
    from hub.golden import manual

    if (end is None) == (not said):
        raise ConfigurationError("say FIELD=VALUE, or --end NUMBER")
    wrong = [field for field in said or () if "=" not in field]
    if wrong:
        raise ConfigurationError(f"{wrong[0]!r} is no FIELD=VALUE")
    values = dict(field.split("=", 1) for field in said or ())
    with open_database(settings.load()) as database, database.engine.begin() as connection:
        if end is not None:
            manual.end(connection, end, author=author, reason=why)
            console.print(f"manual value {end} is ended; it is published {WHEN}")
            return
        number = manual.say(
            connection,
            ref,
            {name: value.strip() or None for name, value in values.items()},
            author=author,
            reason=why,
            until=until and (until if until.tzinfo else until.replace(tzinfo=dt.UTC)),
        )
    console.print(escape(f"manual value {number}: {', '.join(values)} of {ref}; it is published {WHEN}"))
