"""What `onerecord model` tells of the model in use, before and after people judged."""

import json
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy.engine import URL

from hub.db.engine import make_engine
from hub.identity import ledger, models
from hub.identity.matching import match_parties
from hub.model.kinds import PartyKind, Verdict
from hub.progress import silent
from hub.settings import MatchSettings
from tests.hubrun import onerecord
from tests.support import add_parties

PEOPLE = 20
GIVEN = ("Ada", "Grace", "Mary", "Emmy", "Sofia", "Lise", "Rosa", "Irene", "Olga", "Vera")


@pytest.fixture
def told(database_url: URL, tmp_path):
    """The command on a hub with two records each of some people, and nothing matched yet."""
    variables = {
        "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "ONERECORD_DATA_DIR": str(tmp_path / "data"),
    }
    people = [
        {"ref": f"{source}:{n}", "name": f"{GIVEN[n % 10]} Lovelace", "given_name": GIVEN[n % 10], "family_name": "Lovelace",
         "city": ("Bonn", "Leeds")[n // 10], "email": f"{source[:3]}{n}@mail{n}.example.org"}
        for n in range(PEOPLE)
        for source in ("crm:Contact", "desk:users")
    ]  # fmt: skip
    engine = make_engine(database_url)
    with engine.begin() as connection:
        add_parties(connection, *people)
    engine.dispose()
    return lambda *arguments: onerecord("model", *arguments, **variables, COLUMNS="160")


def match(url: URL, judged: int = 0) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        for n in range(judged):
            ledger.judge(connection, f"crm:Contact:{n}", f"desk:users:{n}", Verdict.SAME, author="ada", reason="I know")
    match_parties(engine, PartyKind.PERSON, MatchSettings(learn_after=10), progress=silent)
    engine.dispose()


def test_the_model_is_shown_as_matching_uses_it(told, database_url: URL, tmp_path):
    match(database_url)
    file = tmp_path / "weights.svg"
    answer = told("person", "--json", "--svg", str(file))
    assert answer.code == 0, answer.told
    found = json.loads(answer.out)["person"]
    engine = make_engine(database_url)
    with engine.connect() as connection:
        model = models.in_use(connection, PartyKind.PERSON)
    engine.dispose()
    assert found["version"] == model.version
    assert found["prior"] == pytest.approx(model.prior)
    assert [one["field"] for one in found["fields"]] == [one.name for one in model.spec.comparisons]
    name = next(one for one in found["fields"] if one["field"] == "name")
    assert sum(level["m"] for level in name["levels"]) == pytest.approx(1)
    assert name["levels"][0]["weight"] > 0 > name["levels"][-1]["weight"]
    assert found["report"]["rows"] == 2 * PEOPLE
    words = ["".join(text.itertext()) for text in ET.parse(file).getroot().iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert any(f"{name['levels'][0]['weight']:+.1f}" in word for word in words)
    shown = told()
    assert shown.code == 0
    for word in (model.version, "40 records", name["levels"][0]["label"], "moved nothing"):
        assert word in shown.told


def test_what_judgements_moved_is_told(told, database_url: URL):
    match(database_url)
    before = json.loads(told("person", "--json").out)["person"]
    match(database_url, judged=12)
    after = json.loads(told("person", "--json").out)["person"]
    assert (before["judgements"], before["moved_by"], after["judgements"]) == (0, 0, 12)
    assert after["moved_by"] > 0
    assert after["prior_bits"] == pytest.approx(before["prior_bits"] + after["moved_by"])
    assert after["version"] != before["version"]
    assert "12 judgements of people moved all evidence by +" in told("person").told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 4, "run the pipeline once"),
        (("robot",), 2, "person or organization"),
        (("--svg", "x.svg"), 2, "of which kind"),
    ],
)
def test_what_cannot_be_shown_is_said(told, arguments, code, words):
    answer = told(*arguments)
    assert answer.code == code
    assert words in answer.told
