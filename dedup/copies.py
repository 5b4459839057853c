"""Rows that are equal in all that is compared, and an order of rows that depends on nothing but their content."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from dedup.columns import Column, Flags, Index, Prepared
from dedup.hashing import Hashes, mixed
from dedup.matching import SCHEMA

# So many rows of one content are trained on and compared: enough to learn how often customers are written alike. 150
# copies of one among 4,000 others pass for what unrelated records share, and 300 would be no key any more.
MOST_COPIES = 10
_SALT = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Copies:
    """`rows`: the rows that are kept, by content, shape (kept,). `first`: per row the place of the first like it."""

    rows: Index
    first: Index

    @property
    def repeated(self) -> Index:
        """The places, among the kept, of the first rows of contents that several rows have."""
        return np.nonzero(np.bincount(self.first, minlength=len(self.rows)) > 1)[0]

    def labels(self, clusters: Index, alike: Flags) -> Index:
        """Per row the first row of its cluster. `clusters` by place; `alike`: whether copies of a place are one."""
        found = np.arange(len(self.rows), len(self.rows) + len(self.first))
        found[self.rows] = clusters
        together = alike[self.first]
        found[together] = clusters[self.first[together]]
        _, begins, inverse = np.unique(found, return_index=True, return_inverse=True)
        labels: Index = begins[inverse]
        return labels

    def pairs(self, found: pa.Table) -> pa.Table:
        """Scored pairs of places as pairs of rows, in the order of these."""
        a, b = (self.rows[found[side].to_numpy()] for side in ("a", "b"))
        rows = {"a": np.minimum(a, b), "b": np.maximum(a, b)}
        told = pl.DataFrame({**rows, **{name: pl.from_arrow(found[name]) for name in SCHEMA.names[2:]}})
        return told.sort("a", "b").to_arrow().cast(SCHEMA)


def by_content(table: Prepared) -> tuple[Prepared, Copies]:
    """The records by the hash of their content, ten of one content at most, numbered anew; and where they came from.

    Samples and ties are taken by position: in this order they are the same however the rows of a file are sorted.
    """
    content = content_of(table)
    order = np.argsort(content, kind="stable")
    sorted_ = content[order]
    begins = np.nonzero(np.append([True], sorted_[1:] != sorted_[:-1]))[0] if len(order) else order
    sizes = np.diff(np.append(begins, len(order)))
    kept = np.minimum(sizes, MOST_COPIES)
    turn = np.arange(len(order)) - np.repeat(begins, sizes)
    rows = order[turn < MOST_COPIES]
    first = np.empty_like(order)
    first[order] = np.repeat(np.cumsum(kept) - kept, sizes)
    return _taken(table, rows), Copies(rows, first)


def content_of(table: Prepared) -> Hashes:
    """A hash of all standardised values of each record, shape (records,)."""
    total = np.zeros(len(table), dtype=np.uint64)
    for name in sorted(table.columns):
        if name.endswith(".text"):
            known = table.parts.get(f"{name.removesuffix('.text')}.all")
            column = table.columns[name]
            total = mixed(total + _SALT ^ (column.hashes[column.first] if known is None else known))
    return total


def _taken(table: Prepared, rows: Index) -> Prepared:
    """Some records, in this order. Vocabularies stay as they are: to make them anew takes a sort of each column."""
    with ThreadPoolExecutor() as pool:
        codes = pool.map(lambda column: column.codes[rows], table.columns.values())
        parts = pool.map(lambda hashes: hashes[rows], table.parts.values())
        columns = {
            name: Column(taken, column.words)
            for (name, column), taken in zip(table.columns.items(), codes, strict=True)
        }
        ids = np.arange(len(rows))
        hashes = dict(zip(table.parts, parts, strict=True))
        return replace(table, ids=ids, columns=columns, raw=table.raw.slice(0, 0), parts=hashes)
