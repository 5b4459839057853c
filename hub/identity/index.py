"""The index of a kind: the standardised form of each party and its blocking keys, in step with the stored pairs.

It follows from the parties and the code alone, not from the model. A party is in the index of its kind from the run
that matches it on; the run that finds it there under another kind takes it out.
"""

import importlib.metadata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, text

import dedup
from dedup.blocking import Blocks, Keys, keys_of
from dedup.columns import Prepared, hash_together
from hub.db import arrow, plain
from hub.identity import forms, parties
from hub.identity.models import SPECS
from hub.model.kinds import PartyKind

Ids = NDArray[np.int64]

# What standardises with the help of these depends on their versions too.
_LIBRARIES = ("anyascii", "cleanco", "nicknames", "phonenumbers", "tldextract")
# Parties whose forms are read at a time.
_PIECE = 10_000
_KEYS = pa.schema([("key", pa.int64()), ("party_id", pa.int64()), ("rule", pa.int16())])
_FORMS = pa.schema([("party_id", pa.int64()), ("form", pa.string())])


@dataclass(frozen=True)
class Basis:
    """What the stored pairs of a kind were found by: this model, and blocks of at most so many parties."""

    model_version: str
    max_block: int


@dataclass(frozen=True)
class Neighbourhood:
    """Touched parties with all that share a usable key with them; `touched` flags the former. Shapes (records,).

    `dropped` are the keys of touched parties that too many share: the name of the rule, and by how many.
    """

    records: Prepared
    touched: NDArray[np.bool_]
    blocks: Blocks
    dropped: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Touched:
    """Parties whose pairs a change concerns: their ids, and their keys with the columns of `key_table`."""

    ids: Ids
    keys: pa.Table


@cache
def code() -> str:
    """Names the code that standardises and blocks: what another version of it wrote is of no use."""
    digest = blake2b(digest_size=8)
    folder = Path(dedup.__file__).parent
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {importlib.metadata.version(library)}\0".encode())
    return digest.hexdigest()


def basis(connection: Connection, kind: PartyKind) -> Basis | None:
    """What the index and the pairs of a kind are in step with; None where the index is to be filled anew."""
    known = connection.execute(
        text("SELECT model_version, max_block FROM identity.match_index WHERE kind = :kind AND code = :code"),
        {"kind": kind.value, "code": code()},
    ).one_or_none()
    return Basis(known.model_version, known.max_block) if known else None


def keep_basis(connection: Connection, kind: PartyKind, found_by: Basis) -> None:
    """Say that the index of a kind is in step with the code, and what the stored pairs were found by."""
    connection.execute(
        text(
            """INSERT INTO identity.match_index (kind, code, model_version, max_block)
               VALUES (:kind, :code, :model_version, :max_block)
               ON CONFLICT (kind) DO UPDATE SET
                   code = excluded.code, model_version = excluded.model_version, max_block = excluded.max_block"""
        ),
        {"kind": kind.value, "code": code(), **asdict(found_by)},
    )


def fill(connection: Connection, kind: PartyKind) -> None:
    """Write the index of all parties of a kind anew."""
    connection.execute(text(f"DELETE FROM identity.blocking_key_{kind.value}"))
    connection.execute(text(f"DELETE FROM identity.standardised_{kind.value}"))
    fresh = _standardised(kind, parties.load(connection, kind))
    arrow.copy_in(connection, f"identity.standardised_{kind.value}", fresh)
    # Ordered by key, so that the rows of a block stand together and the primary key grows at its end.
    keys = key_table(kind, _prepared(kind, fresh)).select(["key", "party_id"])
    arrow.copy_in(connection, f"identity.blocking_key_{kind.value}", keys)
    connection.execute(text(f"ANALYZE identity.blocking_key_{kind.value}, identity.standardised_{kind.value}"))


def refresh(connection: Connection, kind: PartyKind, changed: Ids, max_block: int) -> Touched:
    """Bring the index up to what `changed` parties are now; returns all whose pairs that concerns.

    Where a key becomes one that too many share, or ceases to be, that decides whether parties that did not change are
    compared with each other: they are concerned too.
    """
    before = key_table(kind, some(connection, kind, changed))
    fresh = _standardised(kind, parties.load_some(connection, changed.tolist()))
    after = key_table(kind, _prepared(kind, fresh))
    lost, won = _without(before, after), _without(after, before)
    arrow.stage(connection, "fresh_form", fresh)
    arrow.stage(connection, "changed", pa.table({"party_id": changed}))
    arrow.stage(connection, "lost", lost)
    moved = _growth(lost, won)
    arrow.stage(connection, "moved", moved)
    for statement in _REFRESH:
        connection.execute(text(statement.format(kind=kind.value)))
    arrow.copy_in(connection, f"identity.blocking_key_{kind.value}", won)
    # A block that holds more than this is too large now, and was before.
    limit = max_block + 1 + max([0, *moved["more"].to_pylist()])
    crossing = _CROSSING.format(kind=kind.value, max_block=max_block, limit=limit)
    (others,) = arrow.numbers_out(connection, crossing, ["party_id"])
    others = np.setdiff1d(others, changed)
    keys = pa.concat_tables([after, key_table(kind, some(connection, kind, others))])
    return Touched(np.union1d(changed, others), keys)


