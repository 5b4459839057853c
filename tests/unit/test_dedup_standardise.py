"""Standardisation: what must come out equal, and what must be seen as missing."""

import datetime as dt

import polars as pl
import pyarrow as pa
import pytest

from dedup import ORGANIZATION, PERSON, standardise
from dedup.columns import MISSING
from dedup.standardise import companies, contact, people, places, series
from dedup.standardise.text import is_placeholder


@pytest.mark.parametrize(
    "value", ["n/a", "N/A", "tbd", "Test", "000-000", ".", "unknown", " none ", "-", "", "[not provided]"]
)
def test_placeholders_are_missing(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["Noner", "Testa", "100", "Anna", "王", "0", "00"])
def test_values_are_not_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    ("written", "given", "family"),
    [
        ("Anna Berg", "anna", "berg"),
        ("Berg, Anna", "anna", "berg"),
        ("Dr. Anna van den Berg", "anna", "berg"),
        ("Prof. Dr. José Núñez", "jose", "nunez"),
        ("John Smith Jr.", "john", "smith"),
        ("John Smith, PhD", "john", "smith"),
        ("O'Brien, Seán", "sean", "obrien"),
        ("Cher", "cher", None),
        ("Юрий Гагарин", "yuriy", "gagarin"),
    ],
)
def test_written_names_are_taken_apart(written: str, given: str, family: str | None) -> None:
    parsed = people.parse(None, None, written)
    assert (parsed.given, parsed.family) == (given, family)


def test_generations_are_kept_apart() -> None:
    assert people.parse(None, None, "John Smith Jr.").generation != people.parse(None, None, "John Smith Sr").generation


@pytest.mark.parametrize(("short", "formal"), [("bill", "william"), ("peggy", "margaret"), ("gosia", "malgorzata")])
def test_short_forms_lead_to_formal_names(short: str, formal: str) -> None:
    assert formal in people.parse(short, "x", None).roots


@pytest.mark.parametrize(
    "written",
    [
        "Müller Maschinenbau GmbH & Co. KG",
        "Muller Maschinenbau",
        "MÜLLER MASCHINENBAU, G.m.b.H.",
        "Maschinenbau Müller AG",
    ],
)
def test_legal_forms_and_order_do_not_matter(written: str) -> None:
    assert companies.parse(written).ordered == "maschinenbau muller"


def test_a_company_named_by_its_legal_form_keeps_a_name() -> None:
    assert companies.parse("AG").core
    assert companies.parse("The Limited").core


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("John.Doe+news@Gmail.com", "johndoe@gmail.com"),
        ("johndoe@googlemail.com", "johndoe@gmail.com"),
        ("j.doe+x@acme.org", "j.doe@acme.org"),
        ("mailto:j@acme.org", "j@acme.org"),
        ("<j@acme.org>;", "j@acme.org"),
    ],
)
def test_addresses_of_one_mailbox_are_equal(written: str, address: str) -> None:
    parsed = contact.parse_email(written)
    assert parsed is not None
    assert parsed.address == address


@pytest.mark.parametrize("written", ["n/a", "none@none", "noreply@acme.org", "acme.org", "a b@c.de", "@", None])
def test_no_mailbox(written: str | None) -> None:
    assert contact.parse_email(written) is None


def test_role_and_provider_addresses_are_known() -> None:
    info, private = contact.parse_email("info@acme.co.uk"), contact.parse_email("anna@gmx.de")
    assert info is not None
    assert private is not None
    assert (info.role, info.work) == (True, "acme.co.uk")
    assert (private.role, private.work) == (False, None)


def test_one_number_in_many_spellings() -> None:
    spellings = [
        ("+49 (30) 123-4567", None),
        ("030 1234567", "DE"),
        ("0049301234567", "DE"),
        ("030/1234567 ext. 12", "DE"),
    ]
    assert len({contact.parse_phone(text, country) for text, country in spellings}) == 1


@pytest.mark.parametrize("written", ["000-000", "123", "1234567890", "call me", "999999999", None])
def test_no_number(written: str | None) -> None:
    assert contact.parse_phone(written, "US") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lindenstr. 5", "Lindenstraße 5"),
        ("5 High St", "5 High Street, Suite 7"),
        ("12 N. Main Ave", "12 north main avenue"),
    ],
)
def test_streets_in_two_spellings(one: str, other: str) -> None:
    assert places.parse(one, None, None, None) == places.parse(other, None, None, None)


@pytest.mark.parametrize(
    ("written", "code"), [("Deutschland", "DE"), ("USA", "US"), ("uk", "GB"), ("France", "FR"), ("Mordor", None)]
)
def test_countries(written: str, code: str | None) -> None:
    assert places.country_code(written) == code


@pytest.mark.parametrize("spec", [PERSON, ORGANIZATION], ids=lambda spec: spec.name)
def test_raw_values_are_kept_and_other_columns_ignored(spec) -> None:
    given = pa.table({"party_id": [7], "name": [" ÄCME  Ltd "], "birth_date": [dt.date(1990, 2, 3)], "colour": ["red"]})
    prepared = standardise(given, spec)
    assert prepared.raw.column("name").to_pylist() == [" ÄCME  Ltd "]
    assert "colour" not in prepared.raw.column_names
    assert prepared.first("phone").tolist() == [MISSING]


def test_an_address_that_only_looks_like_one_of_gmail_is_left_as_it_is():
    given = ["A.b+x@gmail.com", "a.b@gmailxcom", "a.b@googlemail.com", "a.b@googlemailxcom"]
    found = series.email(pl.Series(given)).to_list()
    assert found == ["ab@gmail.com", "a.b@gmailxcom", "ab@gmail.com", "a.b@googlemailxcom"]


def test_a_date_is_the_same_however_a_program_wrote_it() -> None:
    written = pl.Series(["19800512.0", "19800512", "12.05.1980", "1980-05-12T23:00:00", "1980-05-12 00:00:00.000"])
    assert set(series.date(written)) == {"19800512"}
