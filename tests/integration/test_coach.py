"""Flags are their owner's first: who sees which when, what answers do, and what is published."""

import datetime as dt
import re

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from hub.coach import answers
from hub.errors import NotAllowedError
from hub.golden.export import export
from tests.integration.coach_world import (
    COACH,
    LAST_SECOND,
    SHARED,
    at,
    flag,
    published,
    raise_on_others,
    run,
    say,
    sven,
)
from tests.pages import ADMIN
from tests.webworld import NOW, token

__all__ = ["at", "flag", "sven"]


def test_a_flag_is_its_owners_alone_until_the_window_ends(hub, at, sven, signed_in, flag):
    address = f"/flags/{flag}"
    lead = signed_in("lead", name="lea", departments=["sales"])
    others = [signed_in("admin", name="boss"), signed_in("lead", name="mo", departments=["marketing"]),
              signed_in("engineer", name="eve"), signed_in("read", name="rita")]  # fmt: skip
    keys = {scope: hub.key(scope, name=f"key of {scope[-5:]}") for scope in ("admin", "read:sales", "read")}

    def api(scope: str, path: str = address):
        return sven.get(f"/v1{path}", headers={"Authorization": f"Bearer {keys[scope]}"})

    for moment, status, seen in ((LAST_SECOND, 403, 0), (SHARED, 200, 3)):
        at(moment)
        assert sven.get(address).status_code == 200
        assert "Harbour cranes, lot 1" in sven.get("/flags").text
        assert [lead.get(address).status_code, *(one.get(address).status_code for one in others)] == [
            status, status, 403, 403, 403,
        ]  # fmt: skip
        assert ("Harbour cranes" in lead.get("/flags/team").text) == bool(seen)
        assert [api(scope).status_code for scope in keys] == [status, status, 403]
        assert len(api("read:sales", "/flags").json()["items"]) == seen
        assert "Harbour cranes" not in others[0].get("/flags").text, "an admin's own flags are nobody else's"
    assert api("admin").json()["state"] == "waiting"


def test_who_may_not_see_a_flag_cannot_count_them_by_their_numbers_either(hub, at, signed_in, flag):
    boss, key = signed_in("admin", name="boss"), {"Authorization": f"Bearer {hub.key('admin')}"}
    for ask in (boss.get, lambda path: boss.get(f"/v1{path}", headers=key)):
        private, never = ask(f"/flags/{flag}"), ask("/flags/99999")
        assert (private.status_code, never.status_code) == (403, 403)
        assert private.text.replace(f"/{flag}", "/99999") == never.text


def test_before_the_window_ends_no_page_and_no_answer_of_the_api_tells_others_of_a_flag(hub, at, sven, signed_in, flag):
    at(LAST_SECOND)
    run(hub, LAST_SECOND)
    say(sven, flag, "wrong", reason="they signed on paper")
    hero = hub.golden_id("crm:Contact:1")
    customer = [
        f"/customers/{hero}{rest}" for rest in ("", "/facts/sales", "/facts/sales.csv", "/timeline", "/as-of?version=1")
    ]
    pages = ["/", "/flags", "/flags/team", "/flags/department", "/trends", "/dashboard", "/checks", "/audit", "/review",
             "/customers", *customer]  # fmt: skip
    people = {role: signed_in(role, name=f"{role}.other") for role in ("admin", "engineer", "lead", "reader")}
    told = {(role, page): one.get(page).text for role, one in people.items() for page in pages}
    key = {"Authorization": f"Bearer {hub.key('read', 'read:sales', 'admin')}"}
    answers_of = ["/v1/flags", f"/v1/customers/{hero}", f"/v1/customers/{hero}/facts/sales", "/v1/changes"]
    told |= {("key", path): sven.get(path, headers=key).text for path in answers_of}
    assert "Harbour cranes" in told["lead", customer[0]], "the deal itself is no secret"
    leaks = re.compile(r"past.close.date|signed on paper|no.progress", re.IGNORECASE)
    assert [where for where, text_ in told.items() if leaks.search(text_)] == []