def key_table(kind: PartyKind, table: Prepared) -> pa.Table:
    """The blocking keys of standardised records, ordered by key, and the number of the rule; a key of a record once."""
    hash_together(table.columns[name] for rule in SPECS[kind].blocking for name in rule.columns)
    hashes, rows, rule = keys_of(table, SPECS[kind])
    key, party_id = hashes.view(np.int64), table.ids[rows]
    order = np.lexsort((party_id, key))
    key, party_id = key[order], party_id[order]
    once = np.append(True, (key[1:] != key[:-1]) | (party_id[1:] != party_id[:-1]))[: len(key)]
    return pa.table([key[once], party_id[once], rule[order][once].astype(np.int16)], schema=_KEYS)


def everybody(connection: Connection, kind: PartyKind) -> Prepared:
    """The standardised records of all parties of a kind, ordered by party_id."""
    (ids,) = arrow.numbers_out(connection, f"SELECT party_id FROM identity.standardised_{kind.value}", ["party_id"])
    return _read(connection, kind, (f"BETWEEN {piece[0]} AND {piece[-1]}" for piece in _pieces(ids)))


def some(connection: Connection, kind: PartyKind, party_ids: Ids) -> Prepared:
    """The standardised records of these parties, as far as they are in the index, ordered by party_id."""
    wanted = (",".join(map(str, piece.tolist())) for piece in _pieces(party_ids))
    return _read(connection, kind, (f"= ANY('{{{listed}}}')" for listed in wanted))


def neighbourhood(connection: Connection, kind: PartyKind, touched: Touched, max_block: int) -> Neighbourhood:
    """The touched parties and their candidates."""
    keys, first = np.unique(touched.keys["key"].to_numpy(), return_index=True)
    rules = touched.keys["rule"].to_numpy()[first]
    arrow.stage(connection, "asked", pa.table({"key": keys}))
    # One more than may be tells that there are too many.
    held = _HOLDERS.format(kind=kind.value, limit=max_block + 1)
    key, owner = arrow.numbers_out(connection, held, ["key", "party_id"])
    key = np.searchsorted(keys, key)
    sizes = np.bincount(key, minlength=len(keys))
    usable = (sizes >= 2) & (sizes <= max_block)
    key, owner = key[usable[key]], owner[usable[key]]
    records = some(connection, kind, np.union1d(owner, touched.ids))
    order = np.lexsort((owner, key))
    rows = np.searchsorted(records.ids, owner[order]).astype(np.int32)
    blocks = tuple(_keys(place, key[order], rows, rules) for place in range(len(SPECS[kind].blocking)))
    dropped = _dropped(connection, kind, keys[sizes > max_block], rules[sizes > max_block])
    return Neighbourhood(records, np.isin(records.ids, touched.ids), Blocks(len(records), blocks, ()), dropped)


def _keys(place: int, key: Ids, rows: NDArray[np.int32], rules: NDArray[np.int16]) -> Keys:
    """The blocks of one rule, of rows ordered by the numbers of their keys; `rules` by number of a key."""
    chosen = rules[key] == place
    key, rows = key[chosen], rows[chosen]
    begins = np.nonzero(np.append(True, key[1:] != key[:-1])[: len(key)])[0]
    return Keys(place, rows, np.append(begins, len(rows)))


def _dropped(
    connection: Connection, kind: PartyKind, keys: Ids, rules: NDArray[np.int16]
) -> tuple[tuple[str, int], ...]:
    """Rule and size of the blocks of some keys, as matching reports them: by rule, the largest first."""
    counted = connection.execute(
        text(
            f"""SELECT key, count(*) FROM identity.blocking_key_{kind.value}
                WHERE key = ANY(CAST(:keys AS bigint[])) GROUP BY key"""
        ),
        {"keys": keys.tolist()},
    )
    sizes = {row[0]: row[1] for row in counted}
    names = [SPECS[kind].blocking[rule].name for rule in rules]
    found = [(name, sizes[key]) for name, key in zip(names, keys.tolist(), strict=True)]
    return tuple(sorted(found, key=lambda block: (block[0], -block[1])))


