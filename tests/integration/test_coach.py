"""Flags are their owner's first: who sees which when, what answers do, what is published, and rules that mute themselves.

The world's flags were raised on Friday 20 November 2026 at 9:30 UTC, so managers see them from Thursday 26 November on.
"""

import datetime as dt
import re

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from hub.coach import answers, muting, owners, workdays
from hub.coach.following import follow
from hub.errors import ConfigurationError, ConflictError, NotAllowedError, NotFoundError
from hub.golden.export import export
from hub.golden.publish import publish
from hub.settings import CoachSettings
from tests.pages import ADMIN
from tests.webworld import NOW, token

COACH = CoachSettings()
LAST_SECOND = dt.datetime(2026, 11, 25, 23, 59, 59, tzinfo=dt.UTC)
SHARED = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
PAST_CLOSE = "SELECT flag_id FROM quality.flag WHERE rule = 'past_close_date'"


@pytest.fixture
def at(hub, tmp_path):
    """Sets the clock of the hub; it begins when the flags were raised."""
    hub.settings.clock_file = tmp_path / "clock"

    def set_to(moment: dt.datetime) -> None:
        hub.settings.clock_file.write_text(moment.isoformat())

    set_to(NOW + dt.timedelta(minutes=1))
    return set_to


@pytest.fixture
def flag(hub) -> int:
    return int(hub.scalar(PAST_CLOSE))


@pytest.fixture
def sven(hub, at, signed_in):
    """The owner of all deals, signed in; a reader otherwise."""
    visitor = signed_in("read", name="sven.holm")
    with hub.engine.begin() as connection:
        owners.own(connection, "sven.holm", "crm", "U1", actor="test")
    return visitor


def run(hub, as_of: dt.datetime, *, released: bool = True) -> None:
    """What a run does to flags; what rules find stays as it is."""
    with hub.engine.begin() as connection:
        follow(connection, hub.settings.coach, as_of)
    if released:
        publish(hub.engine, run_id=f"run-{as_of:%d}", as_of=as_of)


def say(visitor, flag: int, answer: str, **fields: str):
    html = visitor.get(f"/flags/{flag}").text
    fingerprint = re.search(r'name="fingerprint" value="(\w+)"', html)[1]
    return visitor.post(
        f"/flags/{flag}", data={"csrf": token(html), "fingerprint": fingerprint, "answer": answer, **fields}
    )


def published(hub) -> dict[str, list[str]]:
    with hub.engine.connect() as connection:
        rows = connection.execute(text("SELECT ref, flags FROM golden.opportunity WHERE cardinality(flags) > 0"))
        return {row.ref: row.flags for row in rows}


def of_wrong(connection, rule: str, wrong: int, answered: int, as_of: dt.datetime = NOW) -> None:
    """So many deals with an answered flag of a rule."""
    values = {"rule": rule, "wrong": wrong, "answered": answered, "as_of": as_of}
    connection.execute(
        text(
            """WITH flag AS (
                   INSERT INTO quality.flag (opportunity_ref, rule, severity, evidence, first_seen, last_seen, raised_at,
                                             shared_from)
                   SELECT 'crm:Opportunity:made-' || n, :rule, 'warning', '{}', :as_of, :as_of, :as_of, '2026-12-01'
                   FROM generate_series(1, :answered) n RETURNING flag_id)
               INSERT INTO quality.flag_answer (flag_id, rule, raised_at, evidence, answer, reason, author, as_of)
               SELECT flag_id, :rule, :as_of, '{}', CASE WHEN row_number() OVER () <= :wrong THEN 'wrong' ELSE 'fixed' END,
                      'said so', 'sven.holm', :as_of FROM flag"""
        ),
        values,
    )


