"""What keys read, counted by day: in memory, and written together now and then, so that no read waits for a write."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from hub.model.kinds import Department

log = logging.getLogger(__name__)
EVERY = 15.0  # seconds between two writes: what a killed server loses at most

# By the end of a route's path; the others answer whole customers.
FIELDS = {"/provenance": "provenance", "/changes": "changes", "/match": "search"}
_ADD = """
    INSERT INTO ops.key_use AS old (day, key_name, fields, reads)
    SELECT * FROM unnest(CAST(:days AS date[]), CAST(:keys AS text[]), CAST(:fields AS text[]),
                         CAST(:reads AS bigint[])) AS counted (day, key_name, fields, reads)
    ORDER BY 1, 2, 3
    ON CONFLICT (day, key_name, fields) DO UPDATE SET reads = old.reads + excluded.reads"""


def fields_of(route: str, parameters: Mapping[str, str]) -> str | None:
    """What an answer of this route holds; None where it is nothing of a customer."""
    if "/webhooks" in route:
        return None
    if "department" in parameters:
        asked = parameters["department"]
        return f"facts of {asked}" if asked in set(Department) else None
    return next((fields for end, fields in FIELDS.items() if route.endswith(end)), "customer")


class KeyUse:
    """Counts reads by day, key and fields."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counted: Counter[tuple[dt.date, str, str]] = Counter()

    def add(self, key: str, fields: str) -> None:
        self._counted[dt.datetime.now(dt.UTC).date(), key, fields] += 1

    async def write(self) -> None:
        """Write what was counted since the last time; where the database does not answer, it is kept for the next."""
        counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            await run_in_threadpool(self._write, counted)
        except SQLAlchemyError as error:
            self._counted.update(counted)
            log.warning("reads of keys were not written: %s", type(error).__name__)

    def _write(self, counted: Counter[tuple[dt.date, str, str]]) -> None:
        days, keys, fields = ([place[at] for place in counted] for at in range(3))
        with self._engine.begin() as connection:
            connection.execute(
                text(_ADD), {"days": days, "keys": keys, "fields": fields, "reads": list(counted.values())}
            )

    @contextlib.asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """While the server runs, and once more when it ends."""
        writing = asyncio.create_task(self._keep_writing())
        try:
            yield
        finally:
            writing.cancel()
            await self.write()

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.write()
