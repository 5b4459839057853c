"""Fields of a payload: read by name, so that a row that does not fit names the field that does not."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import fields
from hub.errors import MappingError

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
READERS = (
    fields.text, fields.required, fields.free_text, fields.texts, fields.flag, fields.number, fields.money, fields.moment,
    fields.seconds, fields.date,
)  # fmt: skip


def refusal(reader, value) -> MappingError | None:
    try:
        reader({"a": {"b": value}}, "a.b")
    except MappingError as error:
        return error
    return None


@given(value=ANYTHING)
def test_whatever_comes_is_read_or_refused_by_name(value):
    for reader in READERS:
        refused = refusal(reader, value)
        if refused is not None:
            assert refused.field == "a.b"
            assert not isinstance(value, str) or len(value) < 12 or value not in refused.reason


def test_text_is_stripped_and_empty_text_is_nothing():
    assert fields.text({"x": "  Ann\x00 "}, "x") == "Ann"
    assert fields.text({"x": "   "}, "x") is None
    assert fields.text({"x": 10115}, "x") == "10115"
    assert fields.text({}, "x.y.z") is None


def test_a_missing_field_differs_from_an_empty_one():
    with pytest.raises(MappingError, match=r"^x: is missing$"):
        fields.required({}, "x")
    with pytest.raises(MappingError, match=r"^x: is missing or empty$"):
        fields.required({"x": " "}, "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T10:00:00.000+0000", dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)),
        ("2026-03-01T12:00:00+02:00", dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)),
        ("2026-03-01T10:00:00Z", dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)),
        ("1772359200000", dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)),
        (1772359200000, dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)),
        ("", None),
        (None, None),
    ],
)
def test_moments_as_the_vendors_write_them(value, expected):
    assert fields.moment({"x": value}, "x") == expected


def test_money_is_rounded_to_cents_and_bounded():
    assert fields.money({"x": "1234.567"}, "x") == Decimal("1234.57")
    for wrong in ("1e40", "many", [], True, float("inf")):
        with pytest.raises(MappingError):
            fields.money({"x": wrong}, "x")
