"""Who sees what: masks, private departments, looks in the audit log, and the pages for people and accounts."""

import csv
import io
import re

import pytest
from sqlalchemy import text

from hub import users
from hub.errors import ConfigurationError, ConflictError
from hub.review import masking
from hub.review.csv_answer import cell
from tests.integration.test_web_records import HERO
from tests.webworld import PASSWORD, Visitor

MAIL, MASKED = "bruno.albers@mail1.example", "b***@m***.example"
BILLED = "billing:customers:1"


@pytest.fixture
def hero(hub):
    """A customer of sales and support, with facts of all departments."""
    return hub.golden_id(HERO)


def looks(hub, actor: str) -> list[tuple[str, str]]:
    with hub.engine.connect() as connection:
        found = connection.execute(
            text("SELECT subject, details ->> 'page' FROM ops.audit WHERE act = 'look' AND actor = :actor"),
            {"actor": actor},
        )
        return [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("role", "departments", "shown"),
    [("admin", None, True), ("lead", ["support"], True), ("lead", ["finance"], False), ("reader", None, False), ("engineer", None, False)],
)  # fmt: skip
def test_personal_data_is_shown_to_those_who_answer_for_it_and_masked_elsewhere(
    hub, signed_in, hero, role, departments, shown
):
    visitor = signed_in(role, departments=departments)
    page = visitor.get(f"/customers/{hero}").text
    listed = visitor.get("/customers", params={"q": "Bruno Albers"}).text
    table = visitor.get("/customers/export.csv", params={"q": "Bruno Albers"}).text
    for html in (page, listed, table):
        assert "Bruno Albers" in html, "a customer is called by its name"
        assert (MAIL in html, MASKED in html) == (shown, not shown)
    assert ("2 Harbour Road" in page) == shown
    expected = {(f"customer:{hero}", "/customers/{golden_id}"), (f"customer:{hero}", "/customers")} if shown else set()
    assert set(looks(hub, "ann")) == expected


def test_what_is_masked_is_not_found_by_its_parts(signed_in):
    """Else it could be asked out of the hub letter by letter."""
    visitor = signed_in("lead", departments=["marketing"])
    assert "No customer matches" in visitor.get("/customers", params={"q": "bruno.albers@m"}).text
    assert "No customer matches" in visitor.get("/customers", params={"q": "+4915100000"}).text
    assert "Bruno Albers" in visitor.get("/customers", params={"q": MAIL.upper()}).text, "who knows it whole finds it"


def test_earlier_values_and_other_sources_have_masks_too(hub, signed_in, hero):
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """UPDATE golden.customer_row SET email = 'old.address@mail1.example',
                   provenance = jsonb_set(provenance, '{email,losers}', '[{"ref": "a:b:1", "value": "loser@mail1.example"}]')
                   WHERE golden_id = :id AND version = 1"""
            ),
            {"id": hero},
        )
        connection.execute(
            text(
                """UPDATE golden.customer_row SET
                   provenance = jsonb_set(provenance, '{email,losers}', '[{"ref": "a:b:1", "value": "loser@mail1.example"}]')
                   WHERE golden_id = :id AND version = 2"""
            ),
            {"id": hero},
        )
    masked, whole = (signed_in(role, name=role).get(f"/customers/{hero}").text for role in ("reader", "admin"))
    for value in ("old.address@mail1.example", "loser@mail1.example", MAIL, "+4915100000001"):
        assert value in whole
        assert value not in masked
    assert "l***@m***.example" in masked
    assert "o***@m***.example" in masked


def test_an_engineer_is_shown_one_customer_after_saying_what_for(hub, signed_in, hero):
    visitor, reader = signed_in("engineer"), signed_in("reader", name="rita")
    page, other = f"/customers/{hero}", f"/customers/{hub.golden_id('crm:Contact:3')}"
    assert MAIL not in visitor.get(page).text
    assert visitor.submit(page, f"{page}/show", reason=" ").status_code == 422
    assert visitor.submit(page, f"{page}/show", reason="ticket 12").status_code == 303
    assert MAIL in visitor.get(page).text
    assert "david.albers@mail3.example" not in visitor.get(other).text, "of this customer only"
    assert (
        hub.scalar("SELECT reason FROM ops.audit WHERE act = 'show' AND subject = :s", s=f"customer:{hero}")
        == "ticket 12"
    )
    assert looks(hub, "ann") == [(f"customer:{hero}", "/customers/{golden_id}")]
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE ops.audit SET happened_at = now() - interval '11 minutes'"))
    assert MAIL not in visitor.get(page).text
    assert "Show for ten minutes" not in reader.get(page).text
    assert reader.submit("/account", f"{page}/show", reason="curious").status_code == 403
    assert MAIL not in reader.get(page).text


