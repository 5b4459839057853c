"""The delivery worker: looks every second who has something waiting, and gives each webhook a turn in a thread.

Several workers may run, on several machines: a webhook is served by one of them at a time. Looking costs two index
look-ups, so a publication need not tell anybody and waits for nobody.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from hub.webhooks import state
from hub.webhooks.delivery import Sender, take_turn

log = logging.getLogger("hub.webhooks")

LOOK_SECONDS = 1.0
# One slow receiver takes one thread. Each needs a connection, and the pool has 15.
THREADS = 8
LEAVE_SECONDS = 5.0  # what is not answered by then is repeated by the next worker, under the same id


class Worker:
    """Gives turns until it is told to stop. The threads are daemons: a receiver that hangs does not keep us."""

    def __init__(self, engine: Engine, sender: Sender) -> None:
        self._engine, self._sender = engine, sender
        self.stopping = threading.Event()
        self.broken: set[int] = set()  # whose last turn ended with an error of ours, not of the receiver
        self._running: dict[int, threading.Thread] = {}
        self._served: dict[int, float] = {}

    def run(self) -> None:
        """Deliver until it is told to stop; a database that goes away is waited for."""
        while not self.stopping.is_set():
            try:
                with self._present() as connection:
                    while not self.stopping.wait(LOOK_SECONDS):
                        self.start_turns(connection)
            except SQLAlchemyError as error:
                log.error("the database does not answer (%s); trying again", type(error).__name__)  # noqa: TRY400
                self.stopping.wait(5 * LOOK_SECONDS)

    def stop(self) -> None:
        """End the turns after the change that each is at, and wait for that a little."""
        self.stopping.set()
        self.join(LEAVE_SECONDS)

    def run_once(self) -> None:
        """Deliver until nothing is due any more; what failed waits for its next attempt, and nobody for it."""
        with self._present() as connection:
            while set(state.due(connection)) - self.broken and not self.stopping.is_set():
                self.start_turns(connection)
                self.join()
                self.stopping.wait(LOOK_SECONDS / 10)  # where another worker is at it

    def start_turns(self, connection: Connection) -> None:
        """Give a turn to whoever is due and has none; who had none for longest comes first."""
        self._running = {key: thread for key, thread in self._running.items() if thread.is_alive()}
        waiting = [key for key in state.due(connection) if key not in self._running]
        for key in sorted(waiting, key=lambda key: self._served.get(key, 0.0))[: THREADS - len(self._running)]:
            self._served[key] = time.monotonic()
            thread = threading.Thread(target=self._turn, args=(key,), name=f"webhook {key}", daemon=True)
            self._running[key] = thread
            thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait for the turns under way."""
        ends = None if seconds is None else time.monotonic() + seconds
        for thread in self._running.values():
            thread.join(None if ends is None else max(0.0, ends - time.monotonic()))

    def _turn(self, key: int) -> None:
        try:
            take_turn(self._engine, self._sender, key, self.stopping)
        except Exception as error:  # noqa: BLE001  # the others are served on; the next look gives another turn
            log.error("webhook number %d: %s", key, type(error).__name__)  # noqa: TRY400  # messages may quote values
            self.broken.add(key)
            self.stopping.wait(5 * LOOK_SECONDS)
            return
        self.broken.discard(key)

    @contextmanager
    def _present(self) -> Iterator[Connection]:
        """A connection that shows, by a lock that all workers share, that somebody delivers."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock_shared(:lock)"), {"lock": state.WORKER})
            try:
                yield connection
            finally:
                connection.invalidate()  # the session ends, and its lock with it
