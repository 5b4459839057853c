"""What Dagster shows of a run: how many rows each step saw, and nothing about any person."""

import re
from collections.abc import Iterable

import dagster as dg
import pytest
from dagster._core.errors import DagsterAssetCheckFailedError
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.identity import ledger
from hub.model.kinds import Verdict
from orchestration.definitions import defs
from quality_checks import suites
from tests.hubrun import exported
from tests.orchestration.conftest import Ran
from tests.support import customers as customers_by_ref

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def shown(ran: Ran) -> str:
    """All that Dagster stored of the run: log messages, metadata of materializations, results of checks, errors."""
    return "\n".join(dg.serialize_value(entry) for entry in ran.instance.all_logs(ran.outcome.run_id))


def numbers(ran: Ran, asset: str) -> dict[str, object]:
    """The metadata of what the run materialized under this key."""
    entries = ran.instance.all_logs(ran.outcome.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    events = [entry.asset_materialization for entry in entries]
    (event,) = [event for event in events if event.asset_key.to_user_string() == asset]
    return {name: value.value for name, value in event.metadata.items()}


def scalar(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def test_materializations_tell_how_many_rows_they_saw(ran: Ran):
    for source in ("salesforce", "hubspot", "zendesk", "stripe"):
        landed = numbers(ran, f"landing/{source}")
        living = f"SELECT count(*) FROM landing.source_record WHERE source = '{source}' AND deleted_at IS NULL"
        assert landed["inserted"] == scalar(ran.engine, living) > 0
        assert "| stream |" in str(landed["streams"])
    parties = scalar(ran.engine, "SELECT count(*) FROM canonical.party")
    customers = scalar(ran.engine, "SELECT customers FROM golden.publication WHERE number = 1")
    assert numbers(ran, "canonical/party")["dagster/row_count"] == parties
    assert numbers(ran, "identity/person_pairs")["parties"] == numbers(ran, "canonical/party")["persons"]
    assert numbers(ran, "golden/publication")["dagster/row_count"] == customers > 0
    assert numbers(ran, "golden/publication")["created"] == customers


def test_trends_and_benefit_are_told_in_numbers_from_the_first_run_on(ran: Ran):
    state, benefit = numbers(ran, "quality/daily_figure"), numbers(ran, "quality/benefit_figure")
    assert state["records"] == scalar(
        ran.engine,
        """SELECT count(*) FROM canonical.party JOIN identity.membership m USING (party_id)
           WHERE m.until IS NULL AND deleted_at IS NULL""",
    )
    assert 0.5 < state["complete_share"] <= 1
    assert state["restated_figures"] == 0, "the history that a first run finds is not late"
    assert scalar(ran.engine, "SELECT count(DISTINCT day) FROM quality.daily_figure WHERE name = 'payments'") > 10
    for name in [name for name in benefit if name.endswith("_now")]:
        assert name.replace("_now", "_baseline") in benefit, "never a lone figure"
    assert benefit["values_looked_at"] > 0
    assert any(name.startswith("revenue_") for name in benefit)
    assert all(isinstance(value, int | float) for told in (state, benefit) for value in told.values())


def test_every_check_left_its_verdict_in_dagster(ran: Ran):
    entries = ran.instance.all_logs(ran.outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [entry.dagster_event.asset_check_evaluation_data for entry in entries]
    assert {check.check_name for check in found} == {check.name for check in suites.CHECKS}
    with ran.engine.connect() as connection:
        stored = connection.execute(
            text("SELECT name, passed FROM quality.check_result WHERE run_id = :run"), {"run": ran.outcome.run_id}
        )
        assert {check.check_name: check.passed for check in found} == {row.name: row.passed for row in stored}


def test_nothing_that_dagster_shows_or_the_process_logs_is_about_a_person(ran: Ran):
    assert ran.outcome.status == "succeeded", ran.outcome.errors
    told = "\n".join([shown(ran), ran.printed, str(ran.outcome.summary)])
    assert "land salesforce" in told
    assert "dagster/row_count" in told
    assert "checked" in told
    assert not ADDRESS.findall(told)
    assert not occurring(names(ran.engine), told)
    assert not occurring(phones(ran.engine), told)


def test_the_search_for_persons_would_find_one(ran: Ran):
    person = min(names(ran.engine))
    assert occurring(names(ran.engine), f"compose {person}: 1 of 2") == [person]
    assert len(names(ran.engine)) > 50
    assert len(phones(ran.engine)) > 50


def test_the_error_of_a_statement_does_not_tell_what_it_was_given(ran: Ran):
    with ran.engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(text("SELECT 1 / 0 WHERE :name <> ''"), {"name": "Ada Lovelace"})
    assert "Ada" not in str(raised.value)


def names(engine: Engine) -> set[str]:
    """Every person's name and every organization's, as any department writes it."""
    with engine.connect() as connection:
        return set(
            connection.execute(text("SELECT DISTINCT name FROM canonical.party WHERE name LIKE '% %'")).scalars()
        )


def phones(engine: Engine) -> set[str]:
    query = "SELECT unnest(ARRAY[phone, mobile]) FROM canonical.party"
    with engine.connect() as connection:
        return {phone for phone in connection.execute(text(query)).scalars() if phone and len(phone) > 6}


def occurring(words: Iterable[str], told: str) -> list[str]:
    return [word for word in words if word.casefold() in told.casefold()]


def decide(ran: Ran) -> dg.ExecuteInProcessResult:
    """decisions_job as the sensor would start it, with the hub that the environment names."""
    with exported(ran.variables):
        job = defs().resolve_job_def("decisions_job")
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        return job.execute_in_process(instance=ran.instance, run_config=quiet)


def doubtful(engine: Engine) -> tuple[str, str]:
    """Refs of a pair of persons that waits for somebody to decide, and that are two customers now."""
    with engine.connect() as connection:
        row = connection.execute(
            text(
                """SELECT a.ref AS a, b.ref AS b FROM identity.pair
                   JOIN canonical.party a ON a.party_id = party_a JOIN canonical.party b ON b.party_id = party_b
                   JOIN golden.crosswalk ca ON ca.ref = a.ref AND ca.until IS NULL
                   JOIN golden.crosswalk cb ON cb.ref = b.ref AND cb.until IS NULL
                   WHERE band = 'review' AND a.kind = 'person' AND ca.golden_id <> cb.golden_id ORDER BY probability DESC LIMIT 1"""
            )
        ).one()
    return row.a, row.b


def published(engine: Engine, ref: str) -> str:
    with engine.connect() as connection:
        query = text("SELECT golden_id::text FROM golden.customer WHERE :ref = ANY(members)")
        return connection.execute(query, {"ref": ref}).scalar_one()


@pytest.mark.parametrize(
    ("verdict", "together"), [(Verdict.SAME, True), (Verdict.DIFFERENT, False)], ids=["same", "then different"]
)
def test_a_persons_decision_reaches_the_golden_record_without_asking_the_sources(ran: Ran, verdict, together, pair):
    a, b = pair
    syncs, publication = (scalar(ran.engine, query) for query in (SYNCS, NEWEST))
    with ran.engine.begin() as connection:
        ledger.judge(connection, a, b, verdict, author="lead", reason="phoned both")
    result = decide(ran)
    assert result.success
    assert (published(ran.engine, a) == published(ran.engine, b)) is together
    assert scalar(ran.engine, NEWEST) == publication + 1
    assert scalar(ran.engine, SYNCS) == syncs
    with ran.engine.connect() as connection:
        query = text("SELECT count(*) FROM quality.check_result WHERE run_id = :run")
        assert connection.execute(query, {"run": result.run_id}).scalar_one() == len(suites.CHECKS)
    assert customers_by_ref(ran.engine)[a] == published(ran.engine, a), "the crosswalk says the same"


SYNCS, NEWEST = "SELECT count(*) FROM landing.sync_run", "SELECT max(number) FROM golden.publication"


@pytest.fixture(scope="module")
def pair(ran: Ran) -> tuple[str, str]:
    return doubtful(ran.engine)


def test_decisions_are_not_published_around_a_source_that_could_not_be_read(ran: Ran):
    before = scalar(ran.engine, NEWEST)
    sync = """INSERT INTO landing.sync_run (run_id, source, stream, finished_at, error)
              VALUES ('other', 'stripe', 'customers', now(), :e)"""
    with ran.engine.begin() as connection:
        connection.execute(text(sync), {"e": "stripe/customers: 500"})
        ledger.judge(connection, *doubtful(ran.engine), Verdict.SAME, author="lead", reason="phoned")
    with pytest.raises(DagsterAssetCheckFailedError, match="synced_without_error"):
        decide(ran)
    assert scalar(ran.engine, NEWEST) == before
    with ran.engine.begin() as connection:
        connection.execute(text(sync), {"e": None})
    assert decide(ran).success
    assert scalar(ran.engine, NEWEST) == before + 1