def test_a_repeated_look_is_one_row_and_a_later_one_another(hub, signed_in, hero):
    visitor = signed_in("admin")
    for _ in range(3):
        visitor.get(f"/customers/{hero}")
    assert len(looks(hub, "ann")) == 1
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE ops.audit SET happened_at = now() - interval '11 minutes' WHERE act = 'look'"))
    visitor.get(f"/customers/{hero}")
    assert len(looks(hub, "ann")) == 2


def test_pairs_are_seen_by_their_departments_and_each_look_is_written_down(hub, signed_in):
    ids = sorted(
        hub.scalar("SELECT party_id FROM canonical.party WHERE ref = :ref", ref=ref)
        for ref in ("crm:Contact:3", "billing:customers:3")
    )
    pair = "/".join(map(str, ids))
    ours, theirs = (signed_in("lead", name=one, departments=[one]) for one in ("finance", "marketing"))
    assert ours.get(f"/review/{pair}").status_code == 200
    assert looks(hub, "finance") == [(f"pair:{pair}", "/review/{party_a}/{party_b}")]
    assert theirs.get(f"/review/{pair}").status_code == 403
    assert theirs.get(f"/review/{ids[1]}/{ids[0]}").status_code == 403
    assert theirs.submit("/account", f"/review/{pair}", verdict="same").status_code == 403
    assert looks(hub, "marketing") == []
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author = 'marketing'") == 0


@pytest.fixture
def private(hub):
    hub.settings.private_departments = frozenset({"finance"})


@pytest.mark.usefixtures("private")
def test_a_private_department_is_for_its_leads_and_admins(hub, signed_in, hero):
    marketing, finance, boss, engineer = (
        signed_in("lead", name="mia", departments=["marketing"]), signed_in("lead", name="finn", departments=["finance"]),
        signed_in("admin", name="boss"), signed_in("engineer", name="eve"),
    )  # fmt: skip
    page, facts = f"/customers/{hero}", f"/customers/{hero}/facts/finance"
    for visitor, sees in ((marketing, False), (engineer, False), (finance, True), (boss, True)):
        html = visitor.get(page).text
        assert ("1,200.00" in html, "Lifetime value" in html) == (sees, sees)
        assert ("is for its leads and for admins" in html) == (not sees), "what is left out is told"
        assert "Open complaints" in html, "other departments are no secret"
        for address in (facts, f"{facts}.csv"):
            answer = visitor.get(address)
            assert answer.status_code == (200 if sees else 403)
            assert ("R-1" in answer.text) == sees
        assert visitor.get(f"/customers/{hero}/facts/support").status_code == 200
    with hub.engine.begin() as connection:
        connection.execute(
            text("UPDATE golden.customer_row SET finance = '{\"lifetime_value\": {\"EUR\": 7}}' WHERE golden_id = :id AND version = 1"),
            {"id": hero},
        )  # fmt: skip
    assert "Finance: changed" in boss.get(page).text
    assert "Finance" not in re.findall(r'<ol class="timeline".*?</ol>', marketing.get(page).text, re.DOTALL)[0]


@pytest.mark.usefixtures("private")
def test_the_queue_and_its_pages_tell_nothing_that_a_private_department_knows(hub, signed_in):
    """Value at stake and what moves are made of facts; a filter by value would tell them digit by digit."""
    ids = sorted(
        hub.scalar("SELECT party_id FROM canonical.party WHERE ref = :ref", ref=ref)
        for ref in ("crm:Contact:1", "billing:customers:1")
    )
    pair = "/".join(map(str, ids))
    seller, finance = (signed_in("lead", name=one, departments=[one]) for one in ("sales", "finance"))
    page = f"/review/{pair}"
    for visitor, sees in ((finance, True), (seller, False)):
        listed = visitor.get("/review?sort=unlikely").text
        assert ("unpaid" in listed) == sees
        assert "in open opportunities" in listed
        assert ("invoice" in visitor.get(page).text) == sees
        assert ("is left out here" in visitor.get(page).text) == (not sees), "what is left out is told"
        for query in ("sort=impact", "value=1000"):
            assert visitor.get(f"/review?{query}").status_code == (200 if sees else 403)
        assert ("Most value first" in listed) == sees


def test_private_sales_keep_opportunities_and_flags_back(hub, signed_in, hero):
    hub.settings.private_departments = frozenset({"sales"})
    lead = signed_in("lead", departments=["support"])
    assert "Harbour cranes" not in lead.get(f"/customers/{hero}").text
    assert lead.get("/flags/team").status_code == 403
    seller = signed_in("lead", name="sam", departments=["sales"])
    assert "Harbour cranes" in seller.get(f"/customers/{hero}").text
    assert "Harbour cranes" in seller.get("/flags/team").text


