"""When people's judgements start a run."""

import json
import socket
from collections.abc import Iterator

import dagster as dg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from connectors import sandbox
from hub import audit
from hub.db.locks import one_at_a_time
from hub.identity import ledger
from hub.model.kinds import Verdict
from orchestration.definitions import defs
from orchestration.defs.jobs import decisions, failed
from orchestration.pipeline import PROCESS_TAG, close_abandoned
from orchestration.resources import RUN
from tests.hubrun import exported, plain
from tests.support import add_parties

ID = {"id": "00000000-0000-0000-0000-000000000001"}


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    given = [plain(source) for source in sandbox.sources("http://127.0.0.1:9")]
    with exported({"ONERECORD_SOURCES": json.dumps(given)}):
        return defs()


@pytest.fixture
def judged(db: Engine, database_url: URL) -> Iterator[Engine]:
    """A database with three people, where the sensor looks for judgements."""
    with db.begin() as connection:
        add_parties(connection, *({"ref": f"crm:contacts:{number}"} for number in (1, 2, 3)))
    with exported({"ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False)}):
        yield db


def look(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    found = decisions(dg.build_sensor_context(cursor=cursor))
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def judge(engine: Engine, a: int, b: int, verdict: Verdict) -> int:
    with engine.begin() as connection:
        return ledger.judge(
            connection, f"crm:contacts:{a}", f"crm:contacts:{b}", verdict, author="lead", reason="phoned"
        )


def test_the_sensor_skips_while_nobody_judges(judged: Engine):
    with judged.begin() as connection:
        audit.record(connection, "lead", "create key", "lead")
    assert isinstance(look(None), dg.SkipReason)


def test_whatever_people_change_starts_a_run_and_looking_does_not(judged: Engine):
    with judged.begin() as connection:
        connection.execute(
            text("INSERT INTO identity.golden_id (golden_id, number, kind) VALUES (:id, 1, 'person')"), ID
        )
        connection.execute(text("INSERT INTO golden.to_compose VALUES (:id)"), ID)
        audit.record(connection, "lead", "say value", "crm:contacts:1")
    told = look(None)
    assert len(told.run_requests) == 1
    with judged.begin() as connection:
        connection.execute(text("DELETE FROM golden.to_compose"))
        audit.record(connection, "lead", "sign in", "lead")
    assert isinstance(look(told.cursor), dg.SkipReason)


def test_what_a_run_has_under_way_starts_no_other(judged: Engine):
    judge(judged, 1, 2, Verdict.SAME)
    with one_at_a_time(judged, RUN):
        assert isinstance(look(None), dg.SkipReason)
    assert len(look(None).run_requests) == 1


def test_each_new_judgement_and_each_undo_starts_one_run(judged: Engine):
    first = judge(judged, 1, 2, Verdict.SAME)
    steps = [look(None)]
    assert isinstance(look(steps[-1].cursor), dg.SkipReason), "a decision is carried out once"
    judge(judged, 2, 3, Verdict.DIFFERENT)
    judge(judged, 1, 3, Verdict.UNSURE)
    steps.append(look(steps[-1].cursor))
    with judged.begin() as connection:
        ledger.undo(connection, first, author="lead", reason="wrong number")
    steps.append(look(steps[-1].cursor))
    assert isinstance(look(steps[-1].cursor), dg.SkipReason)
    assert [len(step.run_requests) for step in steps] == [1, 1, 1], "several at once share a run"
    keys = [step.run_requests[0].run_key for step in steps]
    assert len(set(keys)) == 3, "Dagster drops a run whose key it knows"
    cursors = [int(step.cursor) for step in steps]
    assert cursors == sorted(set(cursors))
    assert look(None).run_requests[0].run_key == keys[-1], "a sensor that lost its cursor asks for the same run again"


def test_a_run_that_dagster_executes_is_announced_where_it_fails(judged: Engine):
    @dg.op
    def land():
        raise ValueError("Ada Lovelace cannot be read")

    @dg.job
    def main_job():
        land()

    with dg.DagsterInstance.ephemeral() as instance:
        ran = main_job.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            "failed", ran.get_run_failure_event(), instance, ran.dagster_run
        ).for_run_failure()
        failed(context)
        failed(context)
    with judged.connect() as connection:
        (told,) = connection.execute(text("SELECT kind, run_id, data FROM ops.announcement"))
    assert (told.kind, told.run_id, told.data["steps"]) == ("failed", ran.run_id, ["land"])
    assert "Ada" not in str(told.data)


def test_a_run_whose_process_was_killed_is_announced_by_the_next(judged: Engine):
    """A process id above the highest that there can be stands for one that is gone."""
    tags = {PROCESS_TAG: f"{socket.gethostname()}:{2**22 + 1}"}
    with dg.DagsterInstance.ephemeral() as instance:
        killed = instance.create_run_for_job(
            dg.JobDefinition(name="main_job", graph_def=dg.GraphDefinition("empty")),
            status=dg.DagsterRunStatus.STARTED,
            tags=tags,
        )
        close_abandoned(judged, instance)
        close_abandoned(judged, instance)
        assert instance.get_run_by_id(killed.run_id).status is dg.DagsterRunStatus.FAILURE
    with judged.connect() as connection:
        (told,) = connection.execute(text("SELECT kind, run_id, data FROM ops.announcement"))
    assert (told.kind, told.run_id, told.data["steps"]) == ("failed", killed.run_id, [])


def test_the_sensors_are_on(loaded: dg.Definitions):
    assert {sensor.name: [target.job_name for target in sensor.targets] for sensor in loaded.sensors} == {
        "decisions": ["decisions_job"],
        "failed": [],
        "waived": ["release_job"],
    }
    assert {sensor.default_status for sensor in loaded.sensors} == {dg.DefaultSensorStatus.RUNNING}
