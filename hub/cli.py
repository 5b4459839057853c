"""Commands that need nothing but the hub: schema, keys, judgements and explanations."""

import getpass
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.decisions import WHEN
from hub.errors import ConfigurationError
from hub.model.kinds import Verdict
from hub.options import AsJson, Author, Why

if TYPE_CHECKING:
    from hub.db.engine import Database

app = typer.Typer(
    name="onerecord",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Pull customers out of every department's system, and publish one golden record for each.",
)
console = Console(highlight=False, emoji=False)  # refs hold colons: :ticket: is no picture

Ref = Annotated[str, typer.Argument(help="a source record, such as salesforce:Contact:0035g00000XyZ")]


def _database() -> "AbstractContextManager[Database]":
    """The hub's database. SQLAlchemy and alembic (1 s) load here: a command that needs none starts without them."""
    from hub import settings
    from hub.db.engine import open_database

    return open_database(settings.load())


@app.command()
def migrate() -> None:
    """Bring the database's schema to the version that this code expects."""
    from hub.db import migrate as migrations

    with _database() as database:
        console.print(f"schema at version {migrations.current(database.engine)}")


@app.command()
def judge(
    verdict: Annotated[str, typer.Argument(help="SAME, DIFFERENT or UNSURE")],
    a: Ref,
    b: Ref,
    why: Why,
    author: Author = "",
) -> None:
    """Say whether two source records are one customer.

    It takes effect with the next run, within about a minute where the hub is up. What needs two people by the setting
    review.two_people_above waits for the second.
    """
    from hub import settings
    from hub.decide import judging

    try:
        said = Verdict(verdict.lower())
    except ValueError:
        raise ConfigurationError(f"{verdict!r} is no verdict: say SAME, DIFFERENT or UNSURE") from None
    with _database() as database, database.engine.begin() as connection:
        judged = judging.judge(connection, settings.load(), (a, b, said), author=author, reason=why)
    if judged.proposal_id is not None:
        console.print(f"this needs two people: somebody else confirms it at /review/proposals/{judged.proposal_id}")
        return
    console.print(escape(f"judgement {judged.judgement_id}: {a} and {b} are {said.value}; it takes effect {WHEN}"))


@app.command()
def search(
    given: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE...", help='such as name="Anna Novak" phone=0301234567')
    ],
    kind: Annotated[str, typer.Option(help="person or organization")] = "person",
    as_json: AsJson = False,
) -> None:
    """Find who may be the customer that is about to be created. Writes nothing.

    Fields: name, given_name, family_name, email, phone, mobile, street, city, postcode, country, birth_date, website,
    tax_id, employer_name.
    """
    from hub.identity.search import candidates
    from hub.model.kinds import PartyKind

    if kind not in {known.value for known in PartyKind}:
        raise ConfigurationError(f"{kind!r} is no kind of customer: say person or organization")
    wrong = [field for field in given if "=" not in field]
    if wrong:
        raise ConfigurationError(f"{wrong[0]!r} is no FIELD=VALUE")
    from hub import settings as hub_settings
    from hub.db.engine import open_database

    settings = hub_settings.load()
    record = dict(field.split("=", 1) for field in given)
    with open_database(settings) as database, database.engine.connect() as connection:
        found = candidates(connection, record, PartyKind(kind), settings.match)
    if as_json:
        sys.stdout.write(json.dumps({"candidates": found}, default=str) + "\n")
        return
    table = Table("record", "customer", "probability", "band", "strongest evidence", box=None, header_style="dim")
    for one in found:
        strongest = max(one["explanation"]["fields"], key=lambda field: abs(field["weight"]))
        shown = (one["ref"], one["golden_id"] or "-", f"{one['probability']:.3f}", one["band"], strongest["label"])
        table.add_row(*map(escape, shown))
    console.print(table if found else "nobody that is known may be this customer")


@app.command()
def explain(
    a: Ref,
    b: Ref,
    as_json: AsJson = False,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="draw how it adds up, as a picture")] = None,
) -> None:
    """Show the evidence for and against two source records being one customer, field by field."""
    from hub import settings
    from hub.identity.explain import explain_pair

    borders = settings.load().match
    with _database() as database, database.engine.connect() as connection:
        found = explain_pair(connection, a, b, borders)
    if svg is not None:
        _draw_explanation(found, {"same": borders.same, "review": borders.review}, svg)
    if as_json:
        sys.stdout.write(json.dumps(found, default=str) + "\n")
    else:
        _show_explanation(found)


def _draw_explanation(found: dict[str, Any], borders: dict[str, float], file: Path) -> None:
    from dedup.pictures import waterfall

    try:
        file.write_text(waterfall(found, thresholds=borders), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--svg {file}: cannot be written ({error.strerror})") from None


def _show_explanation(found: dict[str, Any]) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("field", escape(found["a"]), escape(found["b"]), "evidence"):
        table.add_column(column, overflow="fold")
    table.add_column("bits", justify="right")
    table.add_row("before looking", "", "", "how rare a match is at all", f"{found['prior']:+.1f}")
    for field in found["fields"]:
        values = (escape(field[side] or "") for side in ("a", "b"))
        table.add_row(field["field"], *values, escape(field["label"]), f"{field['weight']:+.1f}")
    table.add_row("total", "", "", f"probability {found['probability']:.4f}", f"{found['total']:+.1f}")
    console.print(table)
    console.print(f"\nband: [bold]{found['band']}[/]   model {found['model_version']}")
    for judgement in found["judgements"]:
        ended = f", ended by {judgement['ended_by']}" if judgement["ended_by"] else ""
        console.print(escape(f"{judgement['verdict']} by {judgement['author']}: {judgement['reason']}{ended}"))


@app.command()
def resync(
    source: Annotated[str, typer.Argument(help="the source's name in the settings")],
    stream: Annotated[str, typer.Option(help="one stream only, such as Contact")] = "",
    why: Annotated[str, typer.Option("--why", help="the reason; it is kept with your name in the audit log")] = "",
) -> None:
    """Forget how far a source was read: the next run reads it from the beginning. Equal rows change nothing."""
    from hub import watermarks

    with _database() as database, database.engine.begin() as connection:
        streams = watermarks.forget(connection, source, stream or None, actor=getpass.getuser(), reason=why)
    console.print(f"the next run reads {source} from the beginning: {', '.join(streams)}", markup=False)


@app.command()
def rebuild(why: Why) -> None:
    """Have the next run derive everything again from what landed. What is published changes only where it was wrong.

    Sources are not read again (that is `resync`). Judgements, manual values, golden ids and models stay as they are.
    """
    from hub.rebuild import queue_everything

    with _database() as database, database.engine.begin() as connection:
        landed = queue_everything(connection, actor=getpass.getuser(), reason=why)
    console.print(f"the next run derives everything again from {landed:,} landed records")


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="whose key it is: a tool's name")],
    scope: Annotated[
        list[str],
        typer.Option(help="read, admin, or read:finance (and the like) for a private department; may be repeated"),
    ],
) -> None:
    """Make a key for the API. It is printed once and stored only as a hash. People sign in with `onerecord user`."""
    from hub import keys

    with _database() as database, database.engine.begin() as connection:
        made = keys.create_key(connection, name, scope, actor=getpass.getuser())
    sys.stdout.write(made + "\n")