@pytest.mark.usefixtures("private")
def test_a_quarantined_row_of_a_private_department_is_for_that_department(hub, signed_in):
    entry = hub.scalar("SELECT quarantine_id FROM landing.quarantine WHERE source = 'billing'")
    assert signed_in("engineer").get(f"/quarantine/{entry}").status_code == 403
    assert signed_in("admin", name="boss").get(f"/quarantine/{entry}").status_code == 200


def test_facts_are_listed_one_by_one_and_downloaded(hub, signed_in, hero):
    visitor, reader = signed_in("lead", departments=["support"]), signed_in("reader", name="rita")
    rows = list(csv.DictReader(io.StringIO(visitor.get(f"/customers/{hero}/facts/finance.csv").text)))
    assert [row["number"] for row in rows] == ["R-1", "R-0"]
    assert "Crane stops" in visitor.get(f"/customers/{hero}/facts/support").text
    assert "Crane stops" not in reader.get(f"/customers/{hero}/facts/support").text
    assert "Crane stops" not in reader.get(f"/customers/{hero}/facts/support.csv").text
    assert visitor.get(f"/customers/{hero}/facts/kitchen").status_code == 422
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'export facts' AND actor = 'ann'") == 1


def test_the_list_is_downloaded_whole_and_told_once(hub, signed_in):
    visitor = signed_in("admin")
    rows = list(csv.DictReader(io.StringIO(visitor.get("/customers/export.csv").text)))
    assert len({row["golden_id"] for row in rows}) == len(rows) == hub.scalar("SELECT count(*) FROM golden.customer")
    assert hub.scalar("SELECT details ->> 'publication' FROM ops.audit WHERE act = 'export customers'") == "2"
    assert visitor.get("/customers/export.csv?kind=robot").status_code == 422


@pytest.mark.parametrize(
    ("value", "written"),
    [("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-2+3", "'-2+3"), ("+49 151 2", "+49 151 2"), (-3.5, "-3.5"), (["a", "b"], "a, b"), (None, "")],
)  # fmt: skip
def test_no_cell_is_a_formula(value, written):
    assert cell(value) == written


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("email", "anna@acme.example", "a***@a***.example"), ("email", "nonsense", "***"), ("email", "@x.y", "***"),
        ("phone", "+4915123456123", "+49 *** 123"), ("mobile", "0151 234 561", "*** 561"), ("phone", "110", "***"),
        ("street", "1 Harbour Road", "***"), ("birth_date", None, None), ("name", "Anna", "Anna"),
    ],
)  # fmt: skip
def test_masks(name, value, shown):
    assert masking.masked(name, value) == shown


def test_admins_make_accounts_change_and_close_them(hub, signed_in, visitor):
    boss = signed_in("admin", name="boss")
    made = boss.submit("/people", "/people", name="mia", role="lead", department="marketing", password=PASSWORD)
    assert made.headers["location"] == "/people/mia"
    assert "marketing" in boss.get("/people/mia").text
    assert visitor.sign_in("mia").status_code == 303
    assert visitor.get("/review").status_code == 200
    boss.submit("/people/mia", "/people/mia/role", role="reader")
    assert visitor.get("/review").status_code == 303, "signed out"
    visitor.sign_in("mia")
    assert visitor.get("/review").status_code == 403
    boss.submit("/people/mia", "/people/mia/end-sessions")
    assert visitor.get("/customers").status_code == 303
    boss.submit("/people/mia", "/people/mia/password", password="quite another one")
    assert [visitor.sign_in("mia").status_code, visitor.sign_in("mia", "quite another one").status_code] == [401, 303]
    boss.submit("/people/mia", "/people/mia/disable")
    assert visitor.get("/customers").status_code == 303
    assert visitor.sign_in("mia", "quite another one").status_code == 401
    boss.submit("/people/mia", "/people/mia/enable")
    assert visitor.sign_in("mia", "quite another one").status_code == 303
    acts = hub.scalar(
        "SELECT string_agg(act, ', ' ORDER BY audit_id) FROM ops.audit WHERE actor = 'boss' AND subject = 'mia'"
    )
    assert acts == "add account, change role, end sessions, change password, disable account, enable account"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "mia", "role": "reader", "password": "short"}, "12 to 200"),
        ({"name": "mia", "role": "king", "password": PASSWORD}, "no role"),
        ({"name": "mia", "role": "lead", "password": PASSWORD}, "one department or more"),
        ({"name": "mia", "role": "reader", "department": "sales", "password": PASSWORD}, "only a lead"),
        ({"name": "<b>mia", "role": "reader", "password": PASSWORD}, "name of an account"),
        ({"name": "boss", "role": "reader", "password": PASSWORD}, "exists or existed"),
        ({"name": "miamiamia", "role": "reader", "password": "miamiamia123"}, "made of the name"),
    ],
)
def test_an_account_that_cannot_be_made_says_why(signed_in, fields, said):
    boss = signed_in("admin", name="boss")
    answer = boss.submit("/people", "/people", **fields)
    assert answer.status_code == 400
    assert said in answer.text
    assert PASSWORD not in answer.text


