"""Every hygiene rule on its boundary, and the life of a flag, at a fixed moment."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update

from hub.db.tables import canonical
from hub.errors import ConfigurationError
from hub.sections.hygiene import HygieneSettings
from hub.settings import Settings
from quality_checks.flags import FlagReport, flag_opportunities
from quality_checks.rules import hygiene

AS_OF = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
TODAY = AS_OF.date()
OPPORTUNITY = canonical.Opportunity.__table__
SECOND = dt.timedelta(seconds=1)


def days(number: float) -> dt.timedelta:
    return dt.timedelta(days=number)


def seed(db: Engine, name: str = "o", **values: Any) -> str:
    """An opportunity that breaks no rule, but for `values`; returns its ref."""
    ref = f"crm:Opportunity:{name}"
    healthy = {
        "ref": ref, "source": "crm", "stream": "Opportunity", "source_id": name, "party_ref": "crm:Account:1",
        "name": "Renewal", "stage": "Proposal", "status": "open", "amount": 100, "currency": "EUR",
        "close_date": TODAY + days(20), "next_step": "Send the offer", "owner_id": "123",
        "source_created_at": AS_OF - days(5), "last_activity_at": AS_OF - days(1), "closed_at": None,
    }  # fmt: skip
    with db.begin() as connection:
        connection.execute(insert(OPPORTUNITY).values({**healthy, **values}))
    return ref


def change(
    db: Engine, ref: str, field: str, old: str, new: str, at: dt.datetime, deleted_at: dt.datetime | None = None
) -> None:
    with db.begin() as connection:
        number = connection.execute(text("SELECT count(*) FROM canonical.opportunity_change")).scalar_one()
        connection.execute(
            insert(canonical.OpportunityChange).values(
                ref=f"crm:History:{number}", source="crm", stream="History", source_id=str(number), opportunity_ref=ref,
                field=field, old_value=old, new_value=new, changed_at=at, deleted_at=deleted_at,
            )
        )  # fmt: skip


def flag(db: Engine, as_of: dt.datetime = AS_OF, **thresholds: Any) -> FlagReport:
    return flag_opportunities(db, Settings(hygiene=HygieneSettings(**thresholds)), as_of=as_of)


def flags(db: Engine) -> dict[str, Any]:
    """The open flags by rule."""
    with db.connect() as connection:
        found = connection.execute(text("SELECT * FROM quality.flag WHERE resolved_at IS NULL")).all()
    return {row.rule: row for row in found}


def broken(db: Engine, **thresholds: Any) -> set[str]:
    flag(db, **thresholds)
    return set(flags(db))


def test_an_opportunity_that_is_looked_after_has_no_flags(db: Engine) -> None:
    seed(db)
    assert flag(db) == FlagReport()


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        ({"last_activity_at": AS_OF - days(14)}, True),
        ({"last_activity_at": AS_OF - days(14) + SECOND}, False),
        ({"last_activity_at": None, "source_created_at": AS_OF - days(14)}, True),
        ({"last_activity_at": None, "source_created_at": AS_OF - days(14) + SECOND}, False),
        ({"last_activity_at": AS_OF - days(14), "status": "lost"}, False),
        ({"last_activity_at": AS_OF - days(14), "deleted_at": AS_OF}, False),
    ],
)
def test_inactive_from_14_days_without_activity(db: Engine, values: dict[str, Any], flagged: bool) -> None:
    seed(db, **values)
    assert ("inactive" in broken(db)) is flagged


@pytest.mark.parametrize(
    ("field", "changed", "flagged"),
    [
        ("stage", AS_OF - days(30), True),
        ("stage", AS_OF - days(30) + SECOND, False),
        ("amount", AS_OF - days(30) + SECOND, False),
        ("close_date", AS_OF - days(30) + SECOND, False),
    ],
)
def test_no_progress_from_30_days_after_the_last_change(
    db: Engine, field: str, changed: dt.datetime, flagged: bool
) -> None:
    ref = seed(db, source_created_at=AS_OF - days(90))
    change(db, ref, field, "a", "b", changed)
    assert ("no_progress" in broken(db)) is flagged


def test_activity_is_no_progress(db: Engine) -> None:
    ref = seed(db, source_created_at=AS_OF - days(90), last_activity_at=AS_OF, source_updated_at=AS_OF)
    change(db, ref, "stage", "a", "b", AS_OF - days(31))
    assert broken(db) == {"no_progress", "stuck_in_stage"}
    assert flags(db)["no_progress"].evidence == {
        "last_progress_at": "2026-05-30T12:00:00+00:00",
        "created_at": "2026-04-01T12:00:00+00:00",
        "limit_days": 30,
    }


@pytest.mark.parametrize(("touched", "flagged"), [(AS_OF - days(30), True), (AS_OF - days(30) + SECOND, False)])
def test_without_any_history_only_an_untouched_opportunity_is_stale(
    db: Engine, touched: dt.datetime, flagged: bool
) -> None:
    seed(db, source_created_at=AS_OF - days(90), source_updated_at=touched)
    assert ("no_progress" in broken(db)) is flagged


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        ({"close_date": TODAY - days(1)}, True),
        ({"close_date": TODAY}, False),
        ({"close_date": TODAY - days(1), "status": "won", "closed_at": AS_OF}, False),
    ],
)
def test_past_close_date_is_critical_from_the_day_after(db: Engine, values: dict[str, Any], flagged: bool) -> None:
    seed(db, **values)
    assert ("past_close_date" in broken(db)) is flagged
    assert {row.severity for row in flags(db).values()} == ({"critical"} if flagged else set())


@pytest.mark.parametrize(("pushes", "severity"), [(1, None), (2, "warning"), (3, "critical")])
def test_pushed_warns_at_two_and_is_critical_at_three(db: Engine, pushes: int, severity: str | None) -> None:
    ref = seed(db)
    for n in range(pushes):
        change(db, ref, "close_date", f"2026-0{n + 1}-28", f"2026-0{n + 2}-28", AS_OF - days(4 - n))
    broken(db)
    found = flags(db).get("pushed")
    assert (found and found.severity) == severity
    assert found is None or found.evidence["pushes"] == pushes


def test_only_moves_to_a_later_date_are_pushes(db: Engine) -> None:
    ref = seed(db)
    change(db, ref, "close_date", "2026-07-01", "2026-08-01T00:00:00Z", AS_OF - days(4))
    change(db, ref, "close_date", "2026-08-01", "2026-07-01", AS_OF - days(3))
    change(db, ref, "close_date", "soon", "2026-07-20", AS_OF - days(3))
    change(db, ref, "stage", "2026-01-01", "2026-02-01", AS_OF - days(3))
    change(db, ref, "close_date", "2026-01-01", "2026-02-01", AS_OF - days(3), deleted_at=AS_OF)
    change(db, ref, "close_date", "2026-01-01", "2026-02-01", AS_OF + SECOND)
    assert "pushed" not in broken(db)


@pytest.mark.parametrize(("close", "flagged"), [(TODAY - days(6), True), (TODAY - days(5), False)])
def test_backdated_when_it_closes_before_the_day_of_its_creation(db: Engine, close: dt.date, flagged: bool) -> None:
    seed(db, close_date=close, status="lost", closed_at=AS_OF)
    assert ("backdated" in broken(db)) is flagged


@pytest.mark.parametrize("words", ["TBD", " t.b.d. ", ".", "n/a", "N.A.", "123", "---", "?", None])
def test_a_placeholder_counts_as_empty(db: Engine, words: str | None) -> None:
    seed(db, next_step=words)
    assert broken(db, required_fields=("next_step",)) == {"required_fields", "next_step"}
    assert flags(db)["required_fields"].evidence == {"missing": ["next_step"]}


@pytest.mark.parametrize("words", ["Call Nina", "12345", "Позвонить", "x-ray demo"])
def test_what_says_something_is_no_placeholder(db: Engine, words: str) -> None:
    seed(db, next_step=words)
    assert broken(db) == set()


def test_one_flag_names_all_missing_fields(db: Engine) -> None:
    seed(db, amount=None, owner_id=None, close_date=None, party_ref=None, stage="?")
    broken(db)
    assert flags(db)["required_fields"].evidence["missing"] == [
        "amount",
        "close_date",
        "owner_id",
        "party_ref",
        "stage",
    ]


def test_only_the_configured_fields_of_open_opportunities_are_required(db: Engine) -> None:
    seed(db, "open", amount=None)
    seed(db, "won", next_step=None, status="won", closed_at=AS_OF)
    assert broken(db, required_fields=("next_step",)) == set()


def test_an_unknown_required_field_is_refused_by_name(db: Engine) -> None:
    with pytest.raises(ConfigurationError, match=r"hygiene\.required_fields: an opportunity has no budget"):
        flag(db, required_fields=("budget",))


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        ({"status": "won", "closed_at": AS_OF, "source_created_at": AS_OF.replace(hour=0)}, True),
        ({"status": "won", "closed_at": AS_OF, "source_created_at": AS_OF.replace(hour=0) - SECOND}, False),
        ({"status": "won", "closed_at": None, "close_date": TODAY, "source_created_at": AS_OF}, True),
        ({"status": "lost", "closed_at": AS_OF, "source_created_at": AS_OF}, False),
    ],
)
def test_hidden_when_created_and_won_on_one_day(db: Engine, values: dict[str, Any], flagged: bool) -> None:
    seed(db, **values)
    assert ("hidden" in broken(db)) is flagged


@pytest.mark.parametrize(
    ("rule", "values", "threshold"),
    [
        ("inactive", {"last_activity_at": AS_OF - days(3)}, {"inactive_days": 3}),
        ("no_progress", {"source_created_at": AS_OF - days(4)}, {"no_progress_days": 4}),
        (
            "past_close_date",
            {"close_date": TODAY - days(2), "source_created_at": AS_OF - days(9)},
            {"past_close_days": 2},
        ),
    ],
)
def test_thresholds_are_settings(db: Engine, rule: str, values: dict[str, Any], threshold: dict[str, int]) -> None:
    seed(db, **values)
    (name, limit), *_ = threshold.items()
    assert rule in broken(db, **threshold)
    assert rule not in broken(db, **{name: limit + 1})


def test_a_second_run_on_the_same_day_writes_nothing(db: Engine) -> None:
    seed(db, close_date=TODAY - days(1))
    first = flag(db)
    with db.connect() as connection:
        before = connection.execute(text("SELECT ctid, xmin, * FROM quality.flag")).all()
    later = flag(db, AS_OF + dt.timedelta(hours=11))
    with db.connect() as connection:
        after = connection.execute(text("SELECT ctid, xmin, * FROM quality.flag")).all()
    assert first == FlagReport(opened=1, open={"past_close_date": 1})
    assert later == FlagReport(open={"past_close_date": 1})
    assert before == after


def test_a_flag_is_opened_seen_resolved_and_reopened(db: Engine) -> None:
    ref = seed(db, close_date=TODAY - days(1))

    def set_close_date(close_date: dt.date) -> None:
        with db.begin() as connection:
            connection.execute(update(OPPORTUNITY).values(close_date=close_date))

    def judge(as_of: dt.datetime = AS_OF) -> FlagReport:
        return flag(db, as_of, fiscal_year_starts=2)  # no quarter ends these days

    judge()
    assert judge(AS_OF + days(1)) == FlagReport(open={"past_close_date": 1})
    seen = flags(db)["past_close_date"]
    assert (seen.opportunity_ref, seen.first_seen, seen.last_seen) == (ref, AS_OF, AS_OF + days(1))
    assert (seen.raised_at, seen.shared_from) == (AS_OF, dt.date(2026, 7, 4)), "private for three whole working days"

    set_close_date(TODAY + days(9))
    assert judge(AS_OF + days(2)) == FlagReport(resolved=1)
    with db.connect() as connection:
        resolved = connection.execute(text("SELECT * FROM quality.flag")).one()
    assert (resolved.resolved_at, resolved.last_seen) == (AS_OF + days(2), AS_OF + days(1))

    set_close_date(TODAY + days(2))
    assert judge(AS_OF + days(3)) == FlagReport(reopened=1, open={"past_close_date": 1})
    reopened = flags(db)["past_close_date"]
    assert (reopened.first_seen, reopened.last_seen) == (AS_OF, AS_OF + days(3))
    assert (reopened.raised_at, reopened.shared_from) == (AS_OF + days(3), dt.date(2026, 7, 9)), "private again"

    set_close_date(TODAY + days(1))
    assert judge(AS_OF + days(3)) == FlagReport(changed=1, open={"past_close_date": 1})
    assert flags(db)["past_close_date"].shared_from == dt.date(2026, 7, 9), "its window goes on"


def test_a_flag_is_public_from_the_run_on_that_finds_its_window_over(db: Engine) -> None:
    seed(db, close_date=TODAY - days(1))
    midnight = dt.datetime(2026, 7, 4, tzinfo=dt.UTC)
    for as_of, public in ((AS_OF, False), (midnight - SECOND, False), (midnight, True)):
        flag(db, as_of)
        assert flags(db)["past_close_date"].public == public
    with db.begin() as connection:
        connection.execute(update(OPPORTUNITY).values(close_date=TODAY + days(30)))
    flag(db, midnight)
    with db.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM quality.flag WHERE public")).scalar_one() == 0


def test_the_flags_of_a_deleted_opportunity_are_resolved(db: Engine) -> None:
    seed(db, close_date=TODAY - days(1))
    flag(db)
    with db.begin() as connection:
        connection.execute(update(OPPORTUNITY).values(deleted_at=AS_OF))
    assert flag(db) == FlagReport(resolved=1)


def test_rules_are_told_apart_by_name() -> None:
    names = [rule.name for rule in hygiene.RULES]
    assert sorted(names) == sorted(set(names))
