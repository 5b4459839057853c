"""Who is to be compared with parties that changed: all that share a blocking key with them, found in the index."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from dedup.blocking import Blocks, Keys
from dedup.columns import Prepared
from hub.db import arrow
from hub.identity import forms, index, parties
from hub.identity.index import Ids
from hub.identity.models import SPECS
from hub.model.kinds import PartyKind

# Keys that are asked for at a time: two megabytes of a query, and some ten of its answer.
_PIECE = 100_000
# Ids and forms of parties, as `forms.join` takes them.
_Forms = tuple[Ids, list[forms.Split]]


@dataclass(frozen=True)
class Neighbourhood:
    """Touched parties, whose pairs a change concerns, among those that share a usable key with them, and a few others.

    `ids` are the touched ones, also those that are not of the kind any more; `touched` flags them among the records,
    shape (records,). `dropped` are the keys of touched parties that too many share: the name of the rule, and by how
    many.
    """

    ids: Ids
    records: Prepared
    touched: NDArray[np.bool_]
    blocks: Blocks
    dropped: tuple[tuple[str, int], ...]


def renew(connection: Connection, kind: PartyKind, changed: Ids, max_block: int) -> Neighbourhood:
    """Bring the index up to what `changed` parties are now; returns all whose pairs that concerns, and those around.

    Blocks of more than `max_block` parties are not compared. Where a key becomes one that too many share, or ceases to
    be, that decides whether parties that did not change are compared with each other: they are touched too.
    """
    change, ahead, read = _replaced(connection, kind, changed, max_block)
    # A block that holds more than it won and may hold is too large now, and was before.
    moved = _held(connection, kind, change.moved, max_block + np.maximum(change.more, 0))
    others = np.setdiff1d(_crossing(moved, change, max_block), changed)
    ids, keys = np.union1d(changed, others), pa.concat_tables([change.after, index.keys_now(connection, kind, others)])
    known = pl.concat([ahead.filter(~pl.col("key").is_in(change.moved)), moved])
    more = _held(connection, kind, np.setdiff1d(keys["key"], known["key"]), max_block)
    rule = pl.DataFrame({"key": keys["key"], "rule": keys["rule"]}).unique("key")
    held = pl.concat([known, more]).join(rule, on="key").sort("key", "party_id")
    usable, large = held.filter(_usable(max_block)), held.filter(pl.col("size") > max_block).unique("key")
    records = _records(connection, kind, np.union1d(usable["party_id"], ids), read)
    touched, blocks = np.isin(records.ids, ids), _blocks(kind, usable, records)
    return Neighbourhood(ids, records, touched, blocks, _dropped(connection, kind, large))


def _replaced(
    connection: Connection, kind: PartyKind, changed: Ids, max_block: int
) -> tuple[index.Change, pl.DataFrame, _Forms]:
    """The index brought up to date, and what was read of it meanwhile: who held the keys of before, and their forms."""
    before = index.keys_now(connection, kind, changed)
    given = parties.load_some(connection, changed.tolist())
    with ThreadPoolExecutor(1) as beside:
        # A third of what a change costs, and Python's alone. Postgres and arrow read meanwhile what is needed in any
        # case but for little: a record that changes keeps most of its keys.
        fresh = beside.submit(index.standardised, kind, given)
        held = _held(connection, kind, before["key"].to_numpy(), max_block)
        read = index.splits(connection, kind, np.setdiff1d(held.filter(_usable(max_block))["party_id"], changed))
    return index.replace(connection, kind, changed, before, fresh.result()), held, read


def _held(connection: Connection, kind: PartyKind, keys: Ids, most: int | Ids) -> pl.DataFrame:
    """Who holds the keys: `key`, `party_id`, and `size` of the block; of one above `most` no more than shows it."""
    asked, first = np.unique(keys, return_index=True)
    limits = np.broadcast_to(most, keys.shape)[first] + 1
    pieces = [np.zeros((2, 0), dtype=np.int64)]
    for begin in range(0, len(asked), _PIECE):
        several = (arrow.array_of(numbers[begin : begin + _PIECE].tolist()) for numbers in (asked, limits))
        query = _HOLDERS.format(*several, kind=kind.value)
        pieces.append(np.stack(arrow.numbers_out(connection, query, ["key", "party_id"])))
    key, party_id = np.concatenate(pieces, axis=1)
    return pl.DataFrame({"key": key, "party_id": party_id}).with_columns(size=pl.len().over("key").cast(pl.Int64))


def _usable(max_block: int) -> pl.Expr:
    return pl.col("size").is_between(2, max_block)


def _crossing(moved: pl.DataFrame, change: index.Change, max_block: int) -> Ids:
    """Who shares a key whose block has become too large, or has ceased to be."""
    growth = pl.DataFrame({"key": change.moved, "more": change.more})
    now, before = pl.col("size") <= max_block, pl.col("size") - pl.col("more") <= max_block
    return moved.join(growth, on="key").filter(now != before)["party_id"].unique().to_numpy()


def _records(connection: Connection, kind: PartyKind, party_ids: Ids, read: _Forms) -> Prepared:
    """The records of some parties; those that were read and are not asked for stay among them, in no block."""
    ids, splits = index.splits(connection, kind, np.setdiff1d(party_ids, read[0]))
    return forms.join(kind, np.concatenate([read[0], ids]), [*read[1], *splits])


def _blocks(kind: PartyKind, held: pl.DataFrame, records: Prepared) -> Blocks:
    """The blocks of keys, of which `held` has the number of the `rule` too and is ordered by key."""
    rows = np.searchsorted(records.ids, held["party_id"]).astype(np.int32)
    key, rule = held["key"].to_numpy(), held["rule"].to_numpy()
    chosen = (rule == place for place in range(len(SPECS[kind].blocking)))
    blocks = tuple(Keys(place, rows[one], _begins(key[one])) for place, one in enumerate(chosen))
    return Blocks(len(records), blocks, ())


def _begins(key: Ids) -> Ids:
    """Where each of the keys, which are ordered, begins, and where the last ends."""
    return np.append(np.nonzero(np.append(True, key[1:] != key[:-1])[: len(key)])[0], len(key))


def _dropped(connection: Connection, kind: PartyKind, keys: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """Rule and size of the blocks of some keys, as matching reports them: by rule, the largest first."""
    counted = connection.execute(
        text(
            f"""SELECT key, count(*) FROM identity.blocking_key_{kind.value}
                WHERE key = ANY(CAST(:keys AS bigint[])) GROUP BY key"""
        ),
        {"keys": keys["key"].to_list()},
    )
    sizes = {row[0]: row[1] for row in counted}
    rules = SPECS[kind].blocking
    found = [(rules[rule].name, sizes[key]) for key, rule in zip(keys["key"], keys["rule"], strict=True)]
    return tuple(sorted(found, key=lambda block: (block[0], -block[1])))


_HOLDERS = """
    SELECT asked.key, held.party_id FROM unnest({}, {}) AS asked (key, most) CROSS JOIN LATERAL (
        SELECT k.party_id FROM identity.blocking_key_{kind} k WHERE k.key = asked.key LIMIT asked.most
    ) held
"""
