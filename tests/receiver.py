"""A receiver of webhooks: a real HTTP server that verifies what it is sent with the library of Standard Webhooks."""

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from tests.waiting import wait_until


@dataclass(frozen=True)
class Received:
    """One request: its headers in lower case, and its body as it came."""

    headers: dict[str, str]
    body: bytes
    path: str
    peer: tuple[str, int]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def verified(self, secret: str) -> dict[str, Any]:
        """The event, if `secret` signed it; raises WebhookVerificationError otherwise."""
        return dict(Webhook(secret).verify(self.body, self.headers))


@dataclass
class Receiver:
    """Answers 204, or what `answers` holds first: a status, or a status and headers. `hold` is called before."""

    port: int = 0
    answers: deque[int | tuple[int, dict[str, str]]] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)
    hold: Callable[[Received], None] = lambda _received: None
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook"

    @property
    def sequences(self) -> list[int]:
        return [one.event["data"]["sequence"] for one in self.received]

    def wait_for(self, count: int) -> None:
        """Wait until so many requests came in."""
        wait_until(lambda: len(self.received) >= count, f"{count} requests come in")


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of the loopback."""
    receiver = Receiver(tls=tls)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Received(headers, body, self.path, self.client_address)
            receiver.received.append(got)
            receiver.hold(got)
            answer = receiver.answers.popleft() if receiver.answers else 204
            status, more = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def get_request(self) -> tuple[socket.socket, Any]:
            connected, address = super().get_request()
            return (tls.wrap_socket(connected, server_side=True) if tls else connected), address

        def handle_error(self, *_args: Any) -> None:
            """A sender that hangs up, or that does not trust the certificate, is what tests want."""

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
