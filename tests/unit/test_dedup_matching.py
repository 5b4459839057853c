"""What a department lead would expect of two records, on a model that was trained on ordinary ones."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest

from dedup import ORGANIZATION, PERSON, Model, Thresholds, explain, match, train
from tests.unit.test_dedup_world import organizations, persons, table

BORN = dt.date(1980, 5, 17)
HOME = {"street": "Lindenstr. 5", "city": "Bonn", "postcode": "53111", "country": "DE"}


@pytest.fixture(scope="module")
def person() -> Model:
    return train(table(persons()[0]), PERSON)


@pytest.fixture(scope="module")
def organization() -> Model:
    return train(table(organizations()[0]), ORGANIZATION)


def band(model: Model, a: dict[str, Any], b: dict[str, Any]) -> str:
    """The band of two records, checked to be the same whichever of them comes first."""
    one, other = explain(a, b, model, Thresholds()), explain(b, a, model, Thresholds())
    assert one["total"] == pytest.approx(other["total"])
    return str(one["band"])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"name": "Bill Larsen", "email": "bill@larsen.example.org"}, {"name": "William Larsen", "email": "bill+crm@larsen.example.org"}),
        ({"given_name": "Anna", "family_name": "Novak", "birth_date": BORN, **HOME}, {"given_name": "Novak", "family_name": "Anna", "birth_date": BORN, **HOME}),
        ({"name": "José Núñez", "phone": "+34 91 123 4567", "birth_date": BORN}, {"name": "Nunez, Jose", "phone": "0034911234567", "birth_date": BORN}),
        ({"name": "Katherine Weber", "birth_date": BORN, **HOME}, {"name": "Katherine Webber", "birth_date": BORN, **HOME}),
        ({"name": "Maria Silva", "birth_date": dt.date(1980, 5, 3), **HOME}, {"name": "Maria Silva", "birth_date": dt.date(1980, 3, 5), **HOME}),
        ({"name": "Olga Rossi", "other_emails": ["o.rossi@example.org"], **HOME}, {"name": "Olga Rossi", "email": "O.Rossi@example.org"}),
    ],
    ids=["nickname", "swapped fields", "accents", "one slip", "day and month swapped", "second e-mail address"],
)  # fmt: skip
def test_one_person_written_in_two_ways_is_the_same(person: Model, a: dict[str, Any], b: dict[str, Any]) -> None:
    assert band(person, a, b) == "same"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"name": "Anna Costa", "birth_date": BORN, "phone": "+49 228 123456", **HOME}, {"name": "Laura Costa", "birth_date": BORN, "phone": "+49 228 123456", **HOME}),
        ({"name": "Lena Costa", "birth_date": BORN, "phone": "+49 228 123456", **HOME}, {"name": "Lina Costa", "birth_date": BORN, "phone": "+49 228 123456", **HOME}),
        ({"name": "Peter Brown", "birth_date": BORN, "phone": "+49 228 123456", **HOME}, {"name": "Peter Brown", "birth_date": dt.date(1951, 11, 2), "phone": "+49 228 123456", **HOME}),
        ({"name": "Peter Brown", "email": "p.brown@gmx.de", "phone": "+49 171 1234567", **HOME}, {"name": "Peter Brown", "email": "junior@web.de", "phone": "+49 172 7654321", **HOME}),
        ({"name": "Peter Brown Sr.", "phone": "+49 228 123456", **HOME}, {"name": "Peter Brown Jr.", "phone": "+49 228 123456", **HOME}),
        ({"name": "Karl Weber", "email": "info@acme.org", "phone": "+49 228 123456", "employer_name": "Acme"}, {"name": "Olga Novak", "email": "info@acme.org", "phone": "+49 228 123456", "employer_name": "Acme"}),
        ({"name": "Maria Jones", "city": "Leeds", "email": "maria@one.org"}, {"name": "Maria Jones", "city": "Turin", "email": "mj@two.org"}),
        ({"name": "Frank Berg", "tax_id": "DE123456789", **HOME}, {"name": "Frank Berg", "tax_id": "DE987654321", **HOME}),
    ],
    ids=["twins", "twins of close names", "father and son", "each with mailbox and phone", "senior and junior", "colleagues", "namesakes", "tax ids"],
)  # fmt: skip
def test_two_people_are_not_merged(person: Model, a: dict[str, Any], b: dict[str, Any]) -> None:
    assert band(person, a, b) != "same"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"name": "Moretti Pumps GmbH & Co. KG", "website": "moretti-pumps.com"}, {"name": "MORETTI PUMPS", "website": "https://www.moretti-pumps.com/de"}),
        ({"name": "International Pump Works Ltd", "phone": "+44 113 496 0000"}, {"name": "IPW", "phone": "0113 4960000", "country": "UK"}),
        ({"name": "Larsen & Sons", "phone": "+44 113 496 0000"}, {"name": "Larsen and Sons Limited", "phone": "+44 113 4960000"}),
    ],
    ids=["legal form", "acronym", "ampersand"],
)  # fmt: skip
def test_one_organization_is_the_same(organization: Model, a: dict[str, Any], b: dict[str, Any]) -> None:
    assert band(organization, a, b) == "same"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"name": "Moretti Pumps GmbH", "city": "Bonn", "website": "moretti-bonn.de"}, {"name": "Moretti Pumps GmbH", "city": "Leeds", "website": "morettipumps.co.uk"}),
        ({"name": "Weber Optics", "phone": "+49 228 123456", **HOME}, {"name": "Silva Logistics", "phone": "+49 228 123456", **HOME}),
        ({"name": "Weber Optics", "tax_id": "DE123456789", **HOME}, {"name": "Weber Optics", "tax_id": "DE987654321", **HOME}),
    ],
    ids=["namesakes in two towns", "tenants of one building", "tax ids"],
)  # fmt: skip
def test_two_organizations_are_not_merged(organization: Model, a: dict[str, Any], b: dict[str, Any]) -> None:
    assert band(organization, a, b) != "same"


def test_a_tax_id_outweighs_a_changed_name_and_a_mistyped_birthday(person: Model) -> None:
    before = {"name": "Grace Dupont", "birth_date": BORN, "tax_id": "DE123456789", **HOME}
    after = {"name": "Grace Kowalski", "birth_date": dt.date(1969, 1, 28), "tax_id": "DE123456789", **HOME}
    assert band(person, before, dict(before, birth_date=after["birth_date"])) == "same"
    assert band(person, before, dict(before, name=after["name"])) == "same"


def test_a_mistyped_tax_id_is_outweighed_by_name_birthday_and_home(person: Model) -> None:
    one = {"name": "Grace Dupont", "birth_date": BORN, "tax_id": "DE123456789", **HOME}
    assert band(person, one, dict(one, tax_id="DE555666777")) == "same"


def test_missing_values_are_neutral(person: Model) -> None:
    bare = explain({"name": "Anna Novak"}, {"name": "Anna Novak"}, person, Thresholds())
    full = explain(
        {"name": "Anna Novak", "phone": "+49 228 123456", **HOME}, {"name": "Anna Novak"}, person, Thresholds()
    )
    assert full["total"] == pytest.approx(bare["total"])


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    rows = persons()[0] + [{"name": "Maria Smith"}] * 60
    model = train(table(rows), PERSON)
    common, rare = ({"name": name} for name in ("Maria Smith", "Zebulon Quatermain"))
    assert explain(rare, rare, model, Thresholds())["total"] > explain(common, common, model, Thresholds())["total"] + 2


def test_a_number_of_many_people_is_a_switchboard() -> None:
    people = persons()[0]
    rows = people + [dict(people[at], phone="+49 221 5550000", email=None) for at in range(0, 40, 2)]
    model = train(table(rows), PERSON)
    label = {
        number: next(field for field in explain({"phone": number}, {"phone": number}, model, Thresholds())["fields"] if field["field"] == "phone")
        for number in ("+49 221 5550000", "+49 221 5550001")
    }  # fmt: skip
    assert label["+49 221 5550000"]["label"] == "same phone number, shared by many"
    assert label["+49 221 5550000"]["weight"] < label["+49 221 5550001"]["weight"] - 4


def test_scores_do_not_depend_on_what_arrives_later(person: Model) -> None:
    rows = persons()[0]
    early = match(table(rows[:100]), person).pairs.to_pylist()
    late = {(row["a"], row["b"]): row for row in match(table(rows), person).pairs.to_pylist()}
    assert early
    assert [late[(row["a"], row["b"])] for row in early] == early


def test_a_model_survives_json_and_names_nobody(person: Model) -> None:
    text = json.dumps(person.to_dict())
    again = Model.from_dict(json.loads(text))
    assert again == person
    assert again.version == person.version
    assert "garcia" not in text.lower()


def test_training_is_repeatable_and_versions_follow_the_content(person: Model) -> None:
    assert train(table(persons()[0]), PERSON).version == person.version
    assert train(table(persons(seed=2)[0]), PERSON).version != person.version


def test_training_reports_what_it_learned(person: Model) -> None:
    report = person.report
    assert report["rows"] == 300
    assert report["iterations"] >= 1
    assert report["expected_matches"] == pytest.approx(150, rel=0.2)
    for shares in report["levels"].values():
        assert sum(shares["m"]) == pytest.approx(1)
        assert sum(shares["u"]) == pytest.approx(1)


def test_a_model_of_other_levels_is_refused(person: Model) -> None:
    stored = json.loads(json.dumps(person.to_dict()))
    stored["levels"]["phone"].pop()
    with pytest.raises(ValueError, match="phone"):
        Model.from_dict(stored)
    with pytest.raises(ValueError, match="robot"):
        Model.from_dict({**stored, "kind": "robot"})


def test_progress_and_report_count_the_candidates(person: Model) -> None:
    seen: list[int] = []
    result = match(table(persons()[0]), person, progress=seen.append)
    report = result.report
    assert seen == sorted(seen)
    assert seen[-1] == report.candidates == sum(report.by_rule.values())
    assert report.same + report.review == result.pairs.num_rows
    assert report.same + report.review + report.different == report.candidates


def test_a_mask_of_another_length_is_refused(person: Model) -> None:
    with pytest.raises(ValueError, match="300 rows"):
        match(table(persons()[0]), person, changed=np.ones(3, dtype=bool))


@pytest.mark.parametrize(("same", "review"), [(0.5, 0.6), (1.2, 0.3), (0.9, -0.1)])
def test_thresholds_out_of_order_are_refused(same: float, review: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        Thresholds(same=same, review=review)
