"""No merge widens a permission: of any two customers, whatever is known of them."""

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.eligibility.question import Answer, Purpose, Question, Rule, Verdict
from hub.eligibility.rules import HOLDS, Contact, Hold, Known, Now, judge
from hub.eligibility.settings import EligibilitySettings
from hub.golden.consents import Statement
from hub.model.kinds import Channel, Department

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
CHANNELS = [Channel.EMAIL, Channel.PHONE]
NAMES = ["Spring", "Autumn", None]
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland")]
RULES = sorted({rule for rules in HOLDS.values() for rule in rules})
moments = st.integers(0, 100 * 24).map(lambda hours: NOW - dt.timedelta(hours=hours))
told = st.integers(-48, 100 * 24).map(lambda hours: NOW - dt.timedelta(hours=hours))  # also by a clock that is wrong
OPEN_END = [Rule.COMPLAINT, Rule.BAD_RATING, Rule.OVERDUE]


@st.composite
def holds(draw, ref):
    rule, since = draw(st.sampled_from(RULES)), draw(moments)
    counted = draw(st.one_of(st.none(), moments)) if rule in OPEN_END else since
    return Hold(
        rule, Department.SUPPORT, ref, since, max(counted, since) if counted else None, draw(st.sampled_from(NAMES))
    )


@st.composite
def customers(draw, name):
    """A customer of one to three records, whose refs are its own."""
    records = [f"{name}:Contact:{number}" for number in range(draw(st.integers(1, 3)))]
    living = records[: draw(st.integers(0, 3))]
    said = [draw(st.sampled_from(records)) for _ in range(draw(st.integers(0, 4)))]
    statements = [
        Statement(
            record, f"{name}:consents:{number}", draw(st.sampled_from(CHANNELS)),
            draw(st.sampled_from(["marketing", "sales", "subscription 1", "service"])),
            draw(st.sampled_from(["granted", "granted", "granted", "withdrawn"])), draw(told),
            record not in living or draw(st.booleans()),
        )
        for number, record in enumerate(said)
    ]  # fmt: skip
    contacts = [
        Contact(f"{name}:events:{number}", draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(NAMES)), draw(moments))
        for number in range(draw(st.integers(0, 4)))
    ]
    held = [draw(holds(f"{name}:facts:{number}")) for number in range(draw(st.integers(0, 2)))]
    zones = {draw(st.sampled_from(ZONES)) for _ in records}
    return Known(living, zones, statements, held, contacts)


def merged(a: Known, b: Known) -> Known:
    return Known(
        a.living + b.living, a.zones | b.zones, a.statements + b.statements, a.holds + b.holds, a.contacts + b.contacts
    )


def until(answer: Answer) -> tuple[bool, dt.datetime]:
    """How long what is not about consent keeps back: for ever, or until a moment. Who has no record has no facts."""
    found = [one for one in answer.findings if one.rule not in {Rule.CONSENT, Rule.UNKNOWN}]
    ends = [one.until for one in found if one.until is not None]
    return any(one.verdict == Verdict.DENY for one in found), max(ends, default=NOW)


questions = st.builds(
    Question, st.sampled_from(CHANNELS), st.sampled_from(list(Purpose)), st.sampled_from(NAMES), st.sampled_from(NAMES),
    st.sampled_from(["subscription 1", "subscription 2", None]),
)  # fmt: skip
numbers = st.builds(
    EligibilitySettings,
    calls_per_week=st.integers(1, 3),
    opt_out_channels=st.frozensets(st.sampled_from(CHANNELS), max_size=1),
)


@settings(max_examples=100, deadline=None)
@given(customers("a"), customers("b"), questions, numbers)
def test_no_merge_is_wider_than_any_of_its_parts(a, b, question, limits):
    now = Now(NOW, limits)
    whole = judge(merged(a, b), question, now)
    for part in (a, b):
        alone = judge(part, question, now)
        assert until(whole) >= until(alone), "a hold, a limit or an objection was lost"
        records = {*part.living, *(one.party_ref for one in part.statements)}
        assert records & set(whole.reach) <= set(alone.reach), "a record is reached that could not be reached before"
    if all(judge(part, question, now).verdict != Verdict.ALLOW for part in (a, b)):
        assert whole.verdict != Verdict.ALLOW


@settings(max_examples=50, deadline=None)
@given(customers("a"), questions, numbers)
def test_a_contact_that_must_wait_is_allowed_at_the_moment_that_was_named(known, question, limits):
    answer = judge(known, question, Now(NOW, limits))
    if answer.not_before is not None:
        assert answer.not_before > NOW
        assert judge(known, question, Now(answer.not_before, limits)).verdict == Verdict.ALLOW
        just_before = answer.not_before - dt.timedelta(microseconds=1)
        assert judge(known, question, Now(just_before, limits)).verdict == Verdict.NOT_BEFORE
