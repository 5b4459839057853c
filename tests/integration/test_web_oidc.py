"""Signing in at an identity provider: a real one (Canaille) runs here, and browsers go there and back."""

import re
import uuid
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from pytest_iam import iam_configuration, iam_server, iam_server_port
from sqlalchemy import text

from hub import users
from hub.review import oidc
from hub.review.oidc import Provider, ProviderError, Rights, rights
from hub.sections.oidc import OidcSettings
from tests.waiting import PATIENCE
from tests.webworld import PASSWORD, Hub, Visitor, serving

__all__ = ["iam_configuration", "iam_server", "iam_server_port"]

BEGIN = "/sign-in/provider"
CALLBACK = "http://hub.example/sign-in/provider/callback"


def settings(issuer: str, client_id: str, secret: str, **more) -> OidcSettings:
    roles = [
        {"value": "admins", "role": "admin"},
        {"value": "marketing-leads", "role": "lead", "departments": ["marketing"]},
        {"value": "sales-leads", "role": "lead", "departments": ["sales"]},
    ]
    given = {
        "issuer": issuer,
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uri": CALLBACK,
        "roles": roles,
    }
    return OidcSettings.model_validate({**given, "scopes": ["openid", "profile", "groups"], **more})


@pytest.fixture
def client(iam_server):
    """The hub as the provider knows it."""
    with iam_server.app.app_context():
        made = iam_server.models.Client(
            client_id=uuid.uuid4().hex, client_secret=uuid.uuid4().hex, client_name="OneRecord",
            client_uri="http://hub.example", redirect_uris=[CALLBACK], token_endpoint_auth_method="client_secret_basic",
            grant_types=["authorization_code"], response_types=["code"], scope=["openid", "profile", "groups"],
        )  # fmt: skip
        iam_server.backend.save(made)
        made.audience = [made]
        iam_server.backend.save(made)
        yield made
        iam_server.logout()
        iam_server.backend.delete(made)


@pytest.fixture
def office(world, hub, tmp_path, iam_server, client, monkeypatch):
    """The hub, served anew with the provider in its settings; it waits for its answers as long as tests do."""
    monkeypatch.setattr(oidc, "TIMEOUT", PATIENCE)
    hub.settings.oidc = settings(iam_server.url.rstrip("/"), client.client_id, client.client_secret)
    told = httpx.get(f"{iam_server.url}.well-known/openid-configuration", timeout=PATIENCE).json()
    hub.settings.oidc.issuer = told["issuer"]
    with serving(world, hub.settings) as address:
        yield Hub(address, world, hub.settings)


@pytest.fixture
def employee(iam_server, client):
    """Makes people at the provider, who are signed in there and have agreed."""

    def make(name: str, *groups: str):
        with iam_server.app.app_context():
            person = iam_server.random_user(user_name=name, display_name=name)
            for group in groups:
                made = iam_server.random_group(display_name=group, members=[person])
                iam_server.backend.save(made)
            iam_server.backend.reload(person)
        iam_server.login(person)
        iam_server.consent(person, client)
        return person

    return make


def there(visitor: Visitor, next_page: str = "/review") -> dict[str, str]:
    """Go to the provider, and return what it sends back to the hub."""
    address = visitor.get(BEGIN, params={"next": next_page}).headers["location"]
    for _ in range(5):
        answer = httpx.get(address, timeout=PATIENCE)
        address = urljoin(address, answer.headers["location"])
        if address.startswith(CALLBACK):
            return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    raise AssertionError(f"the provider never came back: {address}")


def back(visitor: Visitor, told: dict[str, str]) -> httpx.Response:
    return visitor.get(f"{BEGIN}/callback", params=told)


