"""The guess of columns on tables of any content: an answer for every column, or a plain error."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.kinds import Kind
from dedup.mapping import guess

NAMES = st.sampled_from(
    ["id", "name", "First Name", "Straße Nr.", "", "日本", "e-mail", "dob", "x" * 300, "updated_at", "1"]
)
VALUES = st.one_of(
    st.lists(st.none() | st.text(max_size=30), max_size=40),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=40),
    st.lists(st.none() | st.floats(), max_size=40),
    st.lists(st.none() | st.datetimes(), max_size=40),
    st.lists(st.none() | st.binary(max_size=5), max_size=40),
    st.lists(st.none() | st.lists(st.integers(0, 9), max_size=2), max_size=40),
)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_every_column_gets_a_kind_and_at_most_one_is_the_id(columns):
    rows = min((len(values) for values in columns.values()), default=0)
    table = pa.table({name: values[:rows] for name, values in columns.items()})
    try:
        found = guess(table)
    except ValueError as error:
        assert str(error).startswith("no column is left to compare")  # noqa: PT017
        return
    assert list(found) == table.column_names
    assert sum(each.kind is Kind.ID for each in found.values()) <= 1
    assert found == guess(table), "the same answer twice"
