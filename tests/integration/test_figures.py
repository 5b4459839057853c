"""Figures day by day, against worlds counted by hand, with a fixed clock."""

import datetime as dt

import pytest

from hub import figures
from hub.coach import teams
from hub.db.tables import canonical
from hub.sections.trends import TrendsSettings
from tests.integration.golden_world import NOW, World, day

SETTINGS = TrendsSettings()
FULL = {
    "name": "Acme", "street": "Harbour Road 1", "city": "Bremen", "country": "DE", "website": "acme.example",
    "email": "a@acme.example",
}  # fmt: skip


@pytest.fixture
def world(db) -> World:
    return World(db)


def keep(world: World, at: dt.datetime = NOW, settings: TrendsSettings = SETTINGS) -> int:
    with world.engine.begin() as connection:
        return figures.keep(connection, at, settings)


def told(world: World, name: str, department: str, at: dt.datetime = NOW) -> tuple[int, int | None]:
    (row,) = world.rows(
        "SELECT value, cases FROM quality.daily_figure WHERE day = :day AND department = :of AND name = :name",
        day=at.date(), of=department, name=name,
    )  # fmt: skip
    return row["value"], row["cases"]


def touch(world: World, number: int, at: dt.datetime, **values) -> None:
    said = {"channel": "email", "outcome": "sent", "touched_at": at}
    world.fact(canonical.Touch, f"mail:touch:{number}", None, **said | values)


def touches(world: World) -> dict[int, tuple[int, int | None]]:
    """By days before NOW: the figure, and what was told before it was restated."""
    rows = world.rows("SELECT day, value, first_value FROM quality.daily_figure WHERE name = 'touches'")
    return {(row["day"] - NOW.date()).days: (row["value"], row["first_value"]) for row in rows}


def test_quality_scores_count_fields_forms_repeats_and_age_by_department(world: World):
    world.party("crm:Account:1", **FULL, source_updated_at=day(-364))
    world.party(
        "crm:Account:2", **FULL | {"city": "n/a", "country": None, "email": "nobody"}, source_updated_at=day(-365)
    )
    world.party("bank:customers:1", name="Acme", source_updated_at=None)
    world.party(
        "crm:Contact:3", kind="person", name="Anna", mobile="+49 151 1234567", phone="12", source_updated_at=NOW
    )
    world.party("crm:Contact:4", kind="person", name="Bea", deleted_at=NOW)
    world.customer(1, ["crm:Account:1", "crm:Account:2", "bank:customers:1"])
    world.customer(2, ["crm:Contact:3", "crm:Contact:4"], kind="person")
    keep(world)
    assert told(world, "records", "all") == (4, None), "one was deleted"
    assert told(world, "records", "sales") == (3, None)
    assert told(world, "complete", "sales") == (5 + 3 + 2, 15), "a placeholder is empty, a mobile number is a phone"
    assert told(world, "complete", "finance") == (1, 5)
    assert told(world, "valid", "sales") == (2, 4), "one address of two, one number of two"
    assert told(world, "duplicates", "all") == (3, 4)
    assert told(world, "unique", "sales") == (1, 3), "two of one department are the same customer"
    assert told(world, "unique", "finance") == (1, 1)
    assert told(world, "fresh", "sales") == (2, 3), "365 days ago is no longer fresh"
    assert told(world, "fresh", "finance") == (0, 0), "a record without a date tells nothing"


def test_only_what_changed_is_scored_anew_and_the_rest_of_its_customer(world: World):
    for number in range(4):
        world.party(f"crm:Account:{number}", **FULL)
        world.customer(number + 1, [f"crm:Account:{number}"])
    keep(world)
    assert told(world, "unique", "sales") == (4, 4)
    world.execute("UPDATE quality.party_score SET filled = 99 WHERE source = 'crm'")  # a mark on what is scored by then
    world.customer(1, ["crm:Account:1"])
    keep(world)
    marked = world.rows("SELECT count(*) AS many FROM quality.party_score WHERE filled = 99")
    assert marked[0]["many"] == 2, "the two customers that nothing happened to"
    assert told(world, "unique", "sales") == (2, 4)
    keep(world, settings=TrendsSettings(required_organization=("name", "tax_id")))
    assert told(world, "complete", "sales") == (4, 8), "other rules have all scored anew"


def test_records_deleted_since_are_gone_from_the_scores_and_their_twin_is_alone(world: World):
    for number in (1, 2):
        world.party(f"crm:Account:{number}", **FULL)
    world.customer(1, ["crm:Account:1", "crm:Account:2"])
    keep(world)
    assert told(world, "duplicates", "all") == (2, 2)
    world.party("crm:Account:2", **FULL, deleted_at=NOW)
    keep(world)
    assert told(world, "duplicates", "all") == (0, 1)


def test_the_stale_share_is_of_open_opportunities(world: World):
    for number, status in enumerate(["open", "open", "open", "won"]):
        world.opportunity(f"crm:Opportunity:{number}", None, status=status, owner_id=f"U{number % 2}")
    world.party("crm:Account:1")
    world.customer(1, ["crm:Account:1"])
    world.flag("crm:Opportunity:0", "no_progress")
    world.flag("crm:Opportunity:0", "inactive")
    world.flag("crm:Opportunity:1", "past_close_date")
    world.flag("crm:Opportunity:2", "inactive")
    world.flag("crm:Opportunity:3", "inactive")
    world.execute("UPDATE quality.flag SET public = false WHERE opportunity_ref = 'crm:Opportunity:2'")
    keep(world)
    assert world.rows("SELECT * FROM quality.daily_figure WHERE name = 'stale'") == [], "one owner is no group"
    with world.engine.begin() as connection:
        teams.keep(connection, minimum=2)
    keep(world)
    assert told(world, "stale", "sales") == (1, 3), "one more is its owner's alone"
    assert told(world, "stale", "all") == (1, 3)


