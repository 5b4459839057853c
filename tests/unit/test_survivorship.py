"""Survivorship: every rule on its own, groups that stay together, placeholders, provenance."""

import datetime as dt

import pytest

from hub.golden.consents import Statement, strictest
from hub.golden.placeholders import given
from hub.golden.policy import ATTRIBUTES, POLICY, Choice, Group, Rule, changed
from hub.golden.survivorship import Golden, Member, survive
from hub.model.kinds import PartyKind

PRIORITY = ("sales", "finance", "support", "marketing")
MAY = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
JUNE = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def member(ref: str, department: str = "sales", *, living: bool = True, at: dt.datetime | None = MAY, **values: object):
    return Member(ref, department, living, at, values)


def one(rules: list[Rule], *members: Member, prefer: frozenset[str] = frozenset()) -> Golden:
    return survive(members, [Group("city", ("city",), tuple(rules), prefer=prefer)], PRIORITY)


@pytest.mark.parametrize(
    ("rule", "winner", "loser"),
    [
        (Rule.PRIORITY, member("b", "sales", city="Bonn"), member("a", "finance", city="Köln")),
        (Rule.RECENT, member("b", at=JUNE, city="Bonn"), member("a", at=MAY, city="Köln")),
        (Rule.RECENT, member("b", at=MAY, city="Bonn"), member("a", at=None, city="Köln")),
        (Rule.LONGEST, member("b", city="Bonn"), member("a", city="Ulm")),
        (Rule.PREFERRED, member("b", "support", city="Bonn"), member("a", "sales", city="Köln")),
    ],
)
def test_each_rule_decides(rule: Rule, winner: Member, loser: Member) -> None:
    golden = one([rule], loser, winner, prefer=frozenset({"support"}))
    assert golden.values == {"city": "Bonn"}
    assert golden.provenance["city"] == {
        "ref": "b",
        "rule": rule.value,
        "losers": [{"ref": "a", "value": loser.values["city"]}],
    }


def test_the_most_frequent_spelling_wins() -> None:
    golden = one([Rule.FREQUENT], member("a", city="Köln"), member("b", city="Bonn"), member("c", city="Bonn"))
    assert (golden.values["city"], golden.provenance["city"]["rule"]) == ("Bonn", "most_frequent")


def test_a_department_without_priority_is_the_weakest() -> None:
    golden = one([Rule.PRIORITY], member("a", "lab", city="Köln"), member("b", "marketing", city="Bonn"))
    assert golden.values["city"] == "Bonn"


def test_a_later_rule_decides_what_an_earlier_one_left_open() -> None:
    members = [member("a", city="Köln"), member("b", city="Bonn"), member("c", "finance", at=JUNE, city="Ulm")]
    golden = one([Rule.PRIORITY, Rule.RECENT], *members)
    assert golden.provenance["city"]["rule"] == "ref"
    assert golden.values["city"] == "Köln"


def test_a_living_record_wins_over_a_deleted_one_before_any_other_rule() -> None:
    golden = one([Rule.RECENT], member("a", living=False, at=JUNE, city="Köln"), member("b", city="Bonn"))
    assert (golden.values["city"], golden.provenance["city"]["rule"]) == ("Bonn", "living")


def test_what_only_a_deleted_record_knows_is_kept() -> None:
    golden = one([Rule.RECENT], member("a", living=False, city="Köln"), member("b"))
    assert (golden.values["city"], golden.provenance["city"]["rule"]) == ("Köln", "only")


def test_agreement_names_no_losers() -> None:
    golden = one([Rule.RECENT], member("b", city="Bonn"), member("a", city=" Bonn "))
    assert golden.provenance["city"] == {"ref": "a", "rule": "agreed", "losers": []}


def test_an_address_is_never_half_one_and_half_another() -> None:
    whole = member("crm", "sales", street="Ring 1", city="Bonn", postcode="53111")
    country_only = member("bank", "finance", at=JUNE, country="DE", region="Bayern")
    golden = survive([member("x", name="Acme"), whole, country_only], POLICY["organization"], PRIORITY)
    assert golden.values == {"name": "Acme", "street": "Ring 1", "city": "Bonn", "postcode": "53111"}
    assert golden.provenance["country"] == {
        "ref": "crm", "rule": "most_complete", "losers": [{"ref": "bank", "value": "DE"}],
    }  # fmt: skip


def test_the_parts_of_a_name_come_from_one_record() -> None:
    members = [
        member("a", name="J. Lee", given_name="J.", family_name="Lee"),
        member("b", "finance", name="Jo Lee-Smith", given_name="Jo", family_name="Lee-Smith"),
    ]
    golden = survive(members, POLICY["person"], PRIORITY)
    assert golden.values == {"name": "Jo Lee-Smith", "given_name": "Jo", "family_name": "Lee-Smith"}


def test_people_are_written_to_where_they_answered_last() -> None:
    members = [
        member("crm", "sales", name="Jo Lee", email="old@acme.example"),
        member("desk", "support", name="Jo Lee", at=JUNE, email="new@acme.example"),
        member("mail", "marketing", name="Jo Lee", at=JUNE, email="list@acme.example"),
    ]
    golden = survive(members, POLICY["person"], PRIORITY)
    assert (golden.values["email"], golden.provenance["email"]["rule"]) == ("new@acme.example", "most_recent")


