"""The dashboard, the blind review and the page of the model, over real HTTP."""

import datetime as dt
import re

import pytest
from sqlalchemy import text

from hub import figures
from hub.errors import ConflictError
from hub.identity import blind, ledger
from hub.model.kinds import Verdict
from tests.webworld import Hub

DEPARTMENTS = ["finance", "marketing", "sales", "support"]


def figure(html: str, what: str) -> str:
    """The large figure of the tile that is called `what`."""
    return re.search(rf'class="figure">([^<]*)</span><span class="what">{what}', html)[1]


def judge(hub: Hub, number: int, verdict: Verdict, author: str = "bob") -> int:
    """Bob judges the waiting pair of the customer `number` of billing and the contact of sales."""
    with hub.engine.begin() as connection:
        refs = f"crm:Contact:{number}", f"billing:customers:{number}"
        return ledger.judge(connection, *refs, verdict, author=author, reason="knows them")


def keep_figures(hub: Hub, at: dt.datetime | None = None) -> None:
    with hub.engine.begin() as connection:
        figures.keep(connection, at or dt.datetime.now(dt.UTC), hub.settings.trends)


def test_the_figures_count_records_with_a_duplicate_and_waiting_pairs_by_department(hub: Hub):
    keep_figures(hub)
    with hub.engine.connect() as connection:
        found = {(row.department, row.name): row.value for row in figures.newest(connection)}
    records = "SELECT count(*) FROM canonical.party WHERE department = :of"
    assert {name: found[name, "records"] for name in DEPARTMENTS} == {
        name: hub.scalar(records, of=name) for name in DEPARTMENTS
    }
    alone = hub.scalar(
        """SELECT count(*) FROM (SELECT golden_id FROM identity.membership WHERE until IS NULL
           GROUP BY golden_id HAVING count(*) = 1) single"""
    )
    assert found["all", "duplicates"] == found["all", "records"] - alone
    assert found["all", "waiting"] == 31
    assert found["finance", "waiting"] == 30, "the pair of sales and marketing does not concern finance"
    assert found["sales", "waiting"] == 31


def test_the_last_measure_of_a_day_counts_and_other_days_stay(hub: Hub):
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    keep_figures(hub, yesterday)
    keep_figures(hub)
    judge(hub, 3, Verdict.DIFFERENT)
    keep_figures(hub)
    with hub.engine.connect() as connection:
        rows = figures.since(connection, yesterday.date(), ["all"])
    assert [row.value for row in rows if row.name == "waiting"] == [31, 30]


def test_the_dashboard_tells_decisions_and_agreement_also_of_one_department(hub: Hub, signed_in):
    chances = {
        number: hub.scalar(
            """SELECT probability FROM identity.pair JOIN canonical.party b ON b.party_id IN (party_a, party_b)
               WHERE b.ref = :ref AND band = 'review'""",
            ref=f"billing:customers:{number}",
        )
        for number in (1, 2, 3)
    }
    for number, chance in chances.items():  # Bob says the opposite of what the model leans to, but for one
        leaned = Verdict.SAME if chance >= 0.5 else Verdict.DIFFERENT
        other = Verdict.DIFFERENT if leaned is Verdict.SAME else Verdict.SAME
        judge(hub, number, leaned if number == 1 else other)
    judge(hub, 4, Verdict.UNSURE)
    visitor = signed_in("review")
    page = visitor.get("/dashboard").text
    assert figure(page, "decided in the last 12 weeks") == "4"
    assert figure(page, "of answers went") == "33 %"
    assert "1 of 3 doubtful pairs" in page, "not sure says nothing of agreement"
    assert figure(visitor.get("/dashboard?department=finance").text, "decided in") == "4"
    assert figure(visitor.get("/dashboard?department=support").text, "decided in") == "0"
    assert visitor.get("/dashboard?department=nobody").status_code == 422


def test_the_model_learning_later_does_not_change_what_it_held(hub: Hub, signed_in):
    judgement = judge(hub, 1, Verdict.SAME)
    held = hub.scalar("SELECT probability FROM identity.judgement WHERE judgement_id = :id", id=judgement)
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE identity.pair SET probability = 0.123 WHERE band = 'review'"))
    assert held == pytest.approx(0.33)
    assert hub.scalar("SELECT probability FROM identity.judgement WHERE judgement_id = :id", id=judgement) == held


