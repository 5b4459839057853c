"""The pages of trends, of who supplies and reads, and of benefit, over real HTTP; the count of what keys read."""

import datetime as dt
import re
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import text

from hub import benefit, benefit_entries, figures, silo
from hub.api.key_use import fields_of
from hub.settings import Settings
from tests.waiting import PATIENCE
from tests.webworld import NOW, Hub, Visitor, serving

COST = {
    "amount": "1200.50",
    "currency": "eur",
    "from_day": "2026-01-01",
    "until_day": "2026-12-31",
    "what_for": "Server",
}


def measure(hub: Hub, at: dt.datetime | None = None) -> None:
    moment = at or dt.datetime.now(dt.UTC)
    with hub.engine.begin() as connection:
        figures.keep(connection, moment, hub.settings.trends)
        silo.follow(connection, moment.date())
        benefit.keep(connection, moment, moment.date(), hub.settings.benefit)


def test_the_lines_have_their_numbers_beside_them(hub: Hub, signed_in):
    measure(hub)
    visitor = signed_in("read")
    page = visitor.get("/trends").text
    records = hub.scalar("SELECT count(*) FROM canonical.party WHERE department = 'sales'")
    assert f"of {records}</span>" not in page, "all departments"
    assert page.count("<svg") >= 5
    of_sales = visitor.get("/trends?department=sales&days=364").text
    assert f"of {records}</span>" in of_sales
    assert "Opportunities created and won" in of_sales
    assert "Tickets and complaints" not in of_sales
    assert visitor.get("/trends?department=nobody").status_code == 422
    assert visitor.get("/trends?days=0").status_code == 422