def test_finance_knows_the_tax_id_and_the_address() -> None:
    address = {"street": "Ring 1", "city": "Bonn", "postcode": "53111"}
    members = [
        member("crm", "sales", at=JUNE, name="Acme", tax_id="DE1", **address),
        member("bank", "finance", name="Acme", tax_id="DE2", **address | {"street": "Ring 2"}),
    ]
    golden = survive(members, POLICY["organization"], PRIORITY)
    assert (golden.values["tax_id"], golden.values["street"]) == ("DE2", "Ring 2")


@pytest.mark.parametrize(
    "value", ["n/a", "N/A", "TBD", "test", "unknown", ".", "-", "000", "---", " ", "Not available"]
)
def test_placeholders_are_empty(value: str) -> None:
    assert given("city", value) is None


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("family_name", "Null"), ("family_name", "Na"), ("country", "NA"), ("region", "NA"), ("postcode", "01000")],
)
def test_true_values_that_look_like_placeholders_stay(attribute: str, value: str) -> None:
    assert given(attribute, value) == value


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("phone", "111111"), ("phone", "none"), ("mobile", "+0 000"), ("email", "noreply@acme.example")],
)
def test_addresses_that_reach_nobody_are_empty(attribute: str, value: str) -> None:
    assert given(attribute, value) is None


def test_a_name_of_placeholders_is_better_than_none() -> None:
    golden = survive([member("b", name="n/a"), member("a", name="test")], POLICY["organization"], PRIORITY)
    assert golden.values["name"] == "test"
    assert golden.provenance["name"]["rule"] == "placeholder"


def test_a_missing_name_is_made_of_its_parts() -> None:
    golden = survive([member("a", name="-", given_name="Jo", family_name="Lee")], POLICY["person"], PRIORITY)
    assert golden.values["name"] == "Jo Lee"


def test_dates_are_json_in_provenance() -> None:
    members = [member("a", name="J", birth_date=dt.date(1980, 1, 1)), member("b", "finance", name="J", birth_date=dt.date(1981, 1, 1))]  # fmt: skip
    golden = survive(members, POLICY["person"], PRIORITY)
    assert golden.values["birth_date"] == dt.date(1980, 1, 1)
    assert golden.provenance["birth_date"]["losers"] == [{"ref": "b", "value": "1981-01-01"}]


def test_every_attribute_of_a_kind_is_in_one_group_only() -> None:
    for groups in POLICY.values():
        named = [name for group in groups for name in group.attributes]
        assert len(named) == len(set(named))
        assert set(named) <= set(ATTRIBUTES)
        assert all(set(group.essential) <= set(group.attributes) for group in groups)


def said(party: str, ref: str, status: str, at: dt.datetime, *, gone: bool = False) -> Statement:
    return Statement(party, ref, "email", "marketing", status, at, gone)


@pytest.mark.parametrize(
    ("statements", "status", "ref"),
    [
        ([said("a", "1", "granted", JUNE), said("b", "2", "withdrawn", MAY)], "withdrawn", "2"),
        ([said("a", "1", "withdrawn", MAY), said("a", "2", "granted", JUNE)], "granted", "2"),
        ([said("a", "1", "granted", MAY), said("a", "2", "withdrawn", MAY)], "withdrawn", "2"),
        ([said("a", "1", "withdrawn", MAY), said("a", "2", "granted", JUNE, gone=True)], "withdrawn", "1"),
        ([said("a", "1", "granted", MAY), said("b", "2", "withdrawn", MAY, gone=True)], "withdrawn", "2"),
    ],
)
def test_the_strictest_consent_holds(statements: list[Statement], status: str, ref: str) -> None:
    assert [(found["status"], found["ref"]) for found in strictest(statements)] == [(status, ref)]


def test_a_grant_that_is_gone_is_no_consent() -> None:
    assert strictest([said("a", "1", "granted", JUNE, gone=True)]) == []


@pytest.mark.parametrize(
    ("attribute", "right", "wrong"),
    [
        ("phone", "030 901820", "030 1"),
        ("email", "a@x.example", "a at x"),
        ("tax_id", "DE 136 695 976", "DE 136 695 978"),
    ],
)
def test_a_value_that_passes_the_check_of_its_kind_is_preferred(attribute: str, right: str, wrong: str) -> None:
    group = Group(attribute, (attribute,), (Rule.VERIFIED,))
    members = [member("a", country="DE", **{attribute: wrong}), member("b", country="DE", **{attribute: right})]
    golden = survive(members, [group], PRIORITY)
    assert (golden.values[attribute], golden.provenance[attribute]["rule"]) == (right, "verified")


def test_settings_put_other_rules_in_their_place() -> None:
    policy = changed({PartyKind.PERSON: {"phone": Choice((Rule.LONGEST,), frozenset({"finance"}))}})
    (phone,) = [group for group in policy["person"] if group.name == "phone"]
    assert (phone.rules, phone.prefer) == ((Rule.LONGEST,), frozenset({"finance"}))
    assert policy["organization"] == POLICY["organization"]


@pytest.mark.parametrize(("name", "rule"), [("shoe", Rule.LONGEST), ("phone", Rule.LIVING), ("phone", Rule.MANUAL)])
def test_settings_that_cannot_be_are_refused_with_what_there_is(name: str, rule: Rule) -> None:
    with pytest.raises(ValueError, match=r"most_recent|address"):
        changed({PartyKind.PERSON: {name: Choice((rule,))}})
