"""Contact eligibility over HTTP, on the customer's page, and the report of contacts that were made nevertheless."""

import datetime as dt
import re
import uuid
from urllib.parse import unquote

import httpx
import pytest

from hub.api.eligibility import LARGEST_BATCH
from hub.model.kinds import Department
from tests.integration.test_web_records import HERO, merge
from tests.pages import leak
from tests.waiting import PATIENCE
from tests.webworld import NOW

EMAIL = {"channel": "email", "purpose": "marketing"}


@pytest.fixture
def fresh(hub, tmp_path):
    """The hub in the moment that its world was read at, with a department of every kind."""
    clock = tmp_path / "clock"
    clock.write_text(NOW.isoformat())
    hub.settings.clock_file = clock
    yield hub
    hub.settings.clock_file = None


def ask(hub, *scopes, golden_ids, **question):
    headers = {"Authorization": f"Bearer {hub.key(*(scopes or ('read',)), name=uuid.uuid4().hex)}"}
    body = {"golden_ids": [str(one) for one in golden_ids], **EMAIL, **question}
    return httpx.post(f"{hub.address}/v1/eligibility", json=body, headers=headers, timeout=PATIENCE)


def test_the_answer_names_every_rule_its_records_and_their_age(fresh):
    golden_id = fresh.golden_id(HERO)
    body = ask(fresh, golden_ids=[golden_id]).raise_for_status().json()
    (answer,) = body["answers"]
    assert body["as_of"] == NOW.isoformat().replace("+00:00", "Z")
    assert (answer["golden_id"], answer["verdict"], answer["reason"]) == (golden_id, "deny", "complaint")
    assert answer["reach"] == []
    rules = {one["rule"]: one for one in answer["rules"]}
    assert [one["rule"] for one in answer["rules"]] == [
        "stale", "objection", "consent", "complaint", "bad_rating", "purchase", "declined", "reply", "frequency",
    ]  # fmt: skip
    (ticket,) = rules["complaint"]["evidence"]
    moment = (NOW - dt.timedelta(days=12)).isoformat().replace("+00:00", "Z")
    assert ticket == {"ref": "helpdesk:tickets:1", "department": "support", "at": moment, "age_days": 12}
    assert rules["consent"]["verdict"] == "allow"
    assert [one["ref"] for one in rules["consent"]["evidence"]] == ["newsletter:consents:1"]


def test_one_request_answers_for_many_in_their_order(fresh):
    old, nobody = merge(fresh, HERO), uuid.uuid4()
    hero, other = fresh.golden_id(HERO), fresh.golden_id("crm:Contact:2")
    asked = [nobody, other, old, hero]
    answers = ask(fresh, golden_ids=asked).json()["answers"]
    assert [one["asked"] for one in answers] == [str(one) for one in asked]
    assert [one["golden_id"] for one in answers] == [None, other, hero, hero]
    assert [one["reason"] for one in answers] == ["unknown", "consent", "complaint", "complaint"]


def test_a_request_has_a_limit_and_says_what_is_wrong(fresh):
    ids = [uuid.uuid4() for _ in range(LARGEST_BATCH)]
    assert len(ask(fresh, golden_ids=ids).json()["answers"]) == LARGEST_BATCH
    refused = ask(fresh, golden_ids=[*ids, uuid.uuid4()])
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "golden_ids")
    for wrong in ({"golden_ids": []}, {"channel": "pigeon"}, {"purpose": ""}, {"offer": "x" * 201}, {"more": 1}):
        assert ask(fresh, **{"golden_ids": ids[:1], **wrong}).status_code == 422
    assert httpx.post(f"{fresh.address}/v1/eligibility", json={}, timeout=PATIENCE).status_code == 401