def test_flags_on_customers_and_departments_are_the_departments_work_at_once(hub, at, sven, signed_in):
    customer, department = raise_on_others(hub)
    seen = {"lead": 200, "engineer": 200, "admin": 200, "other": 403, "reader": 403}
    people = {role: signed_in(role, name=f"{role}.x") for role in ("engineer", "admin", "reader")}
    people |= {"lead": signed_in("lead", name="lea", departments=["sales"]),
               "other": signed_in("lead", name="mo", departments=["marketing"])}  # fmt: skip
    for role, one in people.items():
        pages = ("/flags/department", "/flags/rules", f"/flags/{customer}", f"/flags/{department}")
        assert [one.get(page).status_code for page in pages] == [seen[role]] * 4, role
    assert sven.get(f"/flags/{customer}").status_code == 403, "who owns deals does not own customers"
    html = people["engineer"].get(f"/flags/{customer}").text
    assert "nobody&#39;s fault" in html or "nobody's fault" in html
    assert "Your answer" not in html
    listed = people["lead"].get("/flags/department").text
    assert set(re.findall(r'href="/flags/(\d+)"', listed)) == {str(customer), str(department)}
    listed = sven.get("/v1/flags", headers={"Authorization": f"Bearer {hub.key('read:sales')}"}).json()["items"]
    assert {item["rule"] for item in listed} == {"hidden_sale", "late_wins"}


def test_the_department_answers_for_its_customers_and_takes_it_back(hub, at, signed_in):
    customer, _ = raise_on_others(hub)
    lead, engineer = signed_in("lead", name="lea", departments=["sales"]), signed_in("engineer", name="eve")
    location = say(lead, customer, "wrong", reason="sold by the parent company").headers["location"]
    assert location.startswith("/flags/department?done=")
    assert f'"/flags/{customer}"' not in lead.get(location).text
    stolen = {"answer": "fixed", "fingerprint": "0"}
    assert engineer.submit(f"/flags/{customer}", f"/flags/{customer}", **stolen).status_code == 403
    number = location.partition("=")[2]
    assert lead.submit(f"/flags/{customer}", f"/flags/answers/{number}/undo").status_code == 303
    assert f'"/flags/{customer}"' in lead.get("/flags/department").text


def test_what_finance_keeps_to_itself_is_no_evidence_for_others(hub, at, signed_in):
    customer, _ = raise_on_others(hub)
    hub.settings.private_departments = frozenset({"finance"})
    lead, boss = signed_in("lead", name="lea", departments=["sales"]), signed_in("admin", name="boss")
    assert "invoices:R-1" not in lead.get(f"/flags/{customer}").text
    assert "invoices:R-1" in boss.get(f"/flags/{customer}").text
    key = {"Authorization": f"Bearer {hub.key('read:sales')}"}
    assert lead.get(f"/v1/flags/{customer}", headers=key).json()["evidence"] == {}


