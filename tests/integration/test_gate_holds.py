"""A critical check that fails keeps the publication back: everybody goes on seeing the last one, until it is mended."""

import json
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from connectors import sandbox
from hub import runs
from hub.db.engine import make_engine
from hub.golden.fingerprint import fingerprint
from hub.settings import Settings
from orchestration.pipeline import Outcome
from quality_checks import gate, runner, suites
from tests.conftest import cloned
from tests.hubrun import World, environment, onerecord, run_here, world
from tests.waiting import PATIENCE


@dataclass(frozen=True)
class Hub:
    """A hub after its first publication, and its departments."""

    departments: World
    url: URL
    engine: Engine
    folder: Path

    def run(self) -> Outcome:
        return run_here(self.departments, self.url, self.folder)

    def seen(self) -> tuple[str, int]:
        """What everybody sees: the golden record, and the number of its publication."""
        with self.engine.connect() as connection:
            number = connection.execute(text("SELECT max(number) FROM golden.publication")).scalar_one()
            return fingerprint(connection), number

    def write(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)


@pytest.fixture(scope="module")
def first(server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, URL]]:
    """A world, and the database of a hub that published it once: both are only ever copied."""
    folder = tmp_path_factory.mktemp("first")
    with chdir(folder), cloned(server, template) as database:
        with world(folder / "sandbox", size=400) as departments:
            outcome = run_here(departments, database, folder)
        assert outcome.status == "succeeded", outcome.errors
        yield folder / "sandbox", database


@pytest.fixture
def hub(first: tuple[Path, URL], server: URL, tmp_path: Path) -> Iterator[Hub]:
    origin, published = first
    folder = Path(shutil.copytree(origin, tmp_path / "sandbox"))
    with sandbox.running(folder) as address, cloned(server, published) as database, opened(database) as engine:
        yield Hub(World(folder, address), database, engine, tmp_path)


@contextmanager
def opened(database: URL) -> Iterator[Engine]:
    engine = make_engine(database)
    yield engine
    engine.dispose()


def test_rows_that_stop_fitting_hold_the_publication_and_the_command_says_so(hub: Hub):
    before = hub.seen()
    sandbox.tick(hub.departments.folder, 20)
    for system in ("zendesk", "hubspot"):
        fault = {"system": system, "kind": "wrong_type", "count": 1_000}
        requests.post(f"{hub.departments.address}/sandbox/faults", json=fault, timeout=PATIENCE).raise_for_status()
    variables = environment(hub.departments, hub.url, hub.folder)
    answer = onerecord("run", "--once", "--json", **variables)
    assert answer.code == 3, answer.err
    found = json.loads(answer.out)
    assert found["status"] == "held"
    assert found["publication"]["held_by"] == ["landing.quarantined_share", "landing.stream_fits"]
    assert not found["publication"]["published"]
    assert found["publication"]["number"] == 1
    assert sum(source["in_quarantine"] for source in found["sources"].values()) > 20
    assert found["errors"] == [], "a verdict is no malfunction"
    assert "Traceback" not in answer.err
    assert hub.seen() == before

    requests.delete(f"{hub.departments.address}/sandbox/faults", timeout=PATIENCE).raise_for_status()
    hub.write("DELETE FROM landing.watermark WHERE source IN ('zendesk', 'hubspot')")  # read all of them again
    mended = hub.run()
    assert mended.status == "succeeded", (mended.errors, mended.summary["publication"]["held_by"])
    assert mended.summary["publication"]["number"] == 2
    assert hub.seen() != before


MERGED = """
    SELECT min(party_id) AS a, max(party_id) AS b FROM identity.membership WHERE until IS NULL
    GROUP BY golden_id HAVING count(*) = 2 ORDER BY golden_id LIMIT 1
"""
# Past the ledger, whose function would have had the two resolved anew.
BY_HAND = """
    INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason)
    VALUES (:a, :b, 'different', 'person', 'lead', 'two people')
"""
CUSTOMERS = "SELECT count(DISTINCT golden_id) FROM identity.membership WHERE until IS NULL AND party_id IN (:a, :b)"


def test_a_merge_against_a_persons_word_is_never_published(hub: Hub):
    before = hub.seen()
    with hub.engine.connect() as connection:
        pair = dict(connection.execute(text(MERGED)).mappings().one())
    hub.write(BY_HAND, **pair)
    held = hub.run()
    assert held.status == "held"
    assert held.errors == ()
    assert held.summary["publication"]["held_by"] == ["golden.different_not_bridged"]
    assert held.summary["publication"]["number"] == 1
    assert hub.seen() == before

    hub.write("INSERT INTO identity.to_resolve (party_id) VALUES (:a), (:b) ON CONFLICT DO NOTHING", **pair)
    mended = hub.run()
    assert mended.status == "succeeded", (mended.errors, mended.summary["publication"]["held_by"])
    assert mended.summary["publication"]["number"] == 2
    with hub.engine.connect() as connection:
        assert connection.execute(text(CUSTOMERS), pair).scalar_one() == 2


def half_gone(hub: Hub) -> None:
    """As a source leaves it that says of all its tickets but a few that they were deleted."""
    hub.write(
        """UPDATE landing.source_record SET deleted_at = now(), last_changed_at = now()
           WHERE stream = 'tickets' AND source_id NOT IN (
               SELECT source_id FROM landing.source_record WHERE stream = 'tickets' ORDER BY source_id LIMIT 3)"""
    )
    hub.write(
        """INSERT INTO landing.to_conform SELECT source, stream, source_id FROM landing.source_record
           WHERE stream = 'tickets' ON CONFLICT DO NOTHING"""
    )


