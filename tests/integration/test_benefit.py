"""The benefit ledger against worlds counted by hand, with a fixed clock."""

import datetime as dt
from decimal import Decimal

import pytest

from hub import benefit
from hub.db.tables import canonical
from hub.sections.trends import BenefitSettings
from tests.integration.golden_world import NOW, World, day

FEW = BenefitSettings(window_days=90, least_cases=1)
LIVE = -100  # days before NOW


@pytest.fixture
def world(db) -> World:
    made = World(db)
    made.execute("INSERT INTO quality.baseline (id, day) VALUES (1, :day)", day=day(LIVE).date())
    return made


def company(world: World, number: int, *sources: str) -> None:
    refs = [world.party(f"{source}:Account:{number}") for source in ("bank", *sources)]
    world.customer(number, refs)


def pay(world: World, number: int, days: float, amount: str = "100.00", **values) -> None:
    serial = world.rows("SELECT count(*) AS many FROM canonical.payment")[0]["many"]
    said = {"status": "succeeded", "currency": "EUR", "amount": amount, "refunded": "0.00", "paid_at": day(days)}
    world.fact(canonical.Payment, f"bank:charges:{serial}", f"bank:Account:{number}", **said | values)


def touch(world: World, ref: str, days: float, **values) -> None:
    serial = world.rows("SELECT count(*) AS many FROM canonical.touch")[0]["many"]
    said = {"channel": "email", "campaign": "Spring", "outcome": "sent", "touched_at": day(days)}
    world.fact(canonical.Touch, f"mail:events:{serial}", ref, **said | values)


def measured(world: World, name: str, settings: BenefitSettings = FEW, currency: str = "", at: dt.datetime = NOW):
    """baseline and its cases, now and its cases, as the published view tells them."""
    with world.engine.begin() as connection:
        assert benefit.keep(connection, at, at.date(), settings)
    row = world.rows(
        f"SELECT * FROM golden.benefit_{name} WHERE day = :day AND currency = :currency",
        day=at.date(), currency=currency,
    )[0]  # fmt: skip
    assert row["says"] == ("compared" if None not in (row["now"], row["baseline"]) else "too few cases")
    assert row["change"] == (row["now"] - row["baseline"] if row["says"] == "compared" else None)
    return row["baseline"], row["baseline_cases"], row["now"], row["now_cases"]


def test_prospect_to_payment_counts_from_the_first_touch_or_deal_in_any_department(world: World):
    for number in range(1, 5):
        company(world, number, "crm", "mail")
    touch(world, "mail:Account:1", -150)
    world.opportunity("crm:Opportunity:1", "crm:Account:1", source_created_at=day(-140))
    pay(world, 1, -120)
    pay(world, 1, -10)  # not its first
    world.opportunity("crm:Opportunity:2", None, contact_ref="crm:Account:2", source_created_at=day(-20))
    pay(world, 2, -12)
    touch(world, "mail:Account:3", -5)
    pay(world, 3, -8)  # paid before anybody knew it
    touch(world, "mail:Account:4", -20)
    pay(world, 4, -10, refunded="100.00", status="refunded")
    assert measured(world, "prospect_to_payment") == (30, 1, 8, 1)


def test_windows_end_where_the_baseline_day_begins_and_where_today_ends(world: World):
    company(world, 1)
    begins = dt.datetime.combine(day(LIVE).date(), dt.time(), dt.UTC)
    tomorrow = dt.datetime.combine(day(1).date(), dt.time(), dt.UTC)
    moment = dt.timedelta(microseconds=1)
    for number, at in enumerate([begins - moment, begins, tomorrow - moment, tomorrow]):
        pay(world, 1, 0, str(10**number), paid_at=at)
    pay(world, 1, 0, "5000.00", paid_at=begins - dt.timedelta(days=90))
    pay(world, 1, 0, "7000.00", paid_at=begins - dt.timedelta(days=90) - moment)
    assert measured(world, "revenue", currency="EUR") == (5001, 2, 100, 1)


