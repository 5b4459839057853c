"""Clients of the read API, and of the database beside it, in a process that has nothing else to do.

On one event loop: with threads, most of what they waited for was each other.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

import psycopg
import uvloop
from psycopg.rows import dict_row
from pydantic_core import from_json

PAGE = 500
# Asks once; the number of rows that came.
Ask = Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Target:
    """Where the API and the database are, a key, and how many customers there are."""

    host: str
    port: int
    key: str
    database: str
    customers: int


@dataclass(frozen=True)
class Case:
    """One line of the table: `ask` names a function of this module, `what` is its path or condition."""

    name: str
    ask: str
    what: str
    clients: int = 1


@dataclass(frozen=True)
class Taken:
    """What was answered within `seconds`: milliseconds of each request, and rows of all."""

    seconds: float
    rows: int
    milliseconds: list[float]


def drive(target: Target, case: Case, seconds: float) -> Taken:
    """Ask over and over with as many clients as the case has, each as soon as it has its answer."""
    return uvloop.run(_drive(target, case, seconds))


async def _drive(target: Target, case: Case, seconds: float) -> Taken:
    randoms = [Random(seed) for seed in range(case.clients)]  # noqa: S311  # a seed, not a secret
    asks = [await ASKING[case.ask](target, case.what, random) for random in randoms]
    for ask in asks:
        await ask()  # fills caches
    begun = time.perf_counter()
    done = await asyncio.gather(*[_until(ask, begun + seconds) for ask in asks])
    taken = time.perf_counter() - begun
    return Taken(taken, sum(rows for rows, _ in done), [one for _, each in done for one in each])


async def _until(ask: Ask, end: float) -> tuple[int, list[float]]:
    """Ask until `end`; the rows that came, and the milliseconds of each time."""
    rows, milliseconds = 0, []
    while (begun := time.perf_counter()) < end:
        rows += await ask()
        milliseconds.append(1000 * (time.perf_counter() - begun))
    return rows, milliseconds


async def pages(target: Target, path: str, _random: Random) -> Ask:
    """The pages of a list or of the feed, one after the other, and from the beginning again."""
    get, following = await _getter(target), path

    async def ask() -> int:
        nonlocal following
        page = from_json(await get(following))
        if cursor := page.get("next_cursor"):
            following = f"{path}&cursor={quote(cursor)}"
        else:
            following = f"{path}&after={page['next_after']}" if page.get("has_more") else path
        return len(page["items"])

    return ask


async def single(target: Target, path: str, random: Random) -> Ask:
    """One customer at random: `path` has its {id}, its number {n}, or neither."""
    get = await _getter(target)

    async def ask() -> int:
        n = random.randint(1, target.customers)
        await get(path.format(id=_golden_id(n), n=n))
        return 1

    return ask


async def sql_pages(target: Target, condition: str, _random: Random) -> Ask:
    """The same pages as `pages`, as rows of Python by psycopg."""
    connection = await psycopg.AsyncConnection.connect(target.database, autocommit=True, row_factory=dict_row)
    query = f"SELECT * FROM golden.customer WHERE {condition} AND golden_id > %s ORDER BY golden_id LIMIT {PAGE}"
    after = uuid.UUID(int=0)

    async def ask() -> int:
        nonlocal after
        rows = await (await connection.execute(query, [after])).fetchall()
        after = rows[-1]["golden_id"] if len(rows) == PAGE else uuid.UUID(int=0)
        return len(rows)

    return ask


async def sql_single(target: Target, _what: str, random: Random) -> Ask:
    """The same customers as `single`, as a row of Python by psycopg."""
    connection = await psycopg.AsyncConnection.connect(target.database, autocommit=True, row_factory=dict_row)

    async def ask() -> int:
        wanted = [_golden_id(random.randint(1, target.customers))]
        found = await connection.execute("SELECT * FROM golden.customer WHERE golden_id = %s", wanted)
        return len(await found.fetchall())

    return ask


def _golden_id(number: int) -> str:
    """That of customer `number`, see `benchmarks.customers`."""
    return str(uuid.UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()))


async def _getter(target: Target) -> Callable[[str], Awaitable[bytes]]:
    """Gets paths over one connection that stays open: as much of HTTP as our server speaks."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    rest = f" HTTP/1.1\r\nHost: {target.host}\r\nAuthorization: Bearer {target.key}\r\n\r\n"

    async def get(path: str) -> bytes:
        writer.write(f"GET {path}{rest}".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.split("content-length: ", 1)[1].split("\r\n", 1)[0]))
        if not head.startswith("http/1.1 200"):
            raise RuntimeError(f"{path}: {head.splitlines()[0]}")
        return body

    return get


ASKING: dict[str, Callable[[Target, str, Random], Awaitable[Ask]]] = {
    "pages": pages,
    "single": single,
    "sql_pages": sql_pages,
    "sql_single": sql_single,
}
