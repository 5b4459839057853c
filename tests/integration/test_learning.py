"""People's judgements move the model in use, and every pair is seen anew."""

import pytest
from sqlalchemy import Engine, text

from hub.identity import ledger, models
from hub.identity.explain import explain_pair
from hub.identity.matching import MatchReport, match_parties
from hub.model.kinds import PartyKind, Verdict
from hub.progress import silent
from hub.settings import MatchSettings
from tests.support import add_parties

PEOPLE = 24
SETTINGS = MatchSettings(learn_after=12)


@pytest.fixture
def doubtful(db: Engine) -> Engine:
    """Two records each of people who share a name and a town with it, and nothing else."""
    given = ("Ada", "Grace", "Mary", "Emmy", "Sofia", "Lise", "Rosa", "Irene")
    family = ("Lovelace", "Hopper", "Somerville")
    people = [
        {"ref": f"{source}:{stream}:{n}", "name": f"{given[n % 8]} {family[n // 8]}", "given_name": given[n % 8],
         "family_name": family[n // 8], "city": ("Bonn", "Leeds", "Turin")[n % 3], "email": f"{source}{n}@mail{n}.example.org"}
        for n in range(PEOPLE)
        for source, stream in (("crm", "Contact"), ("desk", "users"))
    ]  # fmt: skip
    with db.begin() as connection:
        add_parties(connection, *people)
    return db


def matched(engine: Engine) -> MatchReport:
    return match_parties(engine, PartyKind.PERSON, SETTINGS, progress=silent)


def judge(engine: Engine, verdict: Verdict, numbers: range) -> None:
    with engine.begin() as connection:
        for n in numbers:
            ledger.judge(connection, f"crm:Contact:{n}", f"desk:users:{n}", verdict, author="ada", reason="I know them")


def probability(engine: Engine, n: int) -> float:
    with engine.connect() as connection:
        told = explain_pair(connection, f"crm:Contact:{n}", f"desk:users:{n}", SETTINGS)
    assert told["prior"] + sum(field["weight"] for field in told["fields"]) == pytest.approx(told["total"])
    return float(told["probability"])


def version(engine: Engine) -> str:
    with engine.connect() as connection:
        return models.in_use(connection, PartyKind.PERSON).version


@pytest.mark.parametrize("verdict", [Verdict.SAME, Verdict.DIFFERENT])
def test_many_judgements_move_the_model_and_pairs_nobody_judged(doubtful: Engine, verdict: Verdict) -> None:
    matched(doubtful)
    before, first = probability(doubtful, 20), version(doubtful)
    judge(doubtful, verdict, range(SETTINGS.learn_after))
    assert matched(doubtful).changed == 2 * PEOPLE
    assert version(doubtful) != first
    after = probability(doubtful, 20)
    assert after > before if verdict is Verdict.SAME else after < before
    with doubtful.connect() as connection:
        stored = connection.execute(text("SELECT DISTINCT model_version FROM identity.pair")).scalars().all()
    assert set(stored) <= {version(doubtful)}
    again = matched(doubtful)
    assert (again.changed, again.written, again.removed) == (0, 0, 0)


def test_few_judgements_and_those_that_say_neither_move_nothing(doubtful: Engine) -> None:
    matched(doubtful)
    first = version(doubtful)
    judge(doubtful, Verdict.UNSURE, range(SETTINGS.learn_after))
    judge(doubtful, Verdict.SAME, range(12, 12 + SETTINGS.learn_after - 1))
    matched(doubtful)
    assert version(doubtful) == first
