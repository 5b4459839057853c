"""The simulated systems, served inside the test process: pages are small, so that small worlds have many."""

import datetime as dt
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from sqlalchemy import Engine, text

from connectors import registry
from connectors.finance.stripe import streams as stripe
from connectors.marketing.hubspot import objects, timeline
from connectors.sandbox import credentials, process, store, ticking, world
from connectors.sandbox.api import salesforce
from connectors.sandbox.server import application
from connectors.support.zendesk import streams as zendesk
from connectors.sync import StreamReport, sync_source
from hub.progress import Progress, silent
from hub.settings import SourceSettings

SYSTEMS = tuple(sorted(credentials.SYSTEMS))
SMALL = 7  # rows a page
QUICK = {"retries": 3, "backoff_seconds": 0.0, "max_wait_seconds": 0.0, "timeout_seconds": 10.0}
OBJECTS = {
    ("stripe", "customers"): "customer",
    ("stripe", "subscriptions"): "subscription",
    ("stripe", "invoices"): "invoice",
    ("stripe", "charges"): "charge",
    ("hubspot", "subscription_changes"): "subscription_change",
    ("hubspot", "email_events"): "email_event",
}


def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salesforce, "PAGE", SMALL)
    monkeypatch.setattr(salesforce, "_batch_size", lambda _request: SMALL)
    for name in ("HISTORY_PAGE", "LIST_PAGE", "SEARCH_PAGE"):
        monkeypatch.setattr(objects, name, SMALL)
    monkeypatch.setattr(timeline, "PAGE", str(SMALL))
    monkeypatch.setattr(stripe, "PAGE", SMALL)
    monkeypatch.setattr(zendesk, "EXPORT_PAGE", str(SMALL))
    monkeypatch.setattr(zendesk, "LIST_PAGE", str(SMALL))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The server over a world, in a thread; its address."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        config = uvicorn.Config(application(folder), log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass(frozen=True)
class Department:
    """One simulated system, the hub's database, and what the system really holds."""

    folder: Path
    address: str
    system: str
    engine: Engine

    def source(self, name: str | None = None, **options: Any) -> SourceSettings:
        given = next(each for each in process.sources(self.address) if each.system == self.system)
        return given.model_copy(update={"name": name or given.name, "options": {**QUICK, **options}})

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.fromisoformat(world.clock_path(self.folder).read_text().strip())

    def sync(self, name: str | None = None, *, progress: Progress = silent, **options: Any) -> dict[str, StreamReport]:
        reports = sync_source(
            self.engine, self.source(name, **options), run_id="test", as_of=self.now, progress=progress
        )
        return {report.stream: report for report in reports}

    def tick(self, days: int = 1) -> None:
        ticking.tick(self.folder, days)

    def fault(self, kind: str, count: int = 1, **more: Any) -> None:
        wanted = {"system": self.system, "kind": kind, "count": count, **more}
        requests.post(f"{self.address}/sandbox/faults", json=wanted, timeout=10).raise_for_status()

    def mend(self) -> None:
        requests.delete(f"{self.address}/sandbox/faults", timeout=10).raise_for_status()

    def alive(self) -> set[tuple[str, str]]:
        """(stream, id) of every row that the system would show to somebody who reads all of it now."""
        found = set()
        with store.opened(self.folder) as world_file:
            for stream in registry.connector(self.system).streams:
                name = OBJECTS.get((self.system, stream.name), stream.name)
                query = "SELECT id FROM record WHERE object=? AND deleted=0 AND visible<=?"
                rows = world_file.execute(query, (f"{self.system}.{name}", self._shown_until(stream.name)))
                found |= {(stream.name, id_) for (id_,) in rows}
        return found

    def _shown_until(self, stream: str) -> int:
        """ms. Zendesk's exports leave the last minute out."""
        late = 60 if self.system == "zendesk" and stream != "satisfaction_ratings" else 0
        return int((self.now.timestamp() - late) * 1000)

    def landed(self, name: str | None = None) -> dict[tuple[str, str], str]:
        """(stream, id) -> content hash of the rows that are in landing and not deleted."""
        query = text(
            "SELECT stream, source_id, content_hash FROM landing.source_record"
            " WHERE source = :source AND deleted_at IS NULL"
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query, {"source": name or self.system}).all()
        return {(row.stream, _vendors_id(row.stream, row.source_id)): row.content_hash for row in rows}


def _vendors_id(stream: str, source_id: str) -> str:
    """HubSpot's logs have ids that are unique only together with a moment."""
    return source_id.rpartition("-")[0] if stream in ("subscription_changes", "email_events") else source_id


def copy_of(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target