def test_who_does_not_see_a_private_department_gets_the_verdict_without_its_records(fresh):
    fresh.settings.private_departments = frozenset({Department.SUPPORT})
    hero = [fresh.golden_id(HERO)]
    for scopes, seen in ((["read"], []), (["read", "read:support"], ["helpdesk:tickets:1"])):
        body = ask(fresh, *scopes, golden_ids=hero).json()
        (answer,) = body["answers"]
        assert (answer["verdict"], answer["reason"]) == ("deny", "complaint")
        found = [
            record["ref"] for rule in answer["rules"] if rule["rule"] == "complaint" for record in rule["evidence"]
        ]
        assert found == seen
        assert body["withheld"] == ([] if seen else ["support"])
        assert ("helpdesk" in str(answer["rules"])) == bool(seen)


def test_a_service_message_is_exempt_and_written_down(fresh):
    hero = fresh.golden_id(HERO)
    audited = "SELECT count(*) FROM ops.audit WHERE act = 'service message' AND subject = :subject"
    assert ask(fresh, golden_ids=[hero]).status_code == 200
    assert fresh.scalar(audited, subject=f"customer:{hero}") == 0
    (answer,) = ask(fresh, golden_ids=[hero], purpose="service").json()["answers"]
    assert (answer["verdict"], answer["reason"]) == ("allow", "exempt")
    assert fresh.scalar(audited, subject=f"customer:{hero}") == 1


def test_what_was_not_read_lately_is_denied(hub):
    (answer,) = ask(hub, golden_ids=[hub.golden_id(HERO)]).json()["answers"]
    assert (answer["verdict"], answer["reason"]) == ("deny", "stale"), "its world was read in the past"
    assert answer["rules"][0]["departments"] == ["finance", "marketing", "sales", "support"]


def words(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_customers_page_shows_who_may_be_contacted_and_leads_to_the_records(fresh, signed_in):
    page = f"/customers/{fresh.golden_id(HERO)}"
    visitor = signed_in("read")
    html = visitor.get(page).text
    section = html[html.index('id="contact"') : html.index("For no offer or list")]
    assert "Marketing No complaint No no consent No no consent" in words(section)
    assert "Service Yes Yes Yes Yes Yes" in words(section)
    (link,) = re.findall(r'href="([^"]+)"><code>helpdesk:tickets:1', section)
    facts, _, anchor = link.partition("#")
    assert f'id="{unquote(anchor)}"' in visitor.get(facts).text


def test_the_page_names_no_record_of_a_private_department(fresh, signed_in):
    fresh.settings.private_departments = frozenset({Department.SUPPORT})
    page = f"/customers/{fresh.golden_id(HERO)}"
    html = signed_in("review", departments=["sales"]).get(page).text
    section = html[html.index('id="contact"') : html.index("For no offer or list")]
    assert "Marketing No complaint" in words(section)
    assert "tickets" not in section


@pytest.fixture
def leaking(hub):
    with hub.engine.begin() as connection:
        leak(connection, hub.settings)
    return hub


def test_the_report_shows_contacts_that_should_have_waited(leaking, signed_in):
    html = signed_in("review").get("/contact/leaks").text
    told = words(html)
    # Seven were made, the complaint is not two weeks old, and consent came with it.
    assert "7 contacts in the last 12 weeks" in told
    assert re.search(r"No consent 0 0 0 \d", told)
    assert "helpdesk:tickets:1" in html
    assert "/contact/leaks" in html[html.index("<nav") :]
    assert "by support" in words(signed_in("review", name="bob").get("/contact/leaks?department=support").text)


def test_the_report_is_for_leads_and_admins_and_names_nothing_private(leaking, signed_in):
    assert signed_in("read", name="rita").get("/contact/leaks").status_code == 403
    leaking.settings.private_departments = frozenset({Department.SUPPORT})
    lead = signed_in("review", name="leo", departments=["sales"])
    html = lead.get("/contact/leaks").text
    assert "a record of support" in html
    assert "helpdesk:tickets:1" not in html
    assert lead.get("/contact/leaks?department=support").status_code == 403