def test_history_that_the_first_run_finds_is_not_late(world: World):
    touch(world, 1, day(-400))
    touch(world, 2, day(-400))
    assert keep(world) == 0
    assert touches(world) == {-400: (2, None)}


def test_a_late_fact_restates_its_own_day_alone_and_both_values_are_kept(world: World):
    for number, days in enumerate([-8, -8, -7, 0]):
        touch(world, number, day(days))
    keep(world, day(-1))
    before = world.rows("SELECT * FROM quality.daily_figure WHERE day < :day", day=day(-1).date())
    touch(world, 10, day(-7))
    assert keep(world, NOW) == 1
    assert touches(world) == {-8: (2, None), -7: (2, 1), 0: (1, None)}
    after = world.rows("SELECT * FROM quality.daily_figure WHERE day < :day", day=day(-1).date())
    assert [row for row in after if row not in before] == [
        row for row in after if (row["day"] - NOW.date()).days == -7
    ], "nothing but the touches of that day"
    touch(world, 11, day(-7))
    keep(world, day(1))
    assert touches(world)[-7] == (3, 1), "the value that was told first stays"


def test_a_day_without_a_figure_was_told_as_none(world: World):
    keep(world, day(-1))
    touch(world, 1, day(-30))
    keep(world)
    assert touches(world) == {-30: (1, 0)}


@pytest.mark.parametrize(("last_run", "late"), [(1, False), (2, True)])
def test_a_day_is_settled_by_the_first_run_more_than_settle_days_after_it(world: World, last_run: int, late: bool):
    touch(world, 1, day(0))
    keep(world, day(0))
    keep(world, day(last_run))
    touch(world, 2, day(0))
    assert keep(world, day(last_run)) == int(late)
    assert touches(world) == {0: (2, 1 if late else None)}


def test_a_fact_that_moves_to_another_day_restates_both_and_one_that_stays_restates_none(world: World):
    touch(world, 1, day(-20))
    touch(world, 2, day(-20))
    keep(world)
    touch(world, 1, day(-20), outcome="clicked")
    assert keep(world) == 0
    touch(world, 1, day(-21))
    assert keep(world) == 2
    assert touches(world) == {-20: (1, 2), -21: (1, 0)}
    touch(world, 2, day(-20), deleted_at=NOW)
    keep(world)
    assert touches(world)[-20] == (0, 2)


def test_a_day_begins_at_midnight_utc(world: World):
    midnight = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
    for number, moment in enumerate([midnight, midnight - dt.timedelta(microseconds=1)]):
        touch(world, number, moment)
    touch(world, 3, dt.datetime(2026, 5, 20, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))))
    keep(world)
    assert touches(world) == {-12: (1, None), -13: (2, None)}


def test_only_what_happened_is_counted(world: World):
    world.party("bank:customers:1")
    world.invoice("bank:invoices:1", "bank:customers:1", "10.00")
    world.invoice("bank:invoices:2", "bank:customers:1", "10.00", status="void")
    for number, status in enumerate(["succeeded", "refunded", "failed", "pending"]):
        world.fact(
            canonical.Payment, f"bank:charges:{number}", "bank:customers:1", status=status, currency="EUR",
            amount="10.00", refunded="0.00", paid_at=day(-20),
        )  # fmt: skip
    world.opportunity("crm:Opportunity:1", None, status="won", closed_at=None, close_date=day(-20).date())
    world.opportunity("crm:Opportunity:2", None, status="won", closed_at=None, close_date=None)
    keep(world)
    found = {
        row["name"]: row["value"]
        for row in world.rows("SELECT name, value FROM quality.daily_figure WHERE day = :day", day=day(-20).date())
    }
    assert found == {"invoices": 1, "payments": 2, "won": 1}


def test_time_to_decision_is_the_median_of_the_last_weeks(world: World):
    refs = [world.party(f"crm:Contact:{n}", kind="person") for n in range(6)]
    world.customer(1, refs)
    world.execute(
        "INSERT INTO identity.match_model (version, kind, parameters, report) VALUES ('m', 'person', '{}', '{}')"
    )
    for number, (found, judged) in enumerate([(-3, -1), (-10, -2), (-40, -30)]):
        world.execute(
            """WITH pair AS (SELECT party_id, row_number() OVER (ORDER BY ref) AS at FROM canonical.party),
               two AS (SELECT min(party_id) AS a, max(party_id) AS b FROM pair WHERE at IN (:one, :two)),
               made AS (INSERT INTO identity.pair (party_a, party_b, kind, band, weight, probability, blocking_rule,
                                                   model_version, first_seen_at)
                        SELECT a, b, 'person', 'review', 1, 0.5, 'email', 'm', :found FROM two)
               INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason, made_at)
               SELECT a, b, 'same', 'person', 'ann', 'knows them', :judged FROM two""",
            one=2 * number + 1, two=2 * number + 2, found=day(found), judged=day(judged),
        )  # fmt: skip
    keep(world)
    assert told(world, "hours_to_decide", "sales") == (120, 2), "2 and 8 days; the third was judged 30 days ago"
    assert told(world, "hours_to_decide", "all") == (120, 2)