def test_revenue_is_by_currency_and_less_refunds(world: World):
    company(world, 1)
    pay(world, 1, -110, "70.00")
    pay(world, 1, -10, "100.00", refunded="30.00")
    pay(world, 1, -10, "40.00", status="failed")
    pay(world, 1, -10, "9.00", currency="USD")
    assert measured(world, "revenue", currency="EUR") == (70, 1, 70, 1)
    assert measured(world, "revenue", currency="USD") == (0, 0, 9, 1)


def test_lifetime_value_is_the_mean_of_whole_customers(world: World):
    company(world, 1)
    company(world, 2)
    world.party("bank:Account:9")
    world.customer(1, ["bank:Account:9"])
    pay(world, 1, -300, "100.00")
    pay(world, 9, -5, "50.00")
    pay(world, 2, -5, "30.00")
    assert measured(world, "lifetime_value", currency="EUR") == (100, 1, 90, 2)


def test_retention_is_of_those_who_paid_or_subscribed_a_year_before(world: World):
    def subscribe(number: int, since: float, until: float | None, status: str = "active") -> None:
        world.fact(
            canonical.Subscription, f"bank:subs:{number}", f"bank:Account:{number}", status=status,
            started_at=day(since), ended_at=None if until is None else day(until),
        )  # fmt: skip

    for number in range(1, 8):
        company(world, number)
    pay(world, 1, -370)
    pay(world, 1, -5)  # had and has
    pay(world, 2, -370)  # had
    subscribe(3, -400, None)  # had and has
    subscribe(4, -400, -30, "canceled")  # had
    pay(world, 5, -5)  # new
    subscribe(6, -400, None, "canceled")  # nobody knows until when
    pay(world, 7, -330)  # after the window of a year before
    baseline, had_then, now, had = measured(world, "retention")
    assert (now, had) == (Decimal("0.5000"), 4)
    assert had_then == 0
    assert baseline is None, "no cases are too few for a share"


def test_duplicate_touches_are_those_of_one_campaign_channel_and_day_to_several_records(world: World):
    company(world, 1, "crm", "mail")
    for ref in ("crm:Account:1", "mail:Account:1", "bank:Account:1"):
        touch(world, ref, -120)
        touch(world, ref, -120, outcome="opened")  # the same contact
    touch(world, "crm:Account:1", -10)
    touch(world, "mail:Account:1", -9)  # another day
    touch(world, "mail:Account:1", -10, channel="sms")
    touch(world, "mail:Account:1", -10, campaign="Autumn")
    touch(world, "mail:Account:1", -10, outcome="bounced")
    touch(world, "mail:Account:1", -10, campaign=None)
    assert measured(world, "duplicate_touches") == (Decimal("0.6667"), 3, 0, 4)
    assert measured(world, "touches_avoided") == (0, 3, 2, 4), "two thirds of four, rounded down"


def test_more_duplicates_than_at_the_start_avoid_nothing(world: World):
    company(world, 1, "crm", "mail")
    touch(world, "crm:Account:1", -120)
    for ref in ("crm:Account:1", "mail:Account:1"):
        touch(world, ref, -10)
    assert measured(world, "touches_avoided") == (0, 1, 0, 2)


def test_steward_hours_count_the_time_between_judgements_up_to_the_gap(world: World):
    refs = [world.party(f"crm:Account:{number}") for number in range(8)]
    world.customer(1, refs)
    base = day(-2)

    def judge(a: int, b: int, at: dt.datetime, author: str = "ann") -> None:
        world.execute(
            """INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason, made_at)
               SELECT min(party_id), max(party_id), 'same', 'person', :author, 'known', :at FROM canonical.party
               WHERE ref IN (:a, :b)""",
            a=refs[a], b=refs[b], at=at, author=author,
        )  # fmt: skip

    judge(0, 1, base)  # the first of a session: the gap
    judge(0, 2, base + dt.timedelta(seconds=60))
    judge(0, 3, base + dt.timedelta(seconds=60))  # of one bulk act
    judge(0, 4, base + dt.timedelta(seconds=60 + 299))
    judge(0, 5, base + dt.timedelta(hours=4))  # after a break: the gap
    judge(0, 6, base + dt.timedelta(seconds=30), author="bob")
    judge(0, 7, day(LIVE))
    settings = BenefitSettings(session_gap_minutes=5)
    expected = Decimal(300 + 60 + 0 + 299 + 300 + 300) / 3600
    baseline, first, now, many = measured(world, "steward_hours", settings)
    assert (first, many) == (1, 6)
    assert now == round(expected, 4)
    assert baseline == round(Decimal(300) / 3600, 4), "the first days with the hub: before, nobody judged"


