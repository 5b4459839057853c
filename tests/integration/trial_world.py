"""A world in which settings are tried: many pairs of few chances, and opportunities on the border of every limit."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.engine import URL

from hub import changes
from hub.db.engine import make_engine
from hub.db.tables import canonical
from hub.golden.compose import compose
from hub.golden.publish import publish
from hub.identity import ledger
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind, Verdict
from hub.progress import Step, silent
from hub.settings import MatchSettings, Settings
from quality_checks.flags import flag_opportunities
from quality_checks.trial import Asked, Trial, run
from tests.conftest import cloned
from tests.webworld import NOW

ME: dict[str, Any] = {"author": "ann", "reason": "met them"}
# Chances of the pairs that the model finds in this world, by what the tests do with them.
DOUBTFUL, LIKELY, CERTAIN = 0.489, 0.991, 1.0
STRICT = Settings(match=MatchSettings(same=0.995))


@pytest.fixture(scope="session")
def settled_template(server: URL, world_template: URL) -> Iterator[URL]:
    """The world as the model itself sees it, with opportunities on the border of every limit, published."""
    with cloned(server, world_template) as url:
        engine = make_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM identity.match_index"))
            connection.execute(
                text("INSERT INTO canonical.to_match SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING")
            )
            rows = [_opportunity(number) for number in range(40)]
            connection.execute(insert(canonical.Opportunity), rows)
            connection.execute(insert(canonical.OpportunityChange), [_push(n) for n in range(40) if n % 10 < 5])
        pipeline(engine, Settings())
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def strict_template(server: URL, settled_template: URL) -> Iterator[URL]:
    """The same world where likely pairs are not merged, but wait for people."""
    with cloned(server, settled_template) as url:
        engine = make_engine(url)
        pipeline(engine, STRICT)
        engine.dispose()
        yield url


@pytest.fixture
def strict(server: URL, strict_template: URL) -> Iterator[Engine]:
    with cloned(server, strict_template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def settled(server: URL, settled_template: URL) -> Iterator[Engine]:
    with cloned(server, settled_template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def _opportunity(number: int) -> dict[str, Any]:
    return {
        "ref": f"crm:Opportunity:t{number}", "source": "crm", "stream": "Opportunity", "source_id": f"t{number}",
        "party_ref": "crm:Contact:3", "name": "Renewal", "stage": "Proposal", "status": "open", "amount": 100,
        "currency": "EUR", "close_date": NOW.date() + dt.timedelta(days=10 - number), "next_step": "Call",
        "owner_id": "7", "source_created_at": NOW - dt.timedelta(days=90),
        "last_activity_at": NOW - dt.timedelta(days=number),
    }  # fmt: skip


def _push(number: int) -> dict[str, Any]:
    """Two or three of these, by its number, push the close date of one opportunity."""
    return {
        "ref": f"crm:History:t{number}", "source": "crm", "stream": "History", "source_id": f"t{number}",
        "opportunity_ref": f"crm:Opportunity:t{number // 3}", "field": "close_date",
        "old_value": f"2026-0{number % 3 + 1}-01", "new_value": f"2026-0{number % 3 + 2}-01",
        "changed_at": NOW - dt.timedelta(days=5),
    }  # fmt: skip


def pipeline(engine: Engine, settings: Settings) -> None:
    """What a run does after it has read the sources."""
    for kind in PartyKind:
        match_parties(engine, kind, settings.match, progress=silent)
    resolve(engine, run_id="run", progress=silent)
    compose(engine, settings, run_id="run", as_of=NOW, progress=silent)
    flag_opportunities(engine, settings, as_of=NOW)
    publish(engine, run_id="run", as_of=NOW)


def tries(
    engine: Engine,
    *said: str,
    in_force: Settings | None = None,
    progress: Callable[[Step], None] = silent,
    match_again: bool = False,
) -> Trial:
    nested = changes.read(None, said)
    asked = Asked(in_force or Settings(), nested, NOW, match_again=match_again, examples=1_000)
    return run(engine, asked, progress=progress)


def becomes(*said: str, in_force: Settings | None = None) -> Settings:
    return changes.applied(in_force or Settings(), changes.read(None, said))


def rows(engine: Engine, query: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query), values).all())


def waiting(engine: Engine) -> int:
    return int(rows(engine, "SELECT count(*) FROM identity.waiting_pair")[0][0])


def pair_of(engine: Engine, probability: float) -> tuple[str, str]:
    """The refs of a pair that the model holds for so likely, of which neither was judged."""
    found = rows(
        engine,
        """SELECT a.ref, b.ref FROM identity.pair p
           JOIN canonical.party a ON a.party_id = party_a JOIN canonical.party b ON b.party_id = party_b
           WHERE abs(probability - :wanted) < 0.001 ORDER BY 1, 2 LIMIT 1""",
        wanted=probability,
    )
    return found[0][0], found[0][1]


def judged(engine: Engine, pair: tuple[str, str], verdict: Verdict) -> int:
    with engine.begin() as connection:
        number = ledger.judge(connection, *pair, verdict, **ME)
    resolve(engine, run_id="judged", progress=silent)
    return number