def test_the_last_admin_stays(hub, signed_in):
    boss = signed_in("admin", name="boss")
    for act, fields in (("disable", {}), ("role", {"role": "reader"})):
        answer = boss.submit("/people/boss", f"/people/boss/{act}", **fields)
        assert (answer.status_code, "last admin" in answer.text) == (400, True)
    hub.account("admin", name="other")
    assert boss.submit("/people/boss", "/people/boss/disable").status_code == 303
    assert boss.get("/people").status_code == 303


def test_one_changes_ones_own_password_and_is_signed_out_elsewhere(hub, signed_in):
    person = signed_in("read")
    with Visitor(base_url=hub.address) as phone:
        phone.sign_in("ann")
        assert person.get("/account").text.count(">signed in ") == 2
        wrong = person.submit("/account", "/account/password", current="wrong", password="quite another one")
        assert (wrong.status_code, "not your password" in wrong.text) == (400, True)
        short = person.submit("/account", "/account/password", current=PASSWORD, password="short")
        assert (short.status_code, "12 to 200" in short.text) == (400, True)
        assert phone.get("/customers").status_code == 200
        before = person.cookies["onerecord_session"]
        person.submit("/account", "/account/password", current=PASSWORD, password="quite another one")
        assert person.cookies["onerecord_session"] != before
        assert "was changed" in person.get("/account?done=password").text
        assert phone.get("/customers").status_code == 303
        phone.sign_in("ann", "quite another one")
        person.submit("/account", "/account/end-sessions")
        assert phone.get("/customers").status_code == 303
        with Visitor(base_url=hub.address) as tablet:
            for device in (phone, tablet):
                device.sign_in("ann", "quite another one")
            (of_tablet, _) = re.findall(r'name="session_id" value="(\d+)"', person.get("/account").text)
            person.submit("/account", "/account/end-session", session_id=of_tablet)
            assert (phone.get("/customers").status_code, tablet.get("/customers").status_code) == (200, 303)
        assert person.get("/customers").status_code == 200


def test_nobody_ends_the_session_of_another(hub, signed_in):
    person, other = signed_in("read"), signed_in("read", name="bob")
    session_id = hub.scalar("SELECT session_id FROM ops.session WHERE name = 'bob'")
    person.submit("/account", "/account/end-session", session_id=str(session_id))
    assert other.get("/customers").status_code == 200


def test_the_audit_page_is_filtered_and_complete_over_its_pages(hub, signed_in, hero):
    boss = signed_in("admin", name="boss")
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO ops.audit (actor, act, subject, details, happened_at)
                   SELECT 'ann', 'look', 'customer:' || n, '{}', now() - make_interval(days => n)
                   FROM generate_series(1, 230) n"""
            )
        )
    found, page = [], "/audit?actor=ann"
    while page:
        html = boss.get(page).text
        found += re.findall(r"<code>(customer:\d+)</code>", html)
        more = re.search(r'rel="next" href="([^"]+)"', html)
        page = more[1].replace("&amp;", "&") if more else None
    assert len(found) == len(set(found)) == 230
    assert boss.get("/audit?actor=ann&days=7").text.count("<code>customer:") == 6
    assert boss.get("/audit?subject=customer:5").text.count("<code>customer:") == 1
    assert "No entry matches" in boss.get("/audit?act=dance").text
    assert boss.get("/audit?cursor=x").status_code == 400
    assert signed_in("lead").get("/audit").status_code == 403


def test_rights_are_checked_where_accounts_are_made(db):
    with db.begin() as connection:
        with pytest.raises(ConfigurationError, match="no department"):
            users.add(connection, "mia", "lead", ["kitchen"], PASSWORD, actor="test")
        users.add(connection, "mia", "lead", ["sales", "support"], PASSWORD, actor="test")
        with pytest.raises(ConflictError, match="not disabled"):
            users.enable(connection, "mia", actor="test")
