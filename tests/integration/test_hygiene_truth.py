"""Flags against what the generator of the simulated departments broke on purpose, rule by rule."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from connectors import sandbox
from connectors.conform import conform_source
from connectors.sync import sync_source
from hub.clock import as_of as moment_of
from hub.db.engine import make_engine
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind
from hub.progress import silent
from hub.settings import MatchSettings, Settings
from quality_checks.flags import flag_opportunities
from quality_checks.rules import hygiene
from tests.conftest import cloned
from tests.hubrun import world

SIZE, SEED = 9_000, 7  # of a smaller world, a rule would be judged by two or three deals
LEAST, LEAST_HIDDEN = 0.95, 0.9
OF_DEPARTMENTS = {"late_wins"}


@dataclass(frozen=True)
class Score:
    rule: str
    found: int
    true: int
    both: int

    @property
    def precision(self) -> float:
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.both / self.true if self.true else 1.0

    @property
    def reached(self) -> bool:
        least = LEAST_HIDDEN if self.rule in ("hidden", "hidden_sale") else LEAST
        return self.true > 0 and min(self.precision, self.recall) >= least

    def __str__(self) -> str:
        return f"{self.rule:20} {self.found:5} {self.true:5} {self.precision:9.3f} {self.recall:6.3f}"


@pytest.fixture(scope="module")
def scores(server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Score]]:
    folder = tmp_path_factory.mktemp("conduct")
    with cloned(server, template) as url, world(folder, size=SIZE, seed=SEED) as given:
        engine = make_engine(url)
        try:
            _run(engine, given.address, folder)
            yield _scored(_flagged(engine, folder), _broken(folder), _unread(engine, folder))
        finally:
            engine.dispose()


def _run(engine: Engine, address: str, folder: Path) -> None:
    """From the departments' servers to the flags."""
    as_of = moment_of(Settings(clock_file=sandbox.clock_path(folder)))
    for source in sandbox.sources(address):
        sync_source(engine, source, run_id="truth", as_of=as_of)
        conform_source(engine, source, run_id="truth")
    for kind in PartyKind:
        match_parties(engine, kind, MatchSettings(), progress=silent)
    resolve(engine, run_id="truth", progress=silent)
    flag_opportunities(engine, Settings(), as_of=as_of)


def _flagged(engine: Engine, folder: Path) -> set[tuple[str, str]]:
    """(subject, rule) of open flags; a customer is named by its true entity, which most of its records have."""
    entities = _entities(folder)
    with engine.connect() as connection:
        flags = connection.execute(text("SELECT * FROM quality.flag WHERE resolved_at IS NULL")).all()
        members = connection.execute(
            text(
                """SELECT m.golden_id, array_agg(p.ref ORDER BY p.ref) AS refs FROM identity.membership m
                   JOIN canonical.party p USING (party_id) WHERE m.until IS NULL GROUP BY m.golden_id"""
            )
        ).all()
    names = {row.golden_id: _most([entities[ref] for ref in row.refs if ref in entities]) for row in members}
    subjects = ((row.opportunity_ref or names.get(row.golden_id) or row.department, row.rule) for row in flags)
    return {(subject, rule) for subject, rule in subjects if rule not in OF_DEPARTMENTS}


def _entities(folder: Path) -> dict[str, str]:
    with sandbox.truth_path(folder).open(encoding="utf-8") as file:
        return {f"{row['source']}:{row['stream']}:{row['source_id']}": row["entity"] for row in csv.DictReader(file)}


def _unread(engine: Engine, folder: Path) -> set[str]:
    """Deals and customers of which a row is in quarantine: what cannot be read cannot be judged, and is told there."""
    entities = _entities(folder)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """SELECT source || ':' || stream || ':' || source_id AS ref,
                       'salesforce:Account:' || (payload ->> 'AccountId') AS account,
                       'stripe:customers:' || (payload ->> 'customer') AS customer FROM landing.quarantine"""
            )
        ).all()
    refs = {ref for row in rows for ref in row if ref}
    return refs | {entities[ref] for ref in refs if ref in entities}


def _most(entities: list[str]) -> str:
    return max(entities, key=entities.count, default="")


def _broken(folder: Path) -> set[tuple[str, str]]:
    with sandbox.conduct_path(folder).open(encoding="utf-8") as file:
        return {(row["subject"], row["rule"]) for row in csv.DictReader(file)}


def _scored(found: set[tuple[str, str]], true: set[tuple[str, str]], unread: set[str]) -> list[Score]:
    def of(rule: str, pairs: set[tuple[str, str]]) -> int:
        return sum(named == rule and subject not in unread for subject, named in pairs)

    rules = [rule.name for rule in hygiene.RULES if rule.name not in OF_DEPARTMENTS]
    return [Score(rule, of(rule, found), of(rule, true), of(rule, found & true)) for rule in rules]


def test_flags_are_what_was_broken_on_purpose(scores: list[Score]) -> None:
    table = "\n".join(["rule                 found  true precision recall", *map(str, scores)])
    print(table)
    assert [score.rule for score in scores if not score.reached] == [], table
