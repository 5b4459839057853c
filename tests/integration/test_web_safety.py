"""What must hold on every page and form, found from the application itself: a new one is tested without a word here."""

import re
import uuid
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import create_engine

from hub.review.gate import OPEN
from hub.settings import Settings
from hub.web import create_app
from tests.integration.test_web_records import HERO
from tests.pages import ADMIN, furnish
from tests.waiting import PATIENCE
from tests.webworld import PASSWORD, XSS, Hub, Visitor, serving, token

DROP = "'; DROP TABLE golden.customer_row; --"
# The only scripts that a page has: files of ours, without anything in them that comes from data.
OUR_SCRIPT = re.compile(r'<script src="/static/\w+\.js" defer></script>')
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
SAMPLES = {
    "party_a": "1",
    "party_b": "2",
    "department": "sales",
    "name": "ann",
    "source": "crm",
    "stream": "Contact",
    "source_id": "1",
}
# What only admins may: everybody else's refusal is tested.
FOR_ADMINS = ("/people", "/audit")


@pytest.fixture
def routes(hub) -> list[tuple[str, APIRoute]]:
    """Every route with each of its methods."""
    found = all_routes(create_app(hub.engine, hub.settings).routes)
    assert len(found) > 25, "else they are no longer found"
    return [(method, route) for route in found for method in sorted(route.methods - {"HEAD"})]


def all_routes(routes: Any) -> list[APIRoute]:
    """The routes of an application, those of its routers included."""
    found = []
    for route in routes:
        if isinstance(route, APIRoute):
            found.append(route)
        else:
            found += all_routes(
                getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", [])
            )
    return found


def filled(hub, path: str) -> str:
    """An address of this route that leads somewhere."""
    ids = {"golden_id": hub.golden_id(HERO), "quarantine_id": "1", "judgement_id": "1"}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda part: {**SAMPLES, **ids}.get(part[1], "1"), path)


def parameters(route: APIRoute) -> Iterator[str]:
    """The names of its query parameters, those of its dependencies included."""
    waiting = [route.dependant]
    while waiting:
        one = waiting.pop()
        yield from (field.alias for field in one.query_params)
        waiting += one.dependencies


def is_page(route: APIRoute) -> bool:
    return not route.path.startswith("/v1/") and route.path not in OPEN


def test_a_stranger_gets_the_sign_in_page_or_a_401_for_everything(hub, visitor, routes):
    for method, route in routes:
        if route.path in OPEN:
            continue
        answer = visitor.request(
            method, filled(hub, route.path), headers={"Content-Length": "0"} if method != "GET" else {}
        )
        if route.path.startswith("/v1/"):
            assert answer.status_code == 401, route.path
        else:
            assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), route.path


def test_no_form_is_taken_without_its_token(hub, signed_in, routes):
    boss, other = signed_in("admin", name="boss"), signed_in("admin", name="bob")
    posts = [route for method, route in routes if method == "POST" and not route.path.startswith("/v1/")]
    assert len(posts) > 8
    theirs = token(other.get("/account").text)
    before = hub.scalar("SELECT count(*) FROM ops.audit")
    for route in posts:
        for body in ({}, {"csrf": ""}, {"csrf": theirs}, {"csrf": "x" * 64}):
            assert boss.post(filled(hub, route.path), data=body or None).status_code in {403, 413}, route.path
            answer = boss.post(filled(hub, route.path), data={**body, "verdict": "same", "name": "ann", "reason": "x"})
            assert answer.status_code == 403, (route.path, body)
    assert hub.scalar("SELECT count(*) FROM ops.audit") == before


def test_a_role_gets_403_for_what_is_not_for_it(hub, signed_in, routes):
    reader, lead = signed_in("reader", name="rita"), signed_in("lead", name="lea")
    mine = token(reader.get("/account").text)
    for method, route in routes:
        path = filled(hub, route.path)
        if is_page(route) and route.path.startswith(("/review", *FOR_ADMINS)):
            body = {"data": {"csrf": mine}} if method == "POST" else {}
            assert reader.request(method, path, **body).status_code == 403, path
        if is_page(route) and method == "GET" and route.path.startswith(FOR_ADMINS):
            assert lead.get(path).status_code == 403, path


def test_markup_in_names_and_in_what_is_typed_is_text_on_every_page(hub, signed_in, routes):
    boss = signed_in("admin", name="boss")
    with hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE canonical.party SET name = %s, email = %s, street = %s", (XSS, MARKUP, MARKUP)
        )
        connection.exec_driver_sql(
            "UPDATE golden.customer_row SET name = %s, email = %s, street = %s", (XSS, MARKUP, MARKUP)
        )
        connection.exec_driver_sql("UPDATE canonical.opportunity SET name = %s, owner_name = %s", (MARKUP, MARKUP))
        connection.exec_driver_sql("UPDATE canonical.ticket SET subject = %s", (MARKUP,))
        connection.exec_driver_sql(
            "INSERT INTO ops.audit (actor, act, subject, reason, details) VALUES (%s, %s, %s, %s, '{}')", (MARKUP,) * 4
        )
    boss.headers["User-Agent"] = MARKUP
    boss.sign_in("boss")
    pages = [route for method, route in routes if method == "GET" and is_page(route)]
    for route in pages:
        for query in ({}, dict.fromkeys(parameters(route), MARKUP)):
            answer = boss.get(filled(hub, route.path), params=query)
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert "<script" not in OUR_SCRIPT.sub("", answer.text), (route.path, query)
                assert "<img src=x" not in answer.text, (route.path, query)