def test_a_blind_answer_measures_and_changes_no_customer(hub: Hub, signed_in):
    visitor = signed_in("review")
    assert "Draw pairs" in visitor.get("/dashboard/blind").text
    drawn = visitor.submit("/dashboard/blind", "/dashboard/blind/draw")
    page = visitor.get(drawn.headers["location"]).text
    assert "<strong>12</strong> pairs were drawn" in page
    assert "likely" not in page, "nothing of what the model holds"
    before = hub.scalar("SELECT count(*) FROM identity.to_resolve")
    answers = ["same"] * 10 + ["different", "unsure"]
    for verdict in answers:
        address = re.search(r'action="(/dashboard/blind/\d+)"', page)[1]
        answer = visitor.submit("/dashboard/blind", address, verdict=verdict)
        assert answer.status_code == 303
        page = visitor.get(answer.headers["location"]).text
    assert "You were not sure" in page
    assert hub.scalar("SELECT count(*) FROM identity.to_resolve") == before
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author_kind = 'person'") == 0
    dashboard = visitor.get("/dashboard").text
    assert re.search(r"91 %</strong> of the pairs that the model merged", dashboard), "10 of 11"
    assert "between 62 % and 98 %" in dashboard, "the interval of Wilson"
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'answer blind sample' AND actor = 'ann'") == 12


def test_a_disagreement_is_told_after_the_answer_with_the_way_to_decide(hub: Hub, signed_in):
    visitor = signed_in("review")
    visitor.submit("/dashboard/blind", "/dashboard/blind/draw")
    address = re.search(r'action="(/dashboard/blind/\d+)"', visitor.get("/dashboard/blind").text)[1]
    page = visitor.get(visitor.submit("/dashboard/blind", address, verdict="different").headers["location"]).text
    link = re.search(r'href="(/review/\d+/\d+)">look at the evidence', page)[1]
    assert visitor.get(link).status_code == 200
    assert visitor.submit("/dashboard/blind", address, verdict="same").status_code == 409, "answered once"
    other = signed_in("review", name="bob")
    number = address.rsplit("/", 1)[1]
    assert "You said" not in other.get(f"/dashboard/blind?done={number}").text, "an answer is its author's"


def test_nobody_confirms_their_own_judgement(hub: Hub, signed_in):
    for number in range(1, 5):
        judge(hub, number, Verdict.DIFFERENT, author="ann")
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE identity.pair SET band = 'review' WHERE band = 'same'"))  # nothing of the model
        assert blind.draw(connection, "ann", DEPARTMENTS) == 0
        assert blind.draw(connection, "bob", DEPARTMENTS) == 4
        assert blind.waiting(connection, "ann", DEPARTMENTS) is None
        sample = blind.waiting(connection, "bob", DEPARTMENTS)
        with pytest.raises(ConflictError, match="yourself"):
            blind.answer(connection, sample.sample_id, Verdict.SAME, author="ann")
        blind.answer(connection, sample.sample_id, Verdict.DIFFERENT, author="bob")
        assert blind.measured(connection, DEPARTMENTS)["people"].decided == 1
        assert blind.measured(connection, ["support"])["people"].decided == 0


def test_only_pairs_of_ones_departments_are_drawn(hub: Hub):
    with hub.engine.begin() as connection:
        assert blind.draw(connection, "mia", ["marketing"]) == 0
        assert blind.draw(connection, "sam", ["support"]) == 12
        assert blind.waiting(connection, "fin", ["finance"]) is None


def test_the_model_page_shows_what_was_learned_and_how_chances_come_true(hub: Hub, signed_in):
    visitor = signed_in("review")
    assert "No pair was answered yet" in visitor.get("/model").text
    for number in range(1, 8):
        judge(hub, number, Verdict.SAME)
    page = visitor.get("/model").text
    assert hub.scalar("SELECT version FROM identity.match_model WHERE kind = 'person'") in page
    assert page.count("<svg") == 2, "chances and weights"
    assert "30 to 40 %" in page
    with hub.engine.begin() as connection:
        connection.execute(text("DELETE FROM identity.match_model WHERE kind = 'organization'"))
    assert "No model of organizations yet" in visitor.get("/model?kind=organization").text
    assert visitor.get("/model?kind=robot").status_code == 422


@pytest.mark.parametrize("page", ["/dashboard", "/dashboard/blind", "/model"])
def test_the_pages_need_the_right_to_review(signed_in, page):
    assert signed_in("read").get(page).status_code == 403


@pytest.mark.parametrize("agreed", [0, 3, 40])
def test_the_interval_is_honest_for_few_answers(agreed):
    found = blind.share(agreed, 40)
    assert 0.0 <= found.low <= agreed / 40 <= found.high <= 1.0
    assert found.high - found.low > 0.05, "forty answers make nothing certain"