def test_a_restated_week_tells_what_was_shown_before(hub: Hub, signed_in):
    today = dt.datetime.now(dt.UTC)
    with hub.engine.begin() as connection:
        connection.execute(text("DELETE FROM canonical.touch"))
    measure(hub, today)
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO canonical.touch (ref, source, stream, source_id, channel, outcome, touched_at)
                   VALUES ('newsletter:events:99', 'newsletter', 'events', '99', 'email', 'sent', :at)"""
            ),
            {"at": today - dt.timedelta(days=20)},
        )
    assert "restated" not in signed_in("read").get("/trends?days=28").text
    measure(hub, today)
    page = signed_in("read", name="bob").get("/trends?department=marketing&days=28").text
    assert "restated, first 0" in page


def test_before_the_first_run_the_pages_say_so(hub: Hub, signed_in):
    visitor = signed_in("read")
    assert "Each run of the pipeline adds its day" in visitor.get("/trends").text
    assert "The first run of the pipeline fills this" in visitor.get("/trends/silo").text
    assert "The first publication sets the start" in visitor.get("/trends/benefit").text


def test_what_a_private_department_knows_is_not_on_the_pages_of_others(hub: Hub, signed_in, lead):
    measure(hub)
    private = Settings(data_dir=hub.settings.data_dir, private_departments=frozenset({"finance"}))
    with serving(hub.engine, private) as address:
        for name, departments, sees in (("fin", ["finance"], True), ("sam", ["support"], False)):
            hub.account("lead", name=name, departments=departments)
            with Visitor(base_url=address) as visitor:
                assert visitor.sign_in(name).status_code == 303
                trends, ledger = visitor.get("/trends").text, visitor.get("/trends/benefit").text
                assert ("Invoices and payments" in trends) == sees
                assert ("Lifetime value" in ledger) == sees
                assert ("Customers who stayed" in ledger) == sees
                assert ("finance does by day is for its leads" in trends) != sees
                assert ("4 figures are left out" in ledger) != sees
                assert "Hours spent on judging" in ledger


def test_no_figure_stands_alone_and_few_cases_are_told(hub: Hub, signed_in):
    measure(hub, NOW)
    page = signed_in("read").get("/trends/benefit").text
    rows = hub.scalar("SELECT count(*) FROM quality.benefit_figure")
    ledger = page.partition('id="ledger"')[2].partition("</section>")[0]
    assert ledger.count("<tr>") == rows + 1
    assert len(re.findall(r"\d cases?</span>", ledger)) == 2 * rows, "cases behind both"
    assert "too few cases" in ledger


def test_who_supplies_tells_field_source_and_freshness(hub: Hub, signed_in):
    measure(hub, NOW)
    page = signed_in("read").get("/trends/silo").text
    supplied = hub.scalar("SELECT customers FROM golden.silo_supply WHERE field = 'email' AND source = 'crm'")
    assert supplied == hub.scalar(
        """SELECT count(*) FROM golden.customer WHERE split_part(provenance -> 'email' ->> 'ref', ':', 1) = 'crm'"""
    )
    assert f'<td class="n">{supplied}</td>' in page
    assert "Nobody did, as far as the hub can know" in page


def test_what_keys_read_is_counted_by_day_and_fields_and_written_when_the_server_ends(hub: Hub):
    key = hub.key("read", name="warehouse")
    hero = hub.golden_id("crm:Contact:1")
    with serving(hub.engine, hub.settings) as address:
        headers = {"Authorization": f"Bearer {key}"}
        for path in (
            "customers",
            "customers",
            f"customers/{hero}/provenance",
            f"customers/{hero}/facts/sales",
            "changes",
        ):
            assert httpx.get(f"{address}/v1/{path}", headers=headers, timeout=PATIENCE).status_code == 200
        httpx.get(f"{address}/v1/customers/{hero}/facts/secret@mail.example", headers=headers, timeout=PATIENCE)
        httpx.get(f"{address}/v1/customers", headers={"Authorization": "Bearer or_nobody"}, timeout=PATIENCE)
    with hub.engine.connect() as connection:
        rows = connection.execute(text("SELECT fields, reads FROM ops.key_use WHERE key_name = 'warehouse'")).all()
        told = silo.read(connection, dt.datetime.now(dt.UTC).date())
    assert dict(map(tuple, rows)) == {"customer": 2, "provenance": 1, "facts of sales": 1, "changes": 1}
    assert ("key", "warehouse", "customer", 2) in [(one.kind, one.reader, one.fields, one.reads) for one in told]


@pytest.mark.parametrize(
    ("route", "fields"),
    [("/v1/webhooks/{name}", None), ("/v1/match", "search"), ("/v1/customers/{golden_id}/as-of", "customer")],
)
def test_answers_are_counted_by_what_they_hold(route, fields):
    assert fields_of(route, {}) == fields


def test_an_admin_enters_cost_and_takes_it_out_again(hub: Hub, signed_in):
    measure(hub)
    admin = signed_in("admin")
    assert admin.submit("/trends/benefit", "/trends/benefit/cost", **COST).status_code == 303
    assert "EUR 1,200.50" in admin.get("/trends/benefit").text
    number = hub.scalar("SELECT cost_id FROM ops.cost")
    assert (
        hub.scalar("SELECT actor FROM ops.audit WHERE act = 'add cost' AND subject = :of", of=f"cost:{number}") == "ann"
    )
    address = f"/trends/benefit/cost/{number}/remove"
    assert admin.submit("/trends/benefit", address).status_code == 303
    assert admin.submit("/trends/benefit", address).status_code == 404
    assert "No cost was entered yet" in admin.get("/trends/benefit").text
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'remove cost'") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0"}, {"amount": "-5"}, {"amount": "1.005"}, {"amount": "NaN"}, {"amount": "1e30"}, {"amount": "much"},
        {"currency": "EURO"}, {"currency": ""}, {"from_day": "2027-01-01"}, {"from_day": "soon"}, {"what_for": "  "},
        {"until_day": "9999-12-31"}, {"what_for": "x" * 201},
    ],
)  # fmt: skip
def test_a_cost_that_cannot_be_is_refused_with_the_reason(hub: Hub, wrong):
    with hub.engine.begin() as connection:
        said = COST | wrong
        with pytest.raises((benefit_entries.ConfigurationError, ValueError, ArithmeticError)):
            enter(connection, said)
    assert hub.scalar("SELECT count(*) FROM ops.cost") == 0


def enter(connection, said):
    benefit_entries.add_cost(
        connection,
        amount=Decimal(said["amount"]), currency=said["currency"].upper(), what_for=said["what_for"], actor="ann",
        from_day=dt.date.fromisoformat(said["from_day"]), until_day=dt.date.fromisoformat(said["until_day"]),
    )  # fmt: skip


def test_the_form_says_what_is_wrong_and_only_admins_have_it(hub: Hub, signed_in):
    admin = signed_in("admin")
    answer = admin.submit("/trends/benefit", "/trends/benefit/cost", **COST | {"amount": "much"})
    assert answer.status_code == 400
    assert "is not written as one" in answer.text
    reader = signed_in("read", name="rita")
    assert "Add cost" not in reader.get("/trends/benefit").text
    assert reader.submit("/account", "/trends/benefit/cost", **COST).status_code == 403
    assert admin.post("/trends/benefit/cost", data=COST).status_code == 403, "no token"


def test_an_answer_is_counted_without_the_name_and_asked_again_after_some_weeks(hub: Hub, signed_in):
    visitor = signed_in("read")
    assert "Does OneRecord help you" in visitor.get("/").text
    assert visitor.submit("/", "/rating", score="9").status_code == 422
    assert visitor.submit("/", "/rating", score="4").status_code == 303
    assert "Does OneRecord help you" not in visitor.get("/").text
    visitor.submit("/account", "/rating", score="1")
    today = dt.datetime.now(dt.UTC).date()
    with hub.engine.begin() as connection:
        assert connection.execute(text("SELECT role, score, answers FROM ops.user_rating")).all() == [("reader", 4, 1)]
        assert connection.execute(text("SELECT count(*) FROM ops.audit WHERE act LIKE '%rat%'")).scalar_one() == 0
        days = hub.settings.benefit.ask_days
        assert not benefit_entries.is_asked(connection, "ann", today + dt.timedelta(days=days - 1))
        assert benefit_entries.is_asked(connection, "ann", today + dt.timedelta(days=days))


def test_to_be_asked_later_counts_no_answer(hub: Hub, signed_in):
    visitor = signed_in("read")
    visitor.submit("/", "/rating", score="later")
    assert "Does OneRecord help you" not in visitor.get("/").text
    assert hub.scalar("SELECT count(*) FROM ops.user_rating") == 0


def test_answers_of_a_role_stand_beside_those_of_the_start_or_are_not_told(hub: Hub, signed_in):
    """What one role said is not told where the mean of all would then tell of a few others."""
    today = dt.datetime.now(dt.UTC).date()
    monday = today - dt.timedelta(days=today.weekday())
    visitor = signed_in("read")

    def said(role: str, score: int, answers: int, weeks_ago: int) -> None:
        with hub.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO ops.user_rating (week, role, score, answers) VALUES (:week, :role, :score, :answers)"
                ),
                {"week": monday - dt.timedelta(weeks=weeks_ago), "role": role, "score": score, "answers": answers},
            )

    def told() -> list[str]:
        page = visitor.get("/trends/benefit").text.partition('id="ratings"')[2].partition("</tbody>")[0]
        return [re.sub(r"<[^>]+>|\s+", " ", row).split() for row in page.split("<tr>")[2:]]

    with hub.engine.begin() as connection:
        benefit_entries.set_baseline(connection, today - dt.timedelta(weeks=20), today=today, actor="ann")
    said("lead", 2, 5, weeks_ago=19)
    said("lead", 4, 6, weeks_ago=0)
    said("reader", 1, 5, weeks_ago=0)
    few = ["too", "few", "answers"]
    lead = ["Lead", "2", "5", "answers", "4", "6", "answers"]
    assert told() == [lead, ["Reader", *few]], "readers said nothing at the start"
    said("admin", 3, 1, weeks_ago=19)
    assert told() == [["Admin", *few], ["Lead", *few], ["Reader", *few]], "who knows the mean of all would know the one"


def test_the_pages_need_the_right_to_read(visitor):
    for page in ("/trends", "/trends/silo", "/trends/benefit"):
        assert visitor.get(page).status_code == 303


def test_a_baseline_is_a_day_that_has_been(hub: Hub):
    today = dt.date(2026, 11, 20)
    with hub.engine.begin() as connection:
        benefit_entries.set_baseline(connection, today, today=today, actor="ann")
        assert benefit.baseline(connection).baseline_day == today
        with pytest.raises(benefit_entries.ConfigurationError, match="has been"):
            benefit_entries.set_baseline(connection, today + dt.timedelta(days=1), today=today, actor="ann")
    assert hub.scalar("SELECT details ->> 'day' FROM ops.audit WHERE act = 'set baseline'") == "2026-11-20"
