"""The main job, end to end, against simulated departments over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL

from connectors import sandbox
from hub.golden.fingerprint import fingerprint
from orchestration.evaluation import evaluate_hub
from tests.hubrun import World, environment, exported, run_here, world
from tests.waiting import PATIENCE


@pytest.fixture
def departments(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "sandbox") as given:
        yield given


def golden(engine: Engine) -> str:
    with engine.connect() as connection:
        return fingerprint(connection)


def test_everything_is_done_once_then_nothing_then_only_what_changed(departments, database_url: URL, db, tmp_path):
    first = run_here(departments, database_url, tmp_path)
    assert first.status == "succeeded", first.errors
    assert set(first.summary) == {"sources", "pairs", "golden", "flags", "publication", "changed"}
    assert set(first.summary["sources"]) == {"salesforce", "hubspot", "zendesk", "stripe"}
    assert first.summary["publication"]["number"] == 1
    assert first.summary["changed"]
    assert 0 < first.summary["golden"]["customers"] < _parties(db)
    before = golden(db)

    second = run_here(departments, database_url, tmp_path)
    assert second.status == "succeeded"
    assert not second.summary["changed"]
    assert second.summary["publication"]["number"] == 1
    assert all(s["inserted"] == s["updated"] == s["deleted"] == 0 for s in second.summary["sources"].values())
    assert all(pairs["compared"] == 0 for pairs in second.summary["pairs"].values())
    assert golden(db) == before

    sandbox.tick(departments.folder, 1)
    third = run_here(departments, database_url, tmp_path)
    assert third.status == "succeeded"
    assert third.summary["changed"]
    assert third.summary["publication"]["number"] == 2
    landed = sum(s["inserted"] + s["updated"] + s["deleted"] for s in third.summary["sources"].values())
    everything = sum(s["records"] for s in third.summary["sources"].values())
    assert 0 < landed < everything / 4
    told = third.summary["golden"]
    assert told["id_churn"] == (told["merged"] + told["split"]) / told["customers"] < 0.1
    assert 0 < sum(pairs["changed"] for pairs in third.summary["pairs"].values()) < _parties(db) / 4


def _parties(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM canonical.party")).scalar_one()


def test_a_run_puts_every_record_in_one_place_and_every_value_names_its_source(departments, database_url, db, tmp_path):
    run_here(departments, database_url, tmp_path)
    with db.connect() as connection:
        _every_landed_record_is_in_exactly_one_place(connection)
        _every_golden_value_names_its_source_record_and_rule(connection)


def _every_landed_record_is_in_exactly_one_place(connection: Connection) -> None:
    parties = connection.execute(
        text(
            """SELECT count(*) AS parties, count(m.party_id) AS members, count(DISTINCT m.party_id) AS distinct_members
               FROM canonical.party p LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL"""
        )
    ).one()
    both = connection.execute(
        text(
            """SELECT count(*) FROM landing.quarantine q JOIN canonical.party p USING (source, stream, source_id)
               WHERE q.resolved_at IS NULL"""
        )
    ).scalar_one()
    waiting = connection.execute(text("SELECT count(*) FROM landing.to_conform")).scalar_one()
    reasons = connection.execute(text("SELECT reason FROM landing.quarantine")).scalars().all()
    assert parties.parties == parties.members == parties.distinct_members
    assert both == 0
    assert waiting == 0
    assert reasons, "the world has rows that do not fit"
    assert all(reasons)


def _every_golden_value_names_its_source_record_and_rule(connection: Connection) -> None:
    rows = connection.execute(text("SELECT members, provenance, name, email FROM golden.customer")).all()
    assert rows
    for row in rows:
        assert row.provenance["name"]["ref"] in row.members
        assert row.provenance["name"]["rule"]
        if row.email:
            assert row.provenance["email"]["ref"] in row.members


FAULTS = [
    [("salesforce", "401", "credential"), ("zendesk", "truncate", ""), ("hubspot", "malformed", ""), ("stripe", "500", "")],
    [("salesforce", "limit", "REQUEST_LIMIT_EXCEEDED")],
]  # fmt: skip


def test_sources_that_fail_are_named_and_nothing_is_published(departments, database_url, db, tmp_path):
    for faults in FAULTS:
        for system, kind, _ in faults:
            fault = {"system": system, "kind": kind, "count": 1_000, "retry_after": 0}
            requests.post(f"{departments.address}/sandbox/faults", json=fault, timeout=PATIENCE).raise_for_status()
        outcome = run_here(departments, database_url, tmp_path)
        assert outcome.status == "failed", faults
        for system, _, word in faults:
            told = [error.lower() for error in outcome.errors if system in error]
            assert any(word.lower() in error for error in told), (system, outcome.errors)
        with db.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM golden.publication")).scalar_one() == 0, faults
            announced = connection.execute(
                text("SELECT kind, data FROM ops.announcement ORDER BY sequence DESC LIMIT 1")
            )
            kind, data = announced.one()
        assert (kind, data["published"]) == ("failed", False), faults
        assert all(any(system in step for step in data["steps"]) for system, _, _ in faults), data
        requests.delete(f"{departments.address}/sandbox/faults", timeout=PATIENCE).raise_for_status()
    assert run_here(departments, database_url, tmp_path).summary["publication"]["number"] == 1


def test_the_merge_holds_against_the_truth_at_the_default_size(database_url, tmp_path):
    with world(tmp_path / "sandbox", size=5_000, seed=7) as departments:
        assert run_here(departments, database_url, tmp_path).status == "succeeded"
        with exported(environment(departments, database_url, tmp_path)):
            from hub.settings import load

            found = evaluate_hub(load())
    for kind, measures in found.items():
        assert measures["same_precision"] >= 0.99, (kind, measures)
        assert measures["same_or_review_recall"] >= 0.95, (kind, measures)
        assert measures["without_truth"] == 0, (kind, measures)
