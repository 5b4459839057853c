"""How quick the read API is: `python -m benchmarks.api [CUSTOMERS]`.

Publishes customers into an embedded Postgres of its own, starts the hub's web server as its users do, and asks it from
a process of its own: pages of 500 by one client, single customers by 16 at a time. Beside it, the same rows by psycopg,
and an answer of the same server that has next to nothing in it. Run by hand: minutes.
"""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from urllib.parse import SplitResult, urlsplit

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import customers, scratch
from benchmarks.clients import Case, Taken, Target, drive
from hub import keys
from hub.access import Scope
from hub.db.engine import Database

CUSTOMERS, CHANGES, SECONDS = 1_000_000, 50_000, 10.0
LIST, MANY = "/v1/customers?limit=500", 16
# The first of each group is what the others are compared with.
LISTS = (
    Case("rows by psycopg", "sql_pages", "true"),
    Case("list: all", "pages", LIST),
    Case("list: persons", "pages", f"{LIST}&kind=person"),
    Case("list: organizations (10 %)", "pages", f"{LIST}&kind=organization"),
    Case("list: finance (50 %)", "pages", f"{LIST}&department=finance"),
    Case("list: updated since (28 %)", "pages", f"{LIST}&updated_since=2026-11-10T00:00:00Z"),
    Case("list: updated since (1 %)", "pages", f"{LIST}&updated_since=2026-11-13T00:00:00Z"),
    Case("change feed", "pages", "/v1/changes?limit=500"),
)
SINGLE = (
    Case("row by psycopg", "sql_single", "", MANY),
    Case("customer by id", "single", "/v1/customers/{id}", MANY),
    Case("customer by source id", "single", "/v1/sources/crm/Contact/{n}/customer", MANY),
    Case("/healthz: SELECT 1", "single", "/healthz", MANY),
)


def main() -> None:
    rows = scratch.rows_asked(CUSTOMERS)
    with scratch.database() as opened:
        customers.fill(opened.engine, rows, min(rows, CHANGES))
        measure(opened, rows)


def measure(database: Database, rows: int, groups: tuple[tuple[Case, ...], ...] = (LISTS, SINGLE)) -> None:
    """Drive every case against a server on `database`, which holds `rows` customers, and print the table."""
    with database.engine.begin() as connection:
        key = keys.create_key(connection, f"bench {os.getpid()}", [Scope.READ])
        width = customers.width(connection)
    table = _table(f"{rows:,} customers of {width:,} bytes each, one worker")
    url = database.url.render_as_string(hide_password=False)
    client = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with client, serving(database) as (address, server):
        target = Target(str(address.hostname), int(address.port or 0), key, url, rows)
        for group in groups:
            first = None
            for case in group:
                before = sum(server.cpu_times()[:2])
                taken = client.submit(drive, target, case, SECONDS).result()
                first = first or taken
                table.add_row(*_line(case, taken, first, sum(server.cpu_times()[:2]) - before))
            table.add_section()
    Console(width=120).print(table)


@contextlib.contextmanager
def serving(database: Database) -> Iterator[tuple[SplitResult, psutil.Process]]:
    """The address of the hub's web server, in a process of its own, and the process."""
    environment = {**os.environ, **database.environment(), "ONERECORD_WEB_PORT": "0"}
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(  # our own command
            [sys.executable, "-m", "hub.web"], cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            said = server.stdout.readline() if server.stdout else ""
            if "http://" not in said:
                raise RuntimeError("the web server did not start; `python -m hub.web` says why")
            yield urlsplit(said.split()[-1]), psutil.Process(server.pid)
        finally:
            server.terminate()
            server.communicate()


def _table(title: str) -> Table:
    table = Table(title=title)
    table.add_column("what")
    for name in ("clients", "requests/s", "rows/s", "p50 ms", "p95 ms", "p99 ms", "server ms", "ratio"):
        table.add_column(name, justify="right")
    return table


def _line(case: Case, taken: Taken, first: Taken, server: float) -> tuple[str, ...]:
    """`server` is the processor time that it took, in seconds; the ratio is that of the rows/s to those of `first`."""
    requests, rate = len(taken.milliseconds) / taken.seconds, taken.rows / taken.seconds
    quantiles = [f"{value:.1f}" for value in np.percentile(taken.milliseconds, [50, 95, 99])]
    each = "" if case.ask.startswith("sql") else f"{1000 * server / len(taken.milliseconds):.2f}"
    ratio = f"{rate / (first.rows / first.seconds):.2f}"
    return case.name, str(case.clients), f"{requests:,.0f}", f"{rate:,.0f}", *quantiles, each, ratio


if __name__ == "__main__":
    main()
