"""Who gets in: sign-in, sessions, tokens of forms, scopes, headers."""

import re
import socket
import stat
from http.cookies import SimpleCookie

import httpx
import pytest

from hub import keys, users, web
from hub.access import Principal
from hub.errors import ConfigurationError, ConflictError, NotFoundError
from hub.review.gate import safe_next
from hub.review.sessions import IDLE, LIFETIME, Session, Sessions
from hub.review.throttle import PER_ACCOUNT, PER_CLIENT, Throttle
from hub.secret_key import secret_key
from hub.settings import Settings
from tests.waiting import PATIENCE
from tests.webworld import PASSWORD, Visitor, serving, token

PAGES = [
    "/",
    "/review",
    "/review/history",
    "/review/1/2",
    "/customers",
    "/customers/x",
    "/flags",
    "/quarantine",
    "/nothing",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_gets_the_sign_in_page_for_everything(visitor, page):
    answer = visitor.get(page)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert visitor.post(page).status_code == 303


def test_health_sign_in_and_static_files_are_open(visitor):
    assert visitor.get("/healthz").json() == {"status": "ok"}
    assert 'name="password"' in visitor.get("/sign-in").text
    assert visitor.get("/static/app.css").status_code == 200
    assert visitor.get("/static/../web.py").status_code in {303, 404}


def test_sign_in_leads_to_the_page_that_was_asked_for(hub, visitor):
    asked = visitor.get("/flags")
    answer = visitor.post(
        "/sign-in",
        data={
            "csrf": token(visitor.get(asked.headers["location"]).text),
            "name": hub.account("read"),
            "password": PASSWORD,
            "next": "/flags",
        },
    )
    assert answer.headers["location"] == "/flags"
    assert visitor.get("/flags").status_code == 200
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'sign in' AND actor = 'ann'") == 1


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example", "/a\r\nX: y", ""],
)  # fmt: skip
def test_sign_in_never_leads_to_another_site(hub, visitor, elsewhere):
    assert safe_next(elsewhere) == "/"
    answer = visitor.sign_in(hub.account("read"), next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(hub, visitor):
    before = visitor.get("/sign-in").cookies["onerecord_session"]
    answer = visitor.sign_in(hub.account("read"))
    cookie = SimpleCookie(answer.headers["set-cookie"])["onerecord_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert int(cookie["max-age"]) == LIFETIME
    assert cookie.value != before, "a session that somebody else knows is never promoted"
    assert hub.scalar("SELECT count(*) FROM ops.session WHERE position(session_hash IN :c) > 0", c=cookie.value) == 0


def test_the_cookie_is_secure_in_production(db, tmp_path):
    settings = Settings(environment="production", secret_key="k" * 40, data_dir=tmp_path)
    assert web.create_app(db, settings).state.sessions.secure


def test_a_forged_cookie_is_a_stranger(hub, visitor):
    hub.account("admin")
    visitor.sign_in("ann")
    session = visitor.get("/").request.headers["cookie"].split("=", 1)[1]
    sid = Sessions(secret_key(hub.settings), secure=False).read(session).sid
    forged = Sessions("another secret", secure=False)
    with Visitor(base_url=hub.address) as other:
        other.cookies.set("onerecord_session", forged._signer().dumps(sid))
        assert other.get("/customers").status_code == 303
    assert visitor.get("/customers").status_code == 200


def test_wrong_passwords_are_refused_and_then_throttled_in_all_processes(hub, visitor):
    hub.account("read")
    answers = [visitor.sign_in("ann", "wrong").status_code for _ in range(PER_CLIENT + 1)]
    assert answers == [401] * PER_CLIENT + [429]
    answer = visitor.sign_in("ann")
    assert answer.status_code == 429, "even the right password waits"
    assert 0 < int(answer.headers["retry-after"]) <= 300
    with serving(hub.engine, hub.settings) as address, Visitor(base_url=address) as elsewhere:
        assert elsewhere.sign_in("ann").status_code == 429, "another web process counts along"
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ops.sign_in_attempt SET attempted_at = now() - interval '6 minutes'")
    assert visitor.sign_in("ann").status_code == 303


def test_an_account_is_throttled_whoever_tries(hub):
    throttle = Throttle(hub.engine, "secret")
    assert [throttle.begin(f"client {n}", "ann").wait for n in range(PER_ACCOUNT)] == [0] * PER_ACCOUNT
    assert throttle.begin("another client", "ann").wait > 0
    assert throttle.begin("another client", "bob").wait == 0
    typed = hub.scalar("SELECT count(*) FROM ops.sign_in_attempt WHERE account LIKE '%ann%' OR client LIKE '%client%'")
    assert typed == 0, "what was typed into the name may be a password"


def test_a_right_password_does_not_wipe_out_wrong_ones(hub, visitor):
    hub.account("read")
    for _ in range(PER_CLIENT - 1):
        visitor.sign_in("ann", "wrong")
    assert visitor.sign_in("ann").status_code == 303
    assert hub.scalar("SELECT count(*) FROM ops.sign_in_attempt") == PER_CLIENT - 1


def test_an_unknown_name_costs_as_much_as_a_wrong_password(hub, visitor, monkeypatch):
    hub.account("read")
    looked = []
    verify = users._matches
    monkeypatch.setattr(users, "_matches", lambda *given: (looked.append(given[0]), verify(*given))[1])
    refused = [visitor.sign_in(name, "wrong").text for name in ("ann", "nobody")]
    assert len(looked) == 2
    assert looked[0].rsplit("$", 2)[0] == looked[1].rsplit("$", 2)[0], "the same parameters"
    strip = [re.sub(r'value="[^"]*"', "", page) for page in refused]
    assert strip[0] == strip[1]


@pytest.mark.parametrize(
    ("act", "still"),
    [
        (lambda c: users.disable(c, "ann", actor="bob"), False),
        (lambda c: users.set_password(c, "ann", "another long password", actor="bob"), False),
        (lambda c: users.set_role(c, "ann", "engineer", (), actor="bob"), False),
        (lambda c: users.set_role(c, "ann", "reader", (), actor="bob"), True),
    ],
)
def test_what_changes_an_account_ends_its_sessions_at_once(hub, signed_in, act, still):
    visitor = signed_in("read")
    assert visitor.get("/customers").status_code == 200
    with hub.engine.begin() as connection:
        act(connection)
    assert visitor.get("/customers").status_code == (200 if still else 303)


@pytest.mark.parametrize(("column", "seconds"), [("created_at", LIFETIME), ("seen_at", IDLE)])
def test_sessions_end_after_a_day_and_after_a_pause(hub, signed_in, column, seconds):
    visitor = signed_in("read")
    for age, status in ((seconds - 60, 200), (seconds + 1, 303)):
        with hub.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE ops.session SET {column} = now() - interval '{age} seconds'")
        assert visitor.get("/customers").status_code == status


def test_a_session_is_good_in_every_web_process_and_over_in_every_one(hub, signed_in):
    person = signed_in("read")
    with serving(hub.engine, hub.settings) as address, Visitor(base_url=address) as elsewhere:
        elsewhere.cookies.set("onerecord_session", person.cookies["onerecord_session"])
        assert elsewhere.get("/customers").status_code == 200
        person.submit("/", "/sign-out")
        assert elsewhere.get("/customers").status_code == 303


def test_signing_in_again_ends_the_session_that_was(hub, signed_in):
    person = signed_in("read")
    with Visitor(base_url=hub.address) as copy:
        copy.cookies.set("onerecord_session", person.cookies["onerecord_session"])
        person.sign_in("ann")
        assert person.get("/customers").status_code == 200
        assert copy.get("/customers").status_code == 303


def test_keys_are_for_tools_and_sign_nobody_in(hub, visitor):
    key = hub.key("admin")
    assert visitor.sign_in("ann", key).status_code == 401
    assert (
        httpx.get(f"{hub.address}/customers", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE).status_code
        == 303
    )


def test_whatever_host_is_named_a_stranger_stays_one(hub):
    """Addresses put together with the Host header say what a visitor likes, `/static/` for example."""
    for host in ("x/static/", "x/healthz?", "x/v1/"):
        with socket.create_connection(("127.0.0.1", int(hub.address.rsplit(":", 1)[1]))) as raw:
            raw.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(65536), b""))
        assert answer.startswith((b"HTTP/1.1 303", b"HTTP/1.1 400")), answer[:200]
        assert b"Publication" not in answer