@pytest.mark.parametrize(
    ("raised", "shared", "given"),
    [
        ("2026-11-20", "2026-11-26", {}),  # a Friday: Monday, Tuesday and Wednesday are private
        ("2026-11-21", "2026-11-26", {}),
        ("2026-11-23", "2026-11-27", {}),
        ("2026-11-24", "2026-11-28", {}),  # what is private on a Friday is shared on Saturday, to whoever looks
        ("2026-11-20", "2026-11-24", {"private_days": 1}),
        ("2026-12-23", "2026-12-30", {"country": "DE"}),  # Christmas Day is a Friday
        ("2026-12-23", "2026-12-29", {}),
        ("2026-11-20", "2026-11-27", {"days_off": [dt.date(2026, 11, 24)]}),
    ],
)
def test_a_window_has_so_many_whole_working_days(raised, shared, given):
    found = workdays.shared_from(dt.date.fromisoformat(raised), CoachSettings(**given))
    assert found.isoformat() == shared


def test_a_country_without_known_holidays_is_a_wrong_setting():
    with pytest.raises(ConfigurationError, match=r"coach\.country"):
        workdays.calendar(CoachSettings(country="XX"))


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
    assert [others[0].get("/flags/99999").status_code, others[3].get("/flags/99999").status_code] == [404, 403]
    assert api("admin", "/flags/99999").status_code == 404


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


def raise_on_others(hub) -> tuple[int, int]:
    """A flag on a customer, of whom finance knows more than sales, and one on sales as a whole."""
    with hub.engine.begin() as connection:
        return tuple(
            connection.execute(
                text(
                    """INSERT INTO quality.flag (golden_id, department, rule, severity, evidence, first_seen, last_seen,
                           raised_at, shared_from)
                       SELECT golden_id, department, rule, 'warning', evidence, :now, :now, :now, CAST(:now AS date)
                       FROM (VALUES ((SELECT min(golden_id::text)::uuid FROM golden.customer), NULL, 'hidden_sale',
                                     CAST('{"records": ["billing:invoices:R-1"]}' AS jsonb)),
                                    (NULL, 'sales', 'late_wins', '{}')) f (golden_id, department, rule, evidence)
                       RETURNING flag_id"""
                ),
                {"now": NOW},
            ).scalars()
        )


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


@pytest.mark.parametrize(
    ("wrong", "answered", "muted"), [(3, 10, True), (299, 1000, False), (300, 1000, True), (9, 9, False)]
)
def test_a_rule_mutes_itself_from_its_share_and_floor_on(hub, wrong, answered, muted):
    with hub.engine.begin() as connection:
        of_wrong(connection, "backdated", wrong, answered)
        assert muting.mute(connection, COACH, NOW) == (["backdated"] if muted else [])
        assert muting.mute(connection, COACH, NOW) == []
    entry = hub.scalar("SELECT reason FROM ops.audit WHERE act = 'mute rule' AND subject = 'rule:backdated'")
    assert entry == (f"{wrong} of {answered} answers said that it is wrong" if muted else None)


@pytest.mark.parametrize(("age", "muted"), [(dt.timedelta(days=90), False), (dt.timedelta(days=90, seconds=-1), True)])
def test_old_answers_do_not_mute(hub, age, muted):
    with hub.engine.begin() as connection:
        of_wrong(connection, "backdated", 10, 10, NOW - age)
        assert bool(muting.mute(connection, COACH, NOW)) == muted


