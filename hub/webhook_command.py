"""`onerecord webhook`: who is told of changes, how their deliveries went, and the worker that delivers."""

import datetime as dt
import getpass
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.errors import OneRecordError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from hub.settings import Settings

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False, emoji=False)
notes = Console(stderr=True, highlight=False, emoji=False)  # beside a secret or JSON, which go to stdout alone

Name = Annotated[str, typer.Argument(help="the webhook's name")]
Why = Annotated[str, typer.Option("--why", help="the reason; it is kept with your name in the audit log")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


@contextmanager
def _opened() -> "Iterator[tuple[Engine, Settings]]":
    from hub import settings as hub_settings
    from hub.db.engine import open_database

    settings = hub_settings.load()
    with open_database(settings) as database:
        yield database.engine, settings


def _do(act: "Callable[[Connection], Any]") -> Any:
    """One act in a transaction of its own."""
    with _opened() as (engine, _), engine.begin() as connection:
        return act(connection)


@app.command()
def add(  # noqa: PLR0917  # Typer calls it by name
    name: Name,
    url: Annotated[str, typer.Argument(help="where to POST, https; http in webhook.allowed_networks only")],
    operation: Annotated[
        list[str] | None,
        typer.Option(
            help="only created, changed, merged, split or erased (held, published or failed); may be repeated"
        ),
    ] = None,
    feed: Annotated[
        str, typer.Option(help="changes, or publications: whether a run published, was held or failed")
    ] = "changes",
    department: Annotated[str | None, typer.Option(help="only customers that this department knows")] = None,
    first: Annotated[
        int | None, typer.Option("--from", metavar="SEQUENCE", help="begin with this change; 1 tells all; default: now")
    ] = None,
) -> None:
    """Tell a receiver of every published change from now on. Prints the secret that it verifies with, this once."""
    from hub.secret_key import secret_key
    from hub.webhooks import subscriptions

    after = None if first is None else first - 1
    wanted = subscriptions.Wanted(name, url, tuple(operation or ()), department, feed, after)
    with _opened() as (engine, settings), engine.begin() as connection:
        allowed, key = settings.webhook.allowed_networks, secret_key(settings)
        secret = subscriptions.add(connection, wanted, key, allowed, actor=getpass.getuser())
    sys.stdout.write(secret + "\n")
    notes.print("keep the secret where the receiver finds it: it is not shown again", markup=False)
    notes.print(f"try it with: onerecord webhook test {name}", markup=False)


@app.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """Show all webhooks: where each stands in the change feed, and whether its receiver takes what it is told."""
    from hub.webhooks import state

    found, running = _do(lambda connection: (state.listed(connection), state.worker_is_running(connection)))
    if as_json:
        sys.stdout.write(json.dumps({"webhooks": found, "worker_is_running": running}, default=str) + "\n")
        return
    if not found:
        console.print("there are no webhooks; `onerecord webhook add NAME URL` makes one", markup=False)
        return
    table = _table("name", "state", "at", "behind", "delivered last", "receiver")
    for one in found:
        state_of = {"live": "live", "retrying": "[yellow]retrying[/]", "disabled": "[red]disabled[/]"}[one["state"]]
        places = (f"{one['position']:,}", f"{one['behind']:,}", _moment(one["delivered_at"]))
        table.add_row(one["name"], state_of, *places, escape(one["url"]))
    console.print(table)
    for name, note in ((one["name"], _note(one)) for one in found):
        if note:
            console.print(f"{name}: {note}", markup=False, soft_wrap=True)
    if not running:
        hint = "nobody delivers: start `onerecord webhook deliver`, or the hub with `onerecord run`"
        notes.print(hint, markup=False, soft_wrap=True)


def _note(one: dict[str, Any]) -> str:
    if one["state"] == "disabled":
        return f"disabled {_moment(one['disabled_at'])}: {one['disabled_why']}"
    if one["state"] == "retrying":
        return f"attempt {one['failures']} failed: {one['problem']}; the next is at {_moment(one['next_attempt_at'])}"
    chosen = [
        *([one["feed"]] if one["feed"] != "changes" else []),
        *one["operations"],
        *([f"of {one['department']}"] if one["department"] else []),
    ]
    return f"only {', '.join(chosen)}" if chosen else ""


@app.command()
def deliveries(
    name: Name,
    failed: Annotated[bool, typer.Option("--failed", help="only attempts that failed")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the attempts to deliver, newest first: the last thousand, and those that failed within 30 days."""
    from hub.webhooks import state

    def read(connection: "Connection") -> Any:
        hook = state.named(connection, name)
        return state.deliveries(connection, hook.webhook_id, failed=failed, limit=limit)

    found = _do(read)
    if as_json:
        sys.stdout.write(json.dumps(found, default=str) + "\n")
        return
    table = _table("when", "change", "attempt", "status", "ms", "result")
    for one in found:
        change = "ping" if one["sequence"] is None else f"{one['sequence']:,}"
        result = "delivered" if one["problem"] is None else f"[red]{escape(one['problem'])}[/]"
        numbers = (str(one["attempt"]), str(one["status"] or "-"), f"{one['milliseconds']:,}")
        table.add_row(_moment(one["attempted_at"]), change, *numbers, result)
    console.print(table if found else "nothing was delivered so far")


@app.command()
def test(name: Name) -> None:
    """Send a ping (`onerecord.ping`) now, signed like every delivery. Exit code 1 where it is not taken."""
    from hub.audit import record
    from hub.webhooks import delivery, state

    with _opened() as (engine, settings):
        with engine.begin() as connection:
            hook = state.named(connection, name)
            record(connection, getpass.getuser(), "test webhook", name)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            answer = delivery.ping(connection, delivery.Sender.of(settings), hook)
    if not answer.delivered:
        raise OneRecordError(f"{name} did not take the ping: {answer.problem}")
    console.print(f"{name} took the ping: status {answer.status} after {answer.milliseconds:,} ms", markup=False)


@app.command()
def rotate(
    name: Name,
    keep: Annotated[int, typer.Option(min=0, max=720, metavar="HOURS", help="the old secret signs along so long")] = 24,
) -> None:
    """Make a new secret, and print it this once. Both sign until the old one is over; --keep 0 ends it at once."""
    from hub.secret_key import secret_key
    from hub.webhooks import subscriptions

    with _opened() as (engine, settings), engine.begin() as connection:
        hours, key = dt.timedelta(hours=keep), secret_key(settings)
        secret = subscriptions.rotate(connection, name, key, hours, actor=getpass.getuser())
    sys.stdout.write(secret + "\n")
    notes.print(f"the secret before it signs along for {keep} more hours", markup=False)


@app.command()
def replay(
    name: Name,
    first: Annotated[int, typer.Option("--from", metavar="SEQUENCE", help="the first change to deliver; 1 is all")],
    why: Why = "",
) -> None:
    """Deliver again from a change on, or go on behind one that cannot be taken. Ids of deliveries stay the same."""
    from hub.webhooks import subscriptions

    count = _do(lambda connection: subscriptions.replay(connection, name, first, actor=getpass.getuser(), reason=why))
    console.print(f"{name} goes on with change {first:,}: {count:,} changes of the feed wait", markup=False)


@app.command()
def enable(name: Name, why: Why = "") -> None:
    """Go on where it stopped, at once; also where it waits for its next attempt."""
    from hub.webhooks import subscriptions

    _do(lambda connection: subscriptions.enable(connection, name, actor=getpass.getuser(), reason=why))
    console.print(f"{name} is enabled, and goes on where it stopped", markup=False)


@app.command()
def disable(name: Name, why: Why = "") -> None:
    """Deliver nothing more until it is enabled. Nothing is lost meanwhile."""
    from hub.webhooks import subscriptions

    _do(lambda connection: subscriptions.disable(connection, name, actor=getpass.getuser(), reason=why))
    console.print(f"{name} is disabled; `onerecord webhook enable {name}` goes on where it stopped", markup=False)


@app.command()
def remove(name: Name, why: Why = "") -> None:
    """Forget a webhook and its attempts; who did it stays in the audit log."""
    from hub.webhooks import subscriptions

    _do(lambda connection: subscriptions.remove(connection, name, actor=getpass.getuser(), reason=why))
    console.print(f"{name} is removed", markup=False)


@app.command()
def deliver(
    once: Annotated[bool, typer.Option("--once", help="deliver what waits, and exit")] = False,
) -> None:
    """Deliver published changes until SIGTERM or ctrl-C. `onerecord run` does so by itself; several may run."""
    from hub.webhooks.delivery import Sender
    from hub.webhooks.worker import Worker

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("hub").setLevel(logging.INFO)
    with _opened() as (engine, settings):
        worker = Worker(engine, Sender.of(settings))
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, _interrupt)
        with suppress(KeyboardInterrupt):
            worker.run_once() if once else worker.run()
        worker.stop()


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        numeric = column in {"at", "behind", "change", "attempt", "ms"}
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    return table


def _moment(moment: dt.datetime | None) -> str:
    return "-" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
