"""How one delivery reaches its receiver: only where it may, only to who it is meant for, and not for ever."""

import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from hub.webhooks import transport
from hub.webhooks.addresses import Network, RefusedAddressError
from hub.webhooks.transport import Answer, Channel
from tests.receiver import Receiver, receiving

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    transport._tls.cache_clear()
    yield made
    transport._tls.cache_clear()


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def post(url: str, *, allowed: Sequence[Network] = LOOPBACK) -> Answer:
    with closing(Channel(url, allowed)) as channel:
        return channel.post("{}", {"webhook-id": "change-1"})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_private_address_is_refused_however_it_is_written(receiver: Receiver, scheme: str, host: str):
    answer = post(f"{scheme}://{host}:{receiver.port}/x?code=token", allowed=())
    assert not answer.delivered
    assert "webhook.allowed_networks" in str(answer.problem)
    assert "token" not in str(answer.problem)
    assert receiver.received == []


def test_a_name_is_looked_up_once_and_what_was_checked_is_what_is_connected_to(receiver: Receiver, monkeypatch):
    asked: list[str] = []

    def rebinding(host: str, port: int, *given: object, **more: object) -> object:
        """A name server that tells a public address first and a private one ever after."""
        asked.append(host)
        address = "192.0.2.7" if asked == ["rebinds.example"] else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    seen: list[object] = []

    class Connection(transport.HTTPConnection):
        def connect(self) -> None:
            seen.append(self.host)
            raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(transport, "HTTPConnection", Connection)
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    answer = post(f"http://rebinds.example:{receiver.port}/", allowed=(ipaddress.ip_network("192.0.2.0/24"),))
    assert answer.problem == "Connection refused"
    assert (asked, seen) == (["rebinds.example"], ["192.0.2.7"])
    assert receiver.received == []


def test_a_name_with_one_address_too_many_is_refused(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_more: both)
    with pytest.raises(RefusedAddressError, match=r"two.example, at 10.0.0.1, is not public \(private\)"):
        transport.checked("https://two.example/", ())


def test_http_is_for_allowed_networks_only(monkeypatch):
    public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_more: public)
    assert transport.checked("https://one.example/", ())
    with pytest.raises(RefusedAddressError, match="http is for"):
        transport.checked("http://one.example/", LOOPBACK)


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch):
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(receiver.url).delivered
        assert proxy.received == []
    assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_tls_proves_the_name_though_the_connection_goes_to_an_address(authority: trustme.CA):
    with receiving(certified(authority, "localhost")) as named:
        assert post(f"https://localhost:{named.port}/hook?code=token").delivered
        assert named.received[0].path == "/hook?code=token"
        assert named.received[0].headers["host"] == f"localhost:{named.port}"
        answer = post(named.url)
        assert (answer.status, str(answer.problem)[:5]) == (None, "TLS: "), "127.0.0.1 is not in the certificate"
    with receiving(certified(authority, "127.0.0.1")) as numbered:
        assert post(numbered.url).delivered
        assert "mismatch" in str(post(f"https://localhost:{numbered.port}/").problem)
        assert len(numbered.received) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused():
    with receiving(certified(trustme.CA(), "127.0.0.1")) as stranger:
        assert "certificate" in str(post(stranger.url).problem)
        assert stranger.received == []


@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_does_not_come_or_only_trickles_is_given_up(tls: bool, authority: trustme.CA, monkeypatch):
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.4)
    context = certified(authority, "127.0.0.1") if tls else None
    release = threading.Event()

    def trickle(listener: socket.socket) -> None:
        """One byte after the other, so that no single wait is long."""
        opened, _ = listener.accept()
        with context.wrap_socket(opened, server_side=True) if context else opened as connection:
            connection.recv(65_536)
            for _ in range(600):
                try:
                    connection.sendall(b"H")
                except OSError:
                    return
                if release.wait(0.05):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,))
        thread.start()
        began = time.monotonic()
        answer = post(f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}/")
        assert time.monotonic() - began < 3
        release.set()
        thread.join()
    assert (answer.status, answer.problem) == (None, "no answer within 0 s")


def test_a_connection_that_the_receiver_closed_is_made_anew(receiver: Receiver):
    receiver.answers.append((204, {"Connection": "close"}))
    with closing(Channel(receiver.url, LOOPBACK)) as channel:
        assert [channel.post("{}", {}).status for _ in range(3)] == [204, 204, 204]
    ports = [one.peer[1] for one in receiver.received]
    assert ports[0] != ports[1] == ports[2]


def test_an_answer_without_an_end_is_not_read_to_its_end():
    release = threading.Event()
    large = b"x" * (1 << 20)

    def flood(listener: socket.socket) -> None:
        opened, _ = listener.accept()
        with opened:
            opened.recv(65_536)
            opened.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            while not release.is_set():
                try:
                    opened.sendall(large)
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=flood, args=(listener,))
        thread.start()
        began = time.monotonic()
        assert post(f"http://127.0.0.1:{listener.getsockname()[1]}/").delivered
        assert time.monotonic() - began < 3
        release.set()
        thread.join()


def test_problems_are_told_in_words(receiver: Receiver, caplog):
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    assert post(f"http://127.0.0.1:{nobody}/?code=token").problem == "Connection refused"
    assert post("https://no-such-host.invalid/?code=token").problem == "the name of the host does not resolve"
    assert post(f"https://127.0.0.1:{receiver.port}/").problem is not None, "plain HTTP where TLS is expected"
    assert "token" not in caplog.text