def test_somebody_signs_in_at_the_provider_and_out_again(office, employee):
    employee("mia", "marketing-leads", "sales-leads")
    with Visitor(base_url=office.address) as visitor:
        assert "Sign in with your company account" in visitor.get("/review", follow_redirects=True).text
        sent = visitor.get(BEGIN, params={"next": "/review"})
        asked = parse_qs(urlsplit(sent.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert {"state", "nonce", "code_challenge"} <= asked.keys()
        cookie = sent.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        arrived = back(visitor, there(visitor))
        assert arrived.status_code == 200, arrived.text
        assert 'content="0; url=/review"' in arrived.text
        assert visitor.get("/review").status_code == 200
        account = office.scalar(
            "SELECT role || ':' || array_to_string(departments, ',') FROM ops.account WHERE name = 'mia'"
        )
        assert account == "lead:marketing,sales"
        assert office.scalar("SELECT password_hash FROM ops.account WHERE name = 'mia'") is None
        assert "identity provider" in visitor.get("/account").text
        assert visitor.submit("/account", "/account/password", current="", password=PASSWORD).status_code == 400
        out = visitor.submit("/", "/sign-out").headers["location"]
        assert re.search(r'href="http://localhost:\d+/[^"]*client_id=', visitor.get(out).text)
        assert visitor.get("/review").status_code == 303
        for password in ("", PASSWORD):
            assert visitor.sign_in("mia", password).status_code == 401, "there is no password to sign in with"


def test_the_provider_decides_again_each_time(office, employee, iam_server):
    person = employee("nina", "marketing-leads")
    with Visitor(base_url=office.address) as visitor, Visitor(base_url=office.address) as other:
        back(visitor, there(visitor))
        with iam_server.app.app_context():
            for group in person.groups:
                group.display_name = "cooks"
                iam_server.backend.save(group)
            iam_server.backend.reload(person)
        refused = back(other, there(other))
        assert (refused.status_code, "gives you a role" in refused.text) == (401, True)
        assert visitor.get("/customers").status_code == 303, "sessions of before are over"


def test_who_has_no_role_stays_out(office, employee):
    employee("greta")
    with Visitor(base_url=office.address) as visitor:
        assert back(visitor, there(visitor)).status_code == 401
        assert visitor.get("/customers").status_code == 303
    assert office.scalar("SELECT count(*) FROM ops.account WHERE name = 'greta'") == 0


def test_a_local_account_is_not_taken_over(office, employee):
    office.account("admin", name="boss")
    employee("boss", "marketing-leads")
    with Visitor(base_url=office.address) as visitor:
        refused = back(visitor, there(visitor))
        assert (refused.status_code, "exists or existed" in refused.text) == (401, True)
        assert visitor.get("/customers").status_code == 303
    assert office.scalar("SELECT role FROM ops.account WHERE name = 'boss'") == "admin"


def test_a_disabled_account_stays_out(office, employee):
    employee("dora", "marketing-leads")
    with Visitor(base_url=office.address) as visitor:
        back(visitor, there(visitor))
        with office.engine.begin() as connection:
            users.disable(connection, "dora", actor="test")
        assert visitor.get("/customers").status_code == 303
        refused = back(visitor, there(visitor))
        assert (refused.status_code, "disabled" in refused.text) == (401, True)


def test_an_answer_is_good_for_the_browser_that_asked_and_once(office, employee):
    employee("olga", "admins")
    with Visitor(base_url=office.address) as visitor, Visitor(base_url=office.address) as other:
        told = there(visitor)
        assert back(other, told).status_code == 400, "no flow of its own"
        other.get(BEGIN)  # no further: of two codes for one client, Canaille's memory finds either
        assert back(other, told).status_code == 400, "another state: nobody is signed in as somebody else"
        assert back(visitor, {**told, "state": "x"}).status_code == 400
        assert back(visitor, {**told, "iss": "https://evil.example"}).status_code == 401
        assert back(visitor, {"state": told["state"], "error": "access_denied"}).status_code == 401
        assert visitor.get("/customers").status_code == 303
        flow = visitor.cookies["onerecord_provider"]
        arrived = back(visitor, told)
        assert arrived.status_code == 200, arrived.text
        with Visitor(base_url=office.address) as thief:
            thief.cookies.set("onerecord_provider", flow)
            assert back(thief, told).status_code == 401, "a code is taken once"


def test_a_token_for_another_flow_is_refused(office, employee, monkeypatch):
    employee("rosa", "admins")
    monkeypatch.setattr(Provider, "unseal", lambda self, cookie: _other_nonce(unseal(self, cookie)))
    with Visitor(base_url=office.address) as visitor:
        refused = back(visitor, there(visitor))
        assert (refused.status_code, "not valid" in refused.text) == (401, True)


unseal = Provider.unseal


def _other_nonce(flow: oidc.Flow) -> oidc.Flow:
    return oidc.Flow(flow.address, flow.state, "another nonce", flow.verifier)


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_way_back_never_leads_to_another_site(office, employee, elsewhere):
    employee(f"user{uuid.uuid4().hex[:8]}", "admins")
    with Visitor(base_url=office.address) as visitor:
        assert 'content="0; url=/"' in back(visitor, there(visitor, elsewhere)).text


def test_without_a_provider_there_is_no_such_page(visitor):
    assert [visitor.get(path).status_code for path in (BEGIN, f"{BEGIN}/callback", "/signed-out")] == [404] * 3
    assert "Sign in with" not in visitor.get("/sign-in").text


def test_a_provider_that_does_not_answer_is_told(hub):
    hub.settings.oidc = settings("http://localhost:9", "id", "secret")
    with serving(hub.engine, hub.settings) as address, Visitor(base_url=address) as visitor:
        answer = visitor.get(BEGIN)
        assert (answer.status_code, "does not answer" in answer.text) == (503, True)
        assert visitor.sign_in(hub.account("read")).status_code == 303, "passwords work all the same"
        assert "Sign out there" not in visitor.get("/signed-out").text


def test_a_provider_that_calls_itself_otherwise_is_not_believed(iam_server):
    provider = Provider(settings(f"http://localhost:{iam_server.port}", "id", "secret"), "key")
    provider.settings.issuer = f"http://127.0.0.1:{iam_server.port}"
    with pytest.raises(ProviderError):
        provider.metadata()


@pytest.mark.parametrize(
    ("claims", "given"),
    [
        ({"groups": ["sales-leads", "marketing-leads"]}, Rights("lead", frozenset({"sales", "marketing"}))),
        ({"groups": ["sales-leads", "admins"]}, Rights("admin", frozenset())),
        ({"groups": "sales-leads"}, Rights("lead", frozenset({"sales"}))),
        ({"groups": ["cooks"]}, None), ({"groups": {"admins": True}}, None), ({"groups": None}, None), ({}, None),
    ],
)  # fmt: skip
def test_claims_give_roles_or_nothing(claims, given):
    configured = settings("https://id.example", "id", "secret")
    assert rights(claims, configured) == given
    nested = configured.model_copy(update={"role_claim": "realm_access.groups"})
    assert rights({"realm_access": claims}, nested) == given


def test_sessions_of_a_provider_are_counted_like_others(office, employee):
    employee("paul", "admins")
    with Visitor(base_url=office.address) as visitor:
        back(visitor, there(visitor))
        with office.engine.connect() as connection:
            found = connection.execute(text("SELECT name FROM ops.session")).scalars().all()
        assert found == ["paul"]