@pytest.mark.parametrize(
    "typed", [DROP, "' OR '1'='1", "%", "\\", "1; SELECT pg_sleep(5)", "{}", "𝕏" * 90, "-1", "9" * 30]
)
def test_whatever_is_typed_into_a_filter_does_no_harm(hub, signed_in, routes, typed):
    boss = signed_in("admin", name="boss")
    customers = hub.scalar("SELECT count(*) FROM golden.customer")
    key = {"Authorization": f"Bearer {hub.key('admin')}"}
    for method, route in routes:
        for name in parameters(route) if method == "GET" else ():
            answer = boss.get(
                filled(hub, route.path), params={name: typed}, headers=key if route.path.startswith("/v1/") else {}
            )
            assert answer.status_code < 500, (route.path, name)
    assert hub.scalar("SELECT count(*) FROM golden.customer") == customers


def test_null_characters_are_refused_wherever_they_come_in(hub, signed_in, routes):
    boss = signed_in("admin", name="boss")
    mine = token(boss.get("/account").text)
    key = {"Authorization": f"Bearer {hub.key('admin')}"}
    for method, route in routes:
        headers = key if route.path.startswith("/v1/") else {}
        path = filled(hub, route.path)
        for address in (f"{path}%00", f"{path}?q=%00", f"{path}?%00=1"):
            assert boss.request(method, address, headers={**headers, "Content-Length": "0"}).status_code == 400, address
        if method == "POST" and not headers:
            fields = ("reason", "name", "password", "current", "next", "role", "verdict", "anything")
            for name in fields:
                answer = boss.post(path, data={"csrf": mine, "verdict": "same", name: "a\x00b"})
                assert 400 <= answer.status_code < 500, (path, name)
    for record in ({"name": "a\x00b"}, {"email": "\x00"}):
        answer = httpx.post(
            f"{hub.address}/v1/match", headers=key, json={"kind": "person", "record": record}, timeout=PATIENCE
        )
        assert answer.status_code < 500


def test_another_persons_things_are_not_reached_by_counting(hub, signed_in):
    """Numbers in addresses are guessed: what they lead to is checked each time."""
    lead = signed_in("lead", name="mia", departments=["marketing"])
    with hub.engine.connect() as connection:
        found = connection.exec_driver_sql(
            """SELECT a.party_id, b.party_id FROM canonical.party a JOIN canonical.party b ON a.party_id < b.party_id
               WHERE a.department <> 'marketing' AND b.department <> 'marketing' ORDER BY 1, 2 LIMIT 20"""
        ).all()
    for a, b in found:
        assert lead.get(f"/review/{a}/{b}").status_code == 403
        assert lead.submit("/account", f"/review/{a}/{b}", verdict="same").status_code == 403
    assert lead.get("/quarantine/1").status_code == 403
    assert lead.get("/people/mia").status_code == 403
    assert lead.submit("/account", "/people/mia/role", role="admin").status_code == 403
    assert lead.get(f"/customers/{uuid.uuid4()}").status_code == 404


def test_a_session_that_somebody_else_prepared_is_not_promoted(hub, visitor):
    prepared = visitor.get("/sign-in").cookies["onerecord_session"]
    hub.account("admin")
    with Visitor(base_url=hub.address) as victim:
        victim.cookies.set("onerecord_session", prepared)
        page = victim.get("/sign-in").text
        answer = victim.post("/sign-in", data={"csrf": token(page), "name": "ann", "password": PASSWORD})
        assert answer.status_code == 303
        assert SimpleCookie(answer.headers["set-cookie"])["onerecord_session"].value != prepared
    assert visitor.get("/customers").status_code == 303, "who prepared it is still a stranger"


def test_every_cookie_is_kept_from_scripts_and_other_sites(hub, visitor):
    hub.account("admin")
    for answer in (visitor.get("/sign-in"), visitor.sign_in("ann"), visitor.submit("/", "/sign-out")):
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "samesite=strict" in cookie.lower()
            assert "Path=/" in cookie


def test_no_page_leaves_the_site_or_runs_a_script(hub, signed_in, routes):
    boss = signed_in("admin", name="boss")
    for method, route in routes:
        if method != "GET" or not is_page(route):
            continue
        answer = boss.get(filled(hub, route.path))
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        if answer.headers.get("content-type", "").startswith("text/html"):
            html = OUR_SCRIPT.sub("", answer.text)
            assert not re.search(r'(?:src|action)="(?!/)|<script|style="|\son\w+="', html), route.path


def test_every_page_needs_one_connection_at_a_time(hub: Hub, tmp_path: Path) -> None:
    """A page that held one and waited for another would wait for ever where as many do so as there are connections."""
    pages = furnish(hub)
    alone = create_engine(hub.engine.url, pool_size=1, max_overflow=0, pool_timeout=3)
    try:
        with serving(alone, Settings(data_dir=tmp_path / "data")) as address, Visitor(base_url=address) as visitor:
            visitor.sign_in(ADMIN.name)
            answers = {what: visitor.get(where, follow_redirects=True).status_code for what, where in pages.items()}
            csrf = token(visitor.get("/review/merge").text)
            both = {"csrf": csrf, "pick": ["crm:Contact:7", "crm:Contact:9"]}
            answers["merge preview"] = visitor.post("/review/merge/preview", data=both).status_code
            apart = {"csrf": csrf, f"part:{HERO}": "1", "part:helpdesk:users:1": "2"}
            answers["split preview"] = visitor.post(f"{pages['split']}/preview", data=apart).status_code
    finally:
        alone.dispose()
    assert {what: code for what, code in answers.items() if code != 200} == {"not-found": 404}
