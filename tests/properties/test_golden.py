"""What must hold of golden records whatever the sources say."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.golden import placeholders
from hub.golden.consents import Statement, strictest
from hub.golden.policy import ATTRIBUTES, POLICY
from hub.golden.survivorship import Member, survive
from hub.model.kinds import Channel, ConsentStatus, Department, PartyKind

PRIORITY = ("sales", "finance", "support", "marketing")
ADDRESS = ("street", "city", "region", "postcode", "country")
moments = st.integers(0, 5).map(lambda day: dt.datetime(2026, 1, 1 + day, tzinfo=dt.UTC))
# Few different words, so that records agree, disagree and lack values in every combination.
words = st.sampled_from(["Ann", "ANN", "Bob Lee", "n/a", "-", "", "000", "x@y.example", "+49 30 12", "Null"])
values = st.builds(
    lambda name, found: found | {"name": name},
    words.filter(bool),  # the canonical model has no party without a name
    st.dictionaries(st.sampled_from(ATTRIBUTES), st.none() | words),
)


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    refs = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True))
    return [
        Member(
            ref, draw(st.sampled_from(Department)).value, draw(st.booleans()), draw(st.none() | moments), draw(values)
        )
        for ref in refs
    ]


kinds = st.sampled_from(PartyKind)


@given(kinds, members(), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(kind, found, random) -> None:
    shuffled = random.sample(found, len(found))
    assert survive(found, POLICY[kind], PRIORITY) == survive(shuffled, POLICY[kind], PRIORITY)


@given(kinds, members())
def test_an_address_is_that_of_one_record(kind, found) -> None:
    golden = survive(found, POLICY[kind], PRIORITY).values
    chosen = tuple(golden.get(name) for name in ADDRESS)
    nothing = (None,) * len(ADDRESS)
    assert chosen in [*(_address(member) for member in found), nothing]
    if chosen == nothing:
        assert all(_address(member) == nothing for member in found)


def _address(member: Member) -> tuple[object, ...]:
    return tuple(placeholders.given(name, member.values.get(name)) for name in ADDRESS)


@given(kinds, members())
def test_every_value_is_that_of_the_record_it_names(kind, found) -> None:
    golden = survive(found, POLICY[kind], PRIORITY)
    by_ref = {member.ref: member for member in found}
    assert golden.values["name"] is not None
    assert set(golden.values) <= set(golden.provenance)
    for name, value in golden.values.items():
        raw = by_ref[golden.provenance[name]["ref"]].values.get(name)
        made = name == "name" and placeholders.given(name, raw) is None
        assert made or (raw or "").strip() == value
    for told in golden.provenance.values():
        assert told["ref"] not in [loser["ref"] for loser in told["losers"]]


@given(kinds, members())
def test_a_living_record_is_never_overruled_by_a_deleted_one(kind, found) -> None:
    living = {member.ref for member in found if member.living}
    golden = survive(found, POLICY[kind], PRIORITY)
    for group in POLICY[kind]:
        told = golden.provenance.get(group.attributes[0])
        has = [
            member for member in found
            if any(placeholders.given(name, member.values.get(name)) for name in group.attributes)
        ]  # fmt: skip
        if told and told["rule"] not in {"placeholder", "agreed"} and any(member.living for member in has):
            assert told["ref"] in living


@st.composite
def statements(draw: st.DrawFn, parties: str) -> list[Statement]:
    count = draw(st.integers(0, 6))
    return [
        Statement(
            draw(st.sampled_from(parties)),
            f"{parties}{number}",
            draw(st.sampled_from([Channel.EMAIL, Channel.PHONE])).value,
            draw(st.sampled_from(["marketing", "survey"])),
            draw(st.sampled_from(ConsentStatus)).value,
            draw(moments),
            draw(st.booleans()),
        )
        for number in range(count)
    ]


def _with_status(found: list[Statement], status: str) -> set[tuple[str, str]]:
    return {(said["channel"], said["purpose"]) for said in strictest(found) if said["status"] == status}


@settings(max_examples=300)
@given(statements("ab"), statements("cd"))
def test_no_merge_widens_permission(one, other) -> None:
    merged = _with_status(one + other, "granted")
    apart = _with_status(one, "granted") | _with_status(other, "granted")
    forbidden = _with_status(one, "withdrawn") | _with_status(other, "withdrawn")
    assert merged == apart - forbidden
    assert _with_status(one + other, "withdrawn") == forbidden


@given(statements("abcd"), st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(found, random) -> None:
    assert strictest(found) == strictest(random.sample(found, len(found)))
