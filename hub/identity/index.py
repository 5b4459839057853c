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
from dedup.blocking import keys_of
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
class Change:
    """The keys of changed parties now, with the columns of `key_table`; and the keys of blocks that have other members
    than before, ascending, with the number of parties that each holds more: shape (keys,), negative where less.
    """

    after: pa.Table
    moved: Ids
    more: Ids


@cache
def code() -> str:
    """Names the code that standardises, blocks and writes forms: what another version of it wrote is of no use."""
    digest = blake2b(digest_size=8)
    folder = Path(dedup.__file__).parent
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    digest.update(Path(forms.__file__).read_bytes())
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
    fresh = standardised(kind, parties.load(connection, kind))
    arrow.copy_in(connection, f"identity.standardised_{kind.value}", fresh)
    # Ordered by key, so that the rows of a block stand together and the primary key grows at its end.
    keys = key_table(kind, _prepared(kind, fresh)).select(["key", "party_id"])
    arrow.copy_in(connection, f"identity.blocking_key_{kind.value}", keys)
    connection.execute(text(f"ANALYZE identity.blocking_key_{kind.value}, identity.standardised_{kind.value}"))


def refresh(connection: Connection, kind: PartyKind, changed: Ids) -> None:
    """Bring the index up to what `changed` parties are now."""
    given = parties.load_some(connection, changed.tolist())
    replace(connection, kind, changed, keys_now(connection, kind, changed), standardised(kind, given))


def replace(connection: Connection, kind: PartyKind, changed: Ids, before: pa.Table, fresh: pa.Table) -> Change:
    """Write the index of `changed` parties, of whom it holds the keys `before`, from what `standardised` gave."""
    after = key_table(kind, _prepared(kind, fresh))
    lost, won = _without(before, after), _without(after, before)
    arrow.stage(connection, "fresh_form", fresh)
    arrow.stage(connection, "changed", pa.table({"party_id": changed}))
    arrow.stage(connection, "lost", lost)
    for statement in _REPLACE:
        connection.execute(text(statement.format(kind=kind.value)))
    arrow.copy_in(connection, f"identity.blocking_key_{kind.value}", won)
    return Change(after, *_growth(lost, won))


def keys_now(connection: Connection, kind: PartyKind, party_ids: Ids) -> pa.Table:
    """The keys of these parties, as far as they are in the index, with the columns of `key_table`."""
    return key_table(kind, some(connection, kind, party_ids))


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
    return forms.join(kind, *_read(connection, kind, (f"BETWEEN {piece[0]} AND {piece[-1]}" for piece in _pieces(ids))))


def some(connection: Connection, kind: PartyKind, party_ids: Ids) -> Prepared:
    """The standardised records of these parties, as far as they are in the index, ordered by party_id."""
    return forms.join(kind, *splits(connection, kind, party_ids))


def splits(connection: Connection, kind: PartyKind, party_ids: Ids) -> tuple[Ids, list[forms.Split]]:
    """Those of these parties that are in the index, and their forms, as `forms.join` takes them."""
    return _read(connection, kind, (f"= ANY({arrow.array_of(piece.tolist())})" for piece in _pieces(party_ids)))


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


def _read(connection: Connection, kind: PartyKind, conditions: Iterator[str]) -> tuple[Ids, list[forms.Split]]:
    """Ids and forms of the parties whose id meets one of the conditions."""
    table = f"identity.standardised_{kind.value}"
    queries = (f"SELECT party_id, form FROM {table} WHERE party_id {condition}" for condition in conditions)
    return arrow.texts_out(connection, queries, "party_id", "form", partial(forms.split, kind))


def standardised(kind: PartyKind, given: pa.Table) -> pa.Table:
    """Those of the given parties that are of the kind: `party_id`, ascending as given, and `form`."""
    table = SPECS[kind].standardise(given.filter(pc.equal(given["kind"], kind.value)))
    return pa.table([table.ids, forms.write(kind, table)], schema=_FORMS)


def _prepared(kind: PartyKind, found: pa.Table) -> Prepared:
    return forms.read(kind, found["party_id"].to_numpy(), found["form"])


def _without(keys: pa.Table, others: pa.Table) -> pa.Table:
    """The keys and parties of a table that are not in another."""
    left, right = (pl.DataFrame(table.select(["key", "party_id"])) for table in (keys, others))
    return left.join(right, on=["key", "party_id"], how="anti").to_arrow()


def _growth(lost: pa.Table, won: pa.Table) -> tuple[Ids, Ids]:
    """The keys that somebody lost or won, ascending, and by how many parties the block of each has grown."""
    keys, which = np.unique(np.concatenate([won["key"].to_numpy(), lost["key"].to_numpy()]), return_inverse=True)
    change = np.repeat([1, -1], [len(won), len(lost)])
    return keys, np.bincount(which, weights=change, minlength=len(keys)).astype(np.int64)


_REPLACE = (
    """DELETE FROM identity.standardised_{kind} s USING changed c
       WHERE s.party_id = c.party_id AND NOT EXISTS (SELECT 1 FROM fresh_form f WHERE f.party_id = s.party_id)""",
    """INSERT INTO identity.standardised_{kind} AS s (party_id, form) SELECT party_id, form FROM fresh_form
       ON CONFLICT (party_id) DO UPDATE SET form = excluded.form WHERE s.form <> excluded.form""",
    "DELETE FROM identity.blocking_key_{kind} k USING lost l WHERE k.key = l.key AND k.party_id = l.party_id",
)

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
