"""Working days, rules that mute themselves, figures of teams, and who owns which deals."""

import datetime as dt
import re

import pytest
from sqlalchemy import text

from hub import figures
from hub.coach import muting, owners, workdays
from hub.coach.settings import CoachSettings
from hub.errors import ConfigurationError, ConflictError, NotFoundError
from tests.integration.coach_world import (
    COACH,
    SHARED,
    at,
    flag,
    published,
    run,
    say,
    sven,
)
from tests.webworld import NOW

__all__ = ["at", "flag", "sven"]


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


COUNTING = ("/", "/flags/rules", "/flags/team", "/trends?department=sales&days=28", "/checks")


def counted(visitor) -> list[str]:
    """The pages that count flags, without the tokens of their forms."""
    return [re.sub(r'name="csrf" value="\w+"', "", visitor.get(page).text) for page in COUNTING]


def test_no_number_tells_others_of_a_private_flag_or_of_an_answer_to_it(hub, at, sven, signed_in):
    """Also where the team is so small that one more tells whose it is."""

    def night(moment: dt.datetime) -> None:
        at(moment)
        run(hub, moment)
        with hub.engine.begin() as connection:
            figures.keep(connection, moment, hub.settings.trends)

    hub.settings.coach = CoachSettings(team_minimum=2)
    lead = signed_in("lead", name="lea", departments=["sales"])
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE canonical.opportunity SET owner_id = 'U2' WHERE ref = 'crm:Opportunity:0'"))
        connection.execute(
            text("DELETE FROM quality.flag WHERE (opportunity_ref, rule) = ('crm:Opportunity:1', 'no_progress')")
        )
    night(SHARED)
    before = counted(lead)
    assert "1 of 2</span>" in before[3], "of two open deals one is stale"
    with hub.engine.begin() as connection:
        raised = connection.execute(
            text(
                """INSERT INTO quality.flag (opportunity_ref, rule, severity, evidence, first_seen, last_seen, raised_at,
                                             shared_from)
                   VALUES ('crm:Opportunity:1', 'inactive', 'warning', '{}', :at, :at, :at, '2026-12-02')
                   RETURNING flag_id"""
            ),
            {"at": SHARED},
        ).scalar_one()
    night(SHARED)
    say(sven, raised, "fixed")
    assert counted(lead) == before
    night(dt.datetime(2026, 12, 2, tzinfo=dt.UTC))
    _, rules, team, trends, _ = counted(lead)
    assert "Inactive" in rules
    assert "Inactive" in team
    assert "2 of 2</span>" in trends


def test_the_stale_share_is_drawn_from_so_many_owners_on(hub, at, signed_in):
    """As the figures of teams are."""
    visitor = signed_in("read")
    assert "Drawn from 5 owners of open deals on" in visitor.get("/trends").text
    assert "Stale share" not in visitor.get("/trends?department=support").text


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