def test_who_has_an_owners_name_by_key_is_no_owner(hub, sven, flag):
    key = hub.key("read:sales", name="sven.holm")
    answer = sven.get(f"/v1/flags/{flag}", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


def test_only_the_owner_answers_and_only_by_our_form(hub, at, sven, signed_in, flag):
    at(SHARED)
    boss = signed_in("admin", name="boss")
    html = boss.get(f"/flags/{flag}").text
    assert "Your answer" not in html
    stolen = {"csrf": token(html), "answer": "fixed", "fingerprint": "0"}
    assert boss.post(f"/flags/{flag}", data=stolen).status_code == 403
    assert sven.post(f"/flags/{flag}", data={"answer": "fixed", "fingerprint": "0"}).status_code == 403
    assert hub.scalar("SELECT count(*) FROM quality.flag_answer") == 0


def test_wrong_needs_a_reason_and_holds_while_the_evidence_is_the_same(hub, at, sven, flag):
    assert say(sven, flag, "wrong", reason="  ").status_code == 400
    assert say(sven, flag, "wrong", reason="signed\x00").status_code == 400
    location = say(sven, flag, "wrong", reason="signed on paper").headers["location"]
    html = sven.get(location).text
    assert f"/flags/{flag}" not in re.sub(r"<form.*?</form>", "", html)
    assert "signed on paper" in sven.get(f"/flags/{flag}").text
    log = "SELECT details FROM ops.audit WHERE actor = 'sven.holm' AND act = 'answer flag'"
    assert hub.scalar(log) == {"answer": "wrong"}
    at(SHARED)
    run(hub, SHARED)
    assert "past_close_date" not in str(published(hub))
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE quality.flag SET evidence = '{\"days\": 8}' WHERE rule = 'past_close_date'"))
    run(hub, SHARED)
    assert "past_close_date" in published(hub)["crm:Opportunity:1"]
    assert f"/flags/{flag}" in sven.get("/flags").text


def test_evidence_that_changed_while_one_read_is_not_answered(hub, sven, flag):
    html = sven.get(f"/flags/{flag}").text
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE quality.flag SET evidence = '{}' WHERE rule = 'past_close_date'"))
    old = re.search(r'name="fingerprint" value="(\w+)"', html)[1]
    data = {"csrf": token(html), "fingerprint": old, "answer": "wrong", "reason": "signed"}
    answer = sven.post(f"/flags/{flag}", data=data)
    assert (answer.status_code, "changed while you were reading" in answer.text) == (400, True)


def test_fixed_waits_for_a_run_that_read_the_source_and_says_kindly_that_it_did_not_help(hub, sven, flag):
    location = say(sven, flag, "fixed").headers["location"]
    assert "Recorded" in sven.get(location).text
    run(hub, NOW)
    assert "waits for the next run" in sven.get("/flags?answered=true").text, "no source was read since"
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO landing.sync_run (run_id, source, stream, started_at, finished_at, error) VALUES
                   ('run-9', 'crm', 'Opportunity', now() + interval '1 s', now() + interval '2 s', :error)"""
            ),
            {"error": "it broke"},
        )
    run(hub, NOW)
    assert "waits for the next run" in sven.get("/flags?answered=true").text, "it was not read to its end"
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE landing.sync_run SET error = NULL WHERE run_id = 'run-9'"))
    run(hub, NOW)
    assert "still there" in sven.get("/flags").text
    assert "A later run still saw it" in sven.get(f"/flags/{flag}").text
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE quality.flag SET resolved_at = now() WHERE rule = 'past_close_date'"))
    run(hub, NOW)
    assert f"/flags/{flag}" not in sven.get("/flags").text + sven.get("/flags?answered=true").text


@pytest.mark.parametrize(("days", "taken"), [(0, False), (1, True), (30, True), (31, False)])
def test_one_snoozes_from_tomorrow_to_the_longest_day(hub, sven, flag, days, taken):
    until = NOW.date() + dt.timedelta(days=days)
    assert (say(sven, flag, "snooze", until=until.isoformat()).status_code == 303) == taken
    assert hub.scalar("SELECT count(*) FROM quality.flag_answer") == taken


def test_a_snoozed_flag_comes_back_on_its_day(hub, at, sven, flag):
    until = dt.date(2026, 11, 30)
    say(sven, flag, "snooze", until=until.isoformat())
    for moment, waits in ((dt.datetime(2026, 11, 29, 23, 59, 59, tzinfo=dt.UTC), False),
                          (dt.datetime(2026, 11, 30, tzinfo=dt.UTC), True)):  # fmt: skip
        at(moment)
        run(hub, moment)
        assert (f'"/flags/{flag}"' in sven.get("/flags").text) == waits
        assert ("past_close_date" in published(hub)["crm:Opportunity:1"]) == waits


def test_an_answer_is_taken_back_by_who_gave_it(hub, sven, signed_in, flag):
    number = say(sven, flag, "fixed").headers["location"].partition("=")[2]
    boss = signed_in("admin", name="boss")
    undo = f"/flags/answers/{number}/undo"
    assert boss.submit("/flags", undo).status_code == 403
    assert sven.submit("/flags", undo).headers["location"] == f"/flags/{flag}"
    assert f'"/flags/{flag}"' in sven.get("/flags").text
    assert sven.submit("/flags", undo).status_code == 409
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'undo flag answer'") == 1


def test_the_end_of_the_window_alone_publishes_a_flag(hub, at, tmp_path):
    run(hub, LAST_SECOND)
    assert published(hub) == {}
    export(hub.engine, tmp_path / "before", ("opportunity",))
    before = hub.scalar("SELECT max(number) FROM golden.publication")
    run(hub, SHARED)
    assert published(hub) == {
        "crm:Opportunity:0": ["no_progress"], "crm:Opportunity:1": ["no_progress", "past_close_date"],
    }  # fmt: skip
    assert hub.scalar("SELECT max(number) FROM golden.publication") == before + 1
    run(hub, SHARED)
    assert hub.scalar("SELECT max(number) FROM golden.publication") == before + 1, "nothing new, nothing published"
    assert pq.read_table(tmp_path / "before" / "opportunity.parquet")["flags"].to_pylist() == [[], [], []]


def test_an_answer_to_a_flag_that_is_gone_is_refused(hub, sven, flag):
    with hub.engine.begin() as connection, pytest.raises(NotAllowedError, match="only the owner"):
        answers.answer(connection, 99_999, "fixed", who=ADMIN, fingerprint="", coach=COACH, as_of=NOW)
