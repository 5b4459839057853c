"""What the four simulated APIs share: the world they read, and refusals in the vendor's own words."""

import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import Request, Response

from connectors.sandbox import store

JSON = "application/json; charset=utf-8"


class RefusalError(Exception):
    """A request that the vendor would refuse: status, body and headers as the vendor sends them."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, dict(headers or {})
        super().__init__(str(status))

    def response(self) -> Response:
        if isinstance(self.body, str):
            return Response(self.body, self.status, self.headers, media_type="text/plain; charset=utf-8")
        return answer(self.body, self.status, self.headers)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(store.dump(body), status, dict(headers or {}), media_type=JSON)


class Office:
    """The world, as the threads of the server read it: a connection each, always the newest state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local = threading.local()

    @property
    def db(self) -> sqlite3.Connection:
        if not hasattr(self._local, "db"):
            self._local.db = store.connect(store.path(self.folder))
        opened: sqlite3.Connection = self._local.db
        return opened

    def now(self) -> int:
        """The simulated moment, ms."""
        return int(self.db.execute("SELECT value FROM meta WHERE key='now'").fetchone()[0])

    def facts(self) -> dict[str, Any]:
        return store.meta(self.db)


def office(request: Request) -> Office:
    found: Office = request.app.state.office
    return found


def prefix(request: Request, system: str) -> str:
    """The address under which this system is reached, without a slash at the end."""
    return f"{str(request.base_url).rstrip('/')}/{system}"