def told(hub: Hub) -> list[tuple[str, object]]:
    with hub.engine.connect() as connection:
        rows = connection.execute(text("SELECT kind, data FROM ops.announcement ORDER BY sequence"))
        return [(kind, data) for kind, data in rows]


def test_a_waived_check_lets_the_held_run_be_published_and_only_that_run(hub: Hub):
    before = hub.seen()
    half_gone(hub)
    held = hub.run()
    assert (held.status, held.summary["publication"]["held_by"]) == ("held", ["landing.stream_volume"])
    assert told(hub)[-1][0] == "held"
    variables = environment(hub.departments, hub.url, hub.folder)
    alone = onerecord("release", held.run_id, **variables)
    assert alone.code == 3, "nothing was waived"
    assert hub.seen() == before

    protected = onerecord("waive", "golden.different_not_bridged", "--run", held.run_id, "--why", "x", **variables)
    assert "has no result" in protected.told, "the golden records were not composed"
    said = onerecord("waive", "landing.stream_volume", "--run", held.run_id, "--why", "they cleaned up", **variables)
    assert said.code == 0, said.told
    released = onerecord("release", held.run_id, "--json", **variables)
    assert released.code == 0, released.told
    found = json.loads(released.out)["publication"]
    assert [(one["check"], bool(one["waived_by"])) for one in found["warnings"] if one["waived_by"]] == [
        ("landing.stream_volume", True)
    ]
    assert hub.seen() != before
    kind, data = told(hub)[-1]
    assert (kind, [one["check"] for one in data["waived"]]) == ("published", ["landing.stream_volume"])
    with hub.engine.connect() as connection:
        audited = connection.execute(text("SELECT subject, reason FROM ops.audit WHERE act = 'waive check'")).one()
    assert tuple(audited) == ("landing.stream_volume", "they cleaned up")
    again = onerecord("waive", "landing.stream_volume", "--run", held.run_id, "--why", "once more", **variables)
    assert again.code == 5, again.told


# A fault in each stage, as a broken source, mapping, merge or publication leaves it, and the check that is named for it.
SEEDED = {
    "stale source": (
        "landing.stream_fresh",
        "UPDATE landing.sync_run SET started_at = started_at - interval '3 days' WHERE source = 'stripe'",
    ),
    "volume drop to 10 %": (
        "landing.stream_volume",
        """WITH numbered AS (SELECT source, stream, source_id, row_number() OVER () AS n FROM landing.source_record
                             WHERE stream = 'tickets')
           UPDATE landing.source_record r SET deleted_at = now(), last_changed_at = now() FROM numbered u
           WHERE (u.source, u.stream, u.source_id) = (r.source, r.stream, r.source_id) AND mod(n, 10) <> 0""",
    ),
    "nulls": ("canonical.fill_rates_hold", "UPDATE canonical.party SET email = NULL WHERE department = 'marketing'"),
    "orphan facts": ("canonical.invoice_orphans", "UPDATE canonical.invoice SET party_ref = party_ref || '-moved'"),
    "a value that no total knows": ("canonical.invoice_status_known", "UPDATE canonical.invoice SET status = 'sent'"),
    "customers without a name": ("golden.name_present", "UPDATE golden.composed_customer SET name = ' '"),
    "duplicates of a golden id": (
        "golden.golden_id_once",
        """ALTER TABLE golden.composed_customer DROP CONSTRAINT pk_composed_customer;
           INSERT INTO golden.composed_customer SELECT * FROM golden.composed_customer LIMIT 3""",
    ),
    "a permission that nobody gave": (
        "golden.consent_not_widened",
        """UPDATE golden.composed_customer SET consents = '[{"channel": "sms", "purpose": "x", "status": "granted"}]'""",
    ),
    "a gap in the change feed": ("published.feed_without_gaps", "DELETE FROM golden.change WHERE sequence = 2"),
}


@pytest.mark.parametrize("fault", SEEDED)
def test_a_fault_in_each_stage_is_caught_by_name_and_holds(first: tuple[Path, URL], server: URL, fault: str):
    title, statements = SEEDED[fault]
    suite = title.split(".")[0]
    with cloned(server, first[1]) as database, opened(database) as engine:
        as_of = runs.begin(engine, "seeded", Settings())
        with engine.begin() as connection:
            connection.exec_driver_sql(statements)
        runner.run_suite(engine, suite, Settings(), run_id="seeded", as_of=as_of)
        with engine.connect() as connection:
            decision = gate.decide(gate.outcomes_of_run(connection, "seeded"), suites.suite(suite))
        assert decision.held
        assert title in decision.critical


def test_nothing_holds_what_was_published_without_a_fault(first: tuple[Path, URL], server: URL):
    with cloned(server, first[1]) as database, opened(database) as engine:
        as_of = runs.begin(engine, "again", Settings())
        for suite in suites.SUITES:
            runner.run_suite(engine, suite, Settings(), run_id="again", as_of=as_of)
        with engine.connect() as connection:
            decision = gate.decide(gate.outcomes_of_run(connection, "again"))
    assert not decision.held, decision.why