def test_a_copy_of_the_cookie_is_worthless_after_signing_out(hub, signed_in, visitor):
    person = signed_in("read")
    visitor.cookies.set("onerecord_session", person.cookies["onerecord_session"])
    assert visitor.get("/customers").status_code == 200
    assert person.submit("/", "/sign-out").headers["location"] == "/sign-in"
    assert visitor.get("/customers").status_code == 303


def test_forms_without_the_token_of_their_session_are_refused(signed_in):
    person, other = signed_in("review"), signed_in("review", name="bob")
    link = re.search(r'href="(/review/\d+/\d+)"', person.get("/review").text)[1]
    for body in (
        {"verdict": "same"},
        {"verdict": "same", "csrf": ""},
        {"verdict": "same", "csrf": token(other.get("/review/history").text)},
    ):
        assert person.post(link, data=body).status_code == 403
    assert person.post("/sign-out").status_code == 403
    assert person.get("/review").status_code == 200


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("reader", ["/customers", "/flags", "/quarantine"], ["/review", "/review/history", "/quarantine/1", "/people"]),
        ("lead", ["/review", "/review/history", "/customers", "/flags"], ["/quarantine/1", "/people", "/audit"]),
        ("engineer", ["/customers", "/quarantine/1"], ["/review", "/people", "/audit"]),
        ("admin", ["/review", "/customers", "/quarantine/1", "/people", "/audit"], []),
    ],
)
def test_a_role_opens_what_it_is_for(signed_in, role, allowed, refused):
    visitor = signed_in(role)
    assert visitor.get("/").status_code == 200
    assert {page: visitor.get(page).status_code for page in allowed} == dict.fromkeys(allowed, 200)
    assert {page: visitor.get(page).status_code for page in refused} == dict.fromkeys(refused, 403)


