"""A set-up of Splink for files that no one wrote one for: what its documentation advises, decided by counts alone."""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import splink.comparison_library as cl
from splink import block_on

from benchmarks.peers.splink_settings import Setup

# A column blocks on its own if it makes at most this many pairs for each row.
MOST_PAIRS_PER_ROW = 20
# Columns with so few distinct values are categories: equal or not.
FEW_VALUES = 100
NO_EVIDENCE = ("unique_id", "source_dataset")


@dataclass(frozen=True)
class Column:
    """A column of evidence: distinct values, pairs of rows that share one, and the share of digits in them."""

    name: str
    distinct: int
    pairs: int
    digits: float


def as_text(columns: list[str]) -> str:
    """A projection: evidence as text under names that are safe in SQL, and empty text missing."""
    return ", ".join(_as_text(place, name) for place, name in enumerate(columns))


def _as_text(place: int, name: str) -> str:
    if name in NO_EVIDENCE:
        return name
    quoted = name.replace('"', '""')
    return f"""nullif(trim(cast("{quoted}" as varchar)), '') as c{place}_{re.sub("[^a-z0-9]", "_", name.lower())}"""


def generic(connection: Any) -> Setup:
    """The set-up for the table `records`, of which all columns but the id and the source are evidence.

    Columns with few shared values block, alone and by their first five characters. Those that share the most train,
    because their pairs are both matches and others. Raises ValueError if fewer than two columns can block.
    """
    rows = int(connection.sql("select count(*) from records").fetchall()[0][0])
    columns = connection.table("records").columns
    evidence = [_column(connection, name) for name in columns if name not in NO_EVIDENCE]
    evidence = [column for column in evidence if column.distinct > 1]
    blocking = [column for column in evidence if 0 < column.pairs <= MOST_PAIRS_PER_ROW * rows]
    if len(blocking) < 2:
        raise ValueError("no generic set-up of Splink fits: fewer than two columns have values that few rows share")
    rare, common = sorted(blocking, key=lambda one: one.distinct), sorted(blocking, key=lambda one: -one.pairs)
    starts = [f"substr({column.name}, 1, 5)" for column in blocking]
    starts = [start for start in starts if _shared(connection, start) <= MOST_PAIRS_PER_ROW * rows]
    return Setup(
        needs=frozenset(),
        comparisons=lambda: [_comparison(column) for column in evidence],
        blocking=tuple(block_on(rule) for rule in [*(column.name for column in blocking), *starts]),
        deterministic=tuple(block_on(one.name, other.name) for one, other in combinations(rare[-3:], 2)),
        recall=0.7,
        training=tuple(block_on(column.name) for column in common[:2]),
        kind="generic",
    )


def _column(connection: Any, name: str) -> Column:
    distinct, digits = connection.sql(
        f"select count(distinct {name}), avg(length(regexp_replace({name}, '[^0-9]', '', 'g')) / length({name})) "
        f"from records where {name} <> ''"
    ).fetchall()[0]
    return Column(name, int(distinct), _shared(connection, name), float(digits or 0))


def _shared(connection: Any, expression: str) -> int:
    """Pairs of rows that share a value of the expression."""
    sizes = f"select count(*) as size from records where {expression} <> '' group by {expression}"
    return int(connection.sql(f"select coalesce(sum(size * (size - 1) // 2), 0) from ({sizes})").fetchall()[0][0])


def _comparison(column: Column) -> Any:
    if "mail" in column.name:
        return cl.EmailComparison(column.name)
    if column.distinct <= FEW_VALUES:
        return cl.ExactMatch(column.name).configure(term_frequency_adjustments=True)
    if column.digits > 0.5:
        return cl.DamerauLevenshteinAtThresholds(column.name, [1, 2])
    return cl.JaroWinklerAtThresholds(column.name, [0.92, 0.8]).configure(term_frequency_adjustments=True)