def test_flags_of_a_muted_rule_are_kept_and_shown_to_nobody_until_an_admin_says_otherwise(
    hub, at, sven, signed_in, flag
):
    at(SHARED)
    run(hub, SHARED)
    hub.settings.coach = CoachSettings(mute_after=1)
    boss, lead = signed_in("admin", name="boss"), signed_in("lead", name="lea", departments=["sales"])
    say(sven, flag, "wrong", reason="signed on paper")
    run(hub, SHARED)
    assert published(hub)["crm:Opportunity:1"] == ["no_progress"]
    assert hub.scalar("SELECT count(*) FROM quality.flag WHERE rule = 'past_close_date'") == 1
    assert {one.get(f"/flags/{flag}").status_code for one in (sven, boss, lead)} == {404}
    assert "Past close date is muted" in boss.get("/flags/rules").text
    unmute = "/flags/rules/past_close_date/unmute"
    assert lead.submit("/flags/rules", unmute, reason="they are right").status_code == 403
    assert boss.submit("/flags/rules", unmute, reason=" ").status_code == 400
    assert boss.submit("/flags/rules", unmute, reason="the rule was mended").status_code == 303
    assert boss.submit("/flags/rules", unmute, reason="again").status_code == 400
    assert hub.scalar("SELECT reason FROM ops.audit WHERE act = 'unmute rule'") == "the rule was mended"
    run(hub, SHARED)
    assert hub.scalar("SELECT count(*) FROM quality.rule_mute WHERE ended_at IS NULL") == 0, "old answers do not count"
    assert lead.get(f"/flags/{flag}").status_code == 403, "nobody saw it meanwhile: it is the owner's alone again"


def test_teams_are_shown_from_a_size_on(hub, at, signed_in):
    at(SHARED)
    run(hub, SHARED)
    lead = signed_in("lead", name="lea", departments=["sales"])
    assert "Figures are shown from 5 owners" in lead.get("/flags/team").text
    hub.settings.coach = CoachSettings(team_minimum=2)
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE canonical.opportunity SET owner_id = 'U2' WHERE ref = 'crm:Opportunity:0'"))
    run(hub, SHARED)
    html = lead.get("/flags/team").text
    assert re.search(
        r"Sales</th><td class=\"n\">2</td><td class=\"n\">2</td><td class=\"n\">2</td><td class=\"n\">1<", html
    )
    assert signed_in("read", name="rita").get("/flags/team").status_code == 403
    hub.settings.coach = CoachSettings(team_minimum=3)
    assert "Figures are shown from 3 owners" in lead.get("/flags/team").text, "before the next run, too"


def test_owners_are_said_by_admins_and_proposed_where_names_agree(hub, at, signed_in):
    boss = signed_in("admin", name="boss")
    hub.account("read", name="sven.holm")
    assert "Sven Holm" in boss.get("/people/sven.holm").text
    own = {"source": "crm", "owner_id": "U1"}
    assert boss.submit("/people/sven.holm", "/people/sven.holm/own", **own).status_code == 303
    assert hub.scalar("SELECT said_by FROM ops.account_owner") == "boss"
    with hub.engine.begin() as connection:
        for problem, *wrong in ((NotFoundError, "nobody", "crm", "U1"), (NotFoundError, "boss", "crm", "U9"),
                                (ConflictError, "boss", "crm", "U1")):  # fmt: skip
            with pytest.raises(problem):
                owners.own(connection, *wrong, actor="test")
    assert boss.submit("/people/sven.holm", "/people/sven.holm/disown", **own).status_code == 303
    assert hub.scalar("SELECT count(*) FROM ops.account_owner") == 0
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act IN ('say owner', 'end owner')") == 2


@pytest.mark.parametrize(
    ("called", "owner", "agree"),
    [
        ("sven.holm", "Sven Holm", True), ("s.holm@example.com", "Sven Holm", True), ("sven_hölm", "Sven Holm", True),
        ("sven", "Sven Holm", False), ("olga.holm", "Sven Holm", False), ("", "", False), ("s.h", "Sven Holm", True),
    ],
)  # fmt: skip
def test_names_agree_word_by_word(called, owner, agree):
    assert owners.agrees(called, owner) == agree


def test_an_answer_to_a_flag_that_is_gone_is_refused(hub, sven, flag):
    with hub.engine.begin() as connection, pytest.raises(NotAllowedError, match="only the owner"):
        answers.answer(connection, 99_999, "fixed", who=ADMIN, fingerprint="", coach=COACH, as_of=NOW)