def test_every_answer_carries_the_security_headers(visitor):
    for path in ("/healthz", "/sign-in", "/static/app.css", "/customers", "/v1/customers"):
        headers = visitor.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    assert visitor.get("/sign-in").headers["cache-control"] == "no-store"


def test_bodies_larger_than_any_form_are_refused_before_they_are_read(visitor):
    assert visitor.post("/sign-in", content=b"x" * 70_000).status_code == 413
    assert visitor.post("/sign-in", content=(b"x" for _ in range(3))).status_code == 413


def test_a_failure_answers_without_details_and_logs_no_values(hub, signed_in, caplog):
    visitor = signed_in("read")
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE golden.customer_row RENAME COLUMN name TO gone")
        connection.exec_driver_sql("DROP VIEW golden.customer CASCADE")
    answer = visitor.get("/customers", params={"q": "Secret Person"})
    assert answer.status_code == 500
    assert "golden.customer" not in answer.text
    assert "UndefinedTable" in caplog.text
    assert "Secret" not in caplog.text


def test_the_session_key_is_made_once_and_is_private(tmp_path):
    settings = Settings(data_dir=tmp_path / "fresh")
    secret = secret_key(settings)
    assert secret_key(settings) == secret
    path = settings.data_dir / "session.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in settings.data_dir.iterdir()] == ["session.key"]


def test_a_key_is_shown_once_and_stored_as_its_hash(hub):
    key = hub.key("read")
    assert key.startswith("or_")
    assert len(key) >= 46, "256 bits"
    assert hub.scalar("SELECT count(*) FROM ops.api_key WHERE key_hash LIKE '%' || :key || '%'", key=key) == 0
    with hub.engine.begin() as connection:
        assert keys.verify(connection, key) == Principal("ann", frozenset({"read"}))
        assert keys.verify(connection, key + "x") is None
        keys.revoke(connection, "ann")
        assert keys.verify(connection, key) is None
        with pytest.raises(NotFoundError):
            keys.revoke(connection, "ann")
        with pytest.raises(ConflictError, match="ann"):
            keys.create_key(connection, "ann", ["read"])
        with pytest.raises(ConfigurationError, match="root"):
            keys.create_key(connection, "bob", ["root"])


def test_tokens_of_two_sessions_differ():
    sessions = Sessions("secret", secure=False)
    one, other = Session("1"), Session("2")
    assert sessions.is_ours(one, sessions.csrf(one))
    assert not sessions.is_ours(other, sessions.csrf(one))


def test_a_port_that_is_taken_is_a_clear_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"web_port: 127.0.0.1:{port} .*ONERECORD_WEB_PORT"):
            web.listen("127.0.0.1", port)