def test_cost_counts_the_days_that_lie_in_the_window(world: World):
    def cost(amount: int, since: float, until: float, **values) -> None:
        world.execute(
            """INSERT INTO ops.cost (amount, currency, from_day, until_day, what_for, entered_by, removed_at)
               VALUES (:amount, :currency, :since, :until, 'licence', 'ann', :removed)""",
            amount=amount, since=day(since).date(), until=day(until).date(),
            **{"currency": "EUR", "removed": None} | values,
        )  # fmt: skip

    cost(100, -9, 90)  # ten of a hundred days
    cost(50, -3, -3)
    cost(7, -3, -3, currency="USD")
    cost(900, -3, -3, removed=NOW)
    cost(40, LIVE - 1, LIVE)  # the day before the start, and the start
    assert measured(world, "cost", currency="EUR") == (20, 1, 60, 2)
    assert measured(world, "cost", currency="USD") == (0, 0, 7, 1)


@pytest.mark.parametrize(("answers", "shown"), [(4, False), (5, True)])
def test_a_rating_is_told_from_the_least_number_of_answers_on(world: World, answers: int, shown: bool):
    monday = NOW.date() - dt.timedelta(days=NOW.weekday())
    for score, many in ((5, answers - 1), (3, 1)):
        world.execute(
            "INSERT INTO ops.user_rating (week, role, score, answers) VALUES (:week, 'lead', :score, :many)",
            week=monday, score=score, many=many,
        )  # fmt: skip
    baseline, _, now, many = measured(world, "user_rating")
    assert many == answers
    assert (now, baseline) == (Decimal("4.6000") if shown else None, None)


@pytest.mark.parametrize(("least", "shown"), [(2, True), (3, False)])
def test_too_few_cases_are_told_instead_of_a_number(world: World, least: int, shown: bool):
    for number in (1, 2):
        company(world, number)
        pay(world, number, -5)
    settings = BenefitSettings(least_cases=least)
    assert measured(world, "lifetime_value", settings, currency="EUR")[2:] == (100 if shown else None, 2)


def test_every_figure_has_its_start_value_beside_it_also_where_nothing_is_known(world: World):
    for name in benefit.NAMES:
        found = measured(world, name, BenefitSettings())
        assert len(found) == 4
        assert found[1] == found[3] == 0
        columns = {
            row["column_name"]
            for row in world.rows(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'golden' AND table_name = :view",
                view=f"benefit_{name}",
            )
        }
        assert columns >= {"baseline_day", "baseline", "baseline_cases", "now", "now_cases", "change", "says"}


def test_without_a_publication_or_a_day_set_nothing_is_compared(db):
    with db.begin() as connection:
        assert not benefit.keep(connection, NOW, NOW.date(), FEW)


def test_measuring_the_same_day_again_gives_way_and_other_days_stay(world: World):
    company(world, 1)
    pay(world, 1, -5)
    assert measured(world, "revenue", currency="EUR")[2] == 100
    pay(world, 1, -4)
    assert measured(world, "revenue", currency="EUR")[2] == 200
    measured(world, "revenue", currency="EUR", at=day(1))
    assert world.rows("SELECT count(*) AS many FROM golden.benefit_revenue")[0]["many"] == 2


def test_readers_of_the_golden_record_may_read_the_ledgers(world: World):
    views = [*(f"golden.benefit_{name}" for name in benefit.NAMES), "golden.silo_supply", "golden.silo_read"]
    for view in views:
        row = world.rows(
            "SELECT has_table_privilege('onerecord_reader', :view, 'SELECT') AS may, obj_description(to_regclass(:view)) AS says",
            view=view,
        )[0]  # fmt: skip
        assert row["may"], view
        assert row["says"], view
