"""`onerecord baseline` and `onerecord cost`: what people enter for the benefit ledger."""

import datetime as dt
import getpass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False, emoji=False)


def _do(act: "Callable[[Connection], Any]") -> Any:
    from hub import settings
    from hub.db.engine import open_database

    with open_database(settings.load()) as database, database.engine.begin() as connection:
        return act(connection)


def baseline(
    day: Annotated[
        dt.datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="the day that the hub went live")
    ] = None,
) -> None:
    """Show the day that benefit is measured from, or set it. Without one it is the day of the first publication.

    The next run measures from it: what is compared is the time before that day, and now.
    """
    from hub import benefit, benefit_entries, clock, settings

    if day is not None:
        today = clock.as_of(settings.load()).date()
        _do(
            lambda connection: benefit_entries.set_baseline(
                connection, day.date(), today=today, actor=getpass.getuser()
            )
        )
        console.print(f"benefit is measured from {day.date()} on, with the next run")
        return
    start = _do(benefit.baseline)
    console.print(
        f"benefit is measured from {start.baseline_day} on"
        if start
        else "nothing was published yet: the first publication sets the day, or --day does"
    )


@app.command()
def add(
    *,
    amount: Annotated[str, typer.Argument(help="such as 1200.50")],
    currency: Annotated[str, typer.Argument(help="such as EUR")],
    from_day: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="the first day it is for")],
    until_day: Annotated[dt.datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="the last day it is for")],
    what_for: Annotated[str, typer.Option("--for", help="what it was paid for")],
) -> None:
    """Enter what the hub costs; the benefit ledger spreads it evenly over its days.

    onerecord cost add 1200 EUR --from 2026-01-01 --until 2026-12-31 --for "server"
    """
    from hub import benefit_entries

    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise ConfigurationError(f"{amount!r} is no amount: write it like 1200.50") from None
    number = _do(
        lambda connection: benefit_entries.add_cost(
            connection,
            amount=value,
            currency=currency.upper(),
            from_day=from_day.date(),
            until_day=until_day.date(),
            what_for=what_for,
            actor=getpass.getuser(),
        )
    )
    console.print(f"cost entry {number} counts from the next run on")


@app.command("list")
def list_costs() -> None:
    """Show what was entered."""
    from hub import benefit_entries

    found = _do(benefit_entries.costs)
    if not found:
        console.print("no cost was entered yet")
        return
    table = Table("number", "from", "until", "for", "entered by", box=None, header_style="dim")
    table.add_column("amount", justify="right")
    for one in found:
        days = str(one.from_day), str(one.until_day)
        told = escape(one.what_for), escape(one.entered_by)
        table.add_row(str(one.cost_id), *days, *told, f"{one.amount:,.2f} {one.currency}")
    console.print(table)


@app.command()
def remove(
    number: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="as `onerecord cost list` tells it")],
) -> None:
    """Take an entry out again. It stays in the audit log."""
    from hub import benefit_entries

    _do(lambda connection: benefit_entries.remove_cost(connection, number, actor=getpass.getuser()))
    console.print(f"cost entry {number} no longer counts, from the next run on")
