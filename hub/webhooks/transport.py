"""One POST after the other to one receiver, at an address that was checked first.

The name is resolved once; the connection goes to the address that was checked, so a name that leads elsewhere a moment
later gains nothing, while TLS still proves that the receiver is who its name says. No redirect is followed, no proxy of
the environment is used, nothing that the receiver says is kept but its status.
"""

import contextlib
import datetime as dt
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationParseError, NewConnectionError
from urllib3.util import Url, parse_url

from hub.errors import ConfigurationError, OneRecordError
from hub.webhooks import addresses, schedule
from hub.webhooks.addresses import Network, RefusedAddressError

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0  # in all, however slowly it trickles; Standard Webhooks recommends 15 to 30
LARGEST_ANSWER = 64 * 1024  # bytes that are read, and thrown away, so that the connection can be used again


@dataclass(frozen=True)
class Answer:
    """How an attempt ended: the HTTP status if there was one, and the problem; none where it was delivered."""

    milliseconds: int
    status: int | None = None
    problem: str | None = None
    retry_after: float | None = None

    @property
    def delivered(self) -> bool:
        return self.problem is None


def parsed(url: str) -> Url:
    """The parts of a receiver's URL.

    Raises:
        ConfigurationError: it is not an absolute http(s) URL without user, password and fragment.
    """
    try:
        found = parse_url(url)
    except LocationParseError:
        raise ConfigurationError("the URL of a webhook cannot be read") from None
    if found.scheme not in {"http", "https"} or not found.host or found.fragment is not None:
        raise ConfigurationError("the URL of a webhook is of the form https://host/path")
    if found.auth is not None:
        raise ConfigurationError("the URL of a webhook holds no user or password: deliveries are signed instead")
    return found


def shown(url: str) -> str:
    """The URL for people and logs: without its query, which may hold a token of the receiver's."""
    return url.partition("?")[0] + ("?..." if "?" in url else "")


def checked(url: str, allowed: Sequence[Network]) -> list[addresses.Address]:
    """The addresses of a receiver, all of which may be delivered to.

    Raises:
        RefusedAddressError: one may not, or it is http to an address outside of the allowed networks.
        ConfigurationError: it is no URL of a webhook.
        OSError: the name does not resolve.
    """
    target = parsed(url)
    found = addresses.resolve(_host(target), _port(target), allowed)
    if target.scheme == "http" and not all(addresses.inside(address, allowed) for address in found):
        raise RefusedAddressError("http is for webhook.allowed_networks only: it shows customers to whoever listens")
    return found


def _host(target: Url) -> str:
    return (target.host or "").strip("[]")


def _port(target: Url) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


class Channel:
    """A connection to a receiver, made with the first post and used again for those that follow; to be closed."""

    def __init__(self, url: str, allowed: Sequence[Network]) -> None:
        self._url, self._allowed = url, allowed
        self._connection: HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def post(self, body: str, headers: Mapping[str, str]) -> Answer:
        """Deliver `body`; whatever goes wrong is an answer too."""
        began = time.monotonic()
        try:
            with self._deadline():
                status, asked = _exchange(self._connected(), parsed(self._url), body, headers)
        except (OSError, HTTPError, http.client.HTTPException, OneRecordError) as error:
            self.close()
            return Answer(_since(began), problem=_said(error))
        problem = None if 200 <= status < 300 else f"status {status}"
        return Answer(_since(began), status, problem, schedule.retry_after(asked, dt.datetime.now(dt.UTC)))

    def _connected(self) -> HTTPConnection:
        """The open connection, or a new one to the first address that takes it."""
        if self._connection is not None and self._connection.is_connected:
            return self._connection
        target = parsed(self._url)
        failed: Exception = OSError("the name has no address")
        for address in checked(self._url, self._allowed):
            self.close()
            connection = self._connection = _connection(target, address)
            try:
                connection.connect()
            except (OSError, HTTPError) as error:
                failed = error
            else:
                return connection
        raise failed

    @contextlib.contextmanager
    def _deadline(self) -> Iterator[None]:
        """Break the connection off when time is up: timeouts of a socket begin anew with every byte that arrives."""
        late = threading.Event()

        def end() -> None:
            late.set()
            sock = None if self._connection is None else self._connection.sock
            if sock is not None:
                with contextlib.suppress(OSError):
                    # Not SSLSocket's own, which would pull the TLS state away from under the thread that reads.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(ANSWER_SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, HTTPError, http.client.HTTPException):
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError


def _connection(target: Url, address: addresses.Address) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(str(address), _port(target), timeout=CONNECT_SECONDS)
    # A name is proved by its certificate, whatever address it was found at; an address by that address.
    host = _host(target)
    with contextlib.suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    return HTTPSConnection(
        str(address), _port(target), timeout=CONNECT_SECONDS, server_hostname=host, ssl_context=_tls()
    )


@cache
def _tls() -> ssl.SSLContext:
    """The system's certificate authorities, so that a company can have its own; and certifi's, where it has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _exchange(connection: HTTPConnection, target: Url, body: str, headers: Mapping[str, str]) -> tuple[int, str | None]:
    """Send, and read the status and what Retry-After says."""
    if connection.sock is not None:
        connection.sock.settimeout(ANSWER_SECONDS)
    sent = {**headers, "Host": target.netloc or "", "Accept": "*/*"}
    connection.request("POST", target.request_uri, body=body.encode(), headers=sent, preload_content=False)
    response = connection.getresponse()
    response.read(LARGEST_ANSWER, decode_content=False)
    if response.read(1, decode_content=False):
        connection.close()  # more is coming, and nobody wants it
    return response.status, response.headers.get("Retry-After")


def _said(error: Exception) -> str:
    """What went wrong, in words; never with the URL, whose query may hold a token."""
    if isinstance(error, OneRecordError):
        return str(error)
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return f"no connection within {CONNECT_SECONDS:.0f} s"
    found: BaseException = error.__cause__ if isinstance(error, HTTPError) and error.__cause__ else error
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"TLS: {found.verify_message}"
    if isinstance(found, socket.gaierror):
        return "the name of the host does not resolve"
    if isinstance(found, TimeoutError):
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    reason = found.strerror if isinstance(found, OSError) else None
    return reason or type(found).__name__


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