def partners(connection: Connection, kind: PartyKind, record: Prepared) -> tuple[str, list[tuple[int, str]]] | None:
    """The parties that share a usable key with one record that is not there yet; writes nothing.

    Returns:
        The version of the model that the stored pairs were found by, and id and form of the parties, by id; None where
        the index is to be filled anew.
    """
    values = {"kind": kind.value, "code": code(), "keys": key_table(kind, record)["key"].to_pylist()}
    found = plain.rows(connection, _PARTNERS.format(kind=kind.value), values)
    return (found[0][1], found[1:]) if found else None


def _pieces(party_ids: Ids) -> Iterator[Ids]:
    """The ids in ascending order, so many at a time that their forms are a few megabytes."""
    ordered = np.unique(party_ids)
    return (ordered[begin : begin + _PIECE] for begin in range(0, len(ordered), _PIECE))


def _read(connection: Connection, kind: PartyKind, conditions: Iterator[str]) -> Prepared:
    """The records of the parties whose id meets one of the conditions, of which each is about larger ids."""
    table = f"identity.standardised_{kind.value}"
    queries = (f"SELECT party_id, form FROM {table} WHERE party_id {condition}" for condition in conditions)
    ids, pieces = arrow.texts_out(connection, queries, "party_id", "form", partial(forms.split, kind))
    return forms.join(kind, ids, pieces)


def _standardised(kind: PartyKind, given: pa.Table) -> pa.Table:
    """The forms of those of the given parties that are of the kind."""
    table = SPECS[kind].standardise(given.filter(pc.equal(given["kind"], kind.value)))
    return pa.table([table.ids, forms.write(kind, table)], schema=_FORMS)


def _prepared(kind: PartyKind, found: pa.Table) -> Prepared:
    return forms.read(kind, found["party_id"].to_numpy(), found["form"])


def _without(keys: pa.Table, others: pa.Table) -> pa.Table:
    """The keys and parties of a table that are not in another."""
    left, right = (pl.DataFrame(table.select(["key", "party_id"])) for table in (keys, others))
    return left.join(right, on=["key", "party_id"], how="anti").to_arrow()


def _growth(lost: pa.Table, won: pa.Table) -> pa.Table:
    """By how many parties the block of each key has grown, where it has."""
    counted = [pl.DataFrame(keys).select("key", more=pl.lit(one, pl.Int64)) for keys, one in ((won, 1), (lost, -1))]
    return pl.concat(counted).group_by("key").sum().filter(pl.col("more") != 0).to_arrow()


_REFRESH = (
    """DELETE FROM identity.standardised_{kind} s USING changed c
       WHERE s.party_id = c.party_id AND NOT EXISTS (SELECT 1 FROM fresh_form f WHERE f.party_id = s.party_id)""",
    """INSERT INTO identity.standardised_{kind} AS s (party_id, form) SELECT party_id, form FROM fresh_form
       ON CONFLICT (party_id) DO UPDATE SET form = excluded.form WHERE s.form <> excluded.form""",
    "DELETE FROM identity.blocking_key_{kind} k USING lost l WHERE k.key = l.key AND k.party_id = l.party_id",
)

# Who shares a key whose block has crossed the limit.
_CROSSING = """
    SELECT DISTINCT k.party_id FROM moved m CROSS JOIN LATERAL (
        SELECT count(*) AS size FROM (
            SELECT 1 FROM identity.blocking_key_{kind} k WHERE k.key = m.key LIMIT {limit}
        ) held
    ) now JOIN identity.blocking_key_{kind} k USING (key)
    WHERE (now.size <= {max_block}) <> (now.size - m.more <= {max_block})
"""

_HOLDERS = """
    SELECT asked.key, held.party_id FROM asked CROSS JOIN LATERAL (
        SELECT k.party_id FROM identity.blocking_key_{kind} k WHERE k.key = asked.key LIMIT {limit}
    ) held
"""

# With the record itself a block may hold `max_block`. Of one that is too large, no more is read than shows it.
# The first row, which has no party, tells the model.
_PARTNERS = """
    WITH basis AS MATERIALIZED (
        SELECT model_version, max_block FROM identity.match_index WHERE kind = %(kind)s AND code = %(code)s
    )
    SELECT CAST(NULL AS bigint) AS party_id, model_version AS form FROM basis
    UNION ALL
    SELECT party_id, form FROM identity.standardised_{kind} WHERE party_id IN (
        SELECT party_id FROM unnest(CAST(%(keys)s AS bigint[])) AS asked (key) CROSS JOIN LATERAL (
            SELECT party_id, count(*) OVER () AS size FROM (
                SELECT k.party_id FROM identity.blocking_key_{kind} k WHERE k.key = asked.key
                LIMIT coalesce((SELECT max_block FROM basis), 0)
            ) held
        ) block
        WHERE size < (SELECT max_block FROM basis)
    ) ORDER BY party_id NULLS FIRST
"""
