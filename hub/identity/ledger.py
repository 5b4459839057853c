"""The ledger of judgements: signed, reasoned, append-only. Undoing ends a row; it never goes away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from hub.audit import record
from hub.db import bulk, locks
from hub.db.tables import identity
from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.identity import parties, waiting
from hub.model.kinds import AuthorKind, Verdict

QUEUE = "identity.to_resolve"
SOURCE_MERGE = "source merge"  # the author of judgements that repeat what a source says

_HEED_SOURCE_MERGES = """
    WITH said AS MATERIALIZED (
        SELECT DISTINCT least(loser.party_id, survivor.party_id) AS a, greatest(loser.party_id, survivor.party_id) AS b
        FROM canonical.party loser JOIN canonical.party survivor ON survivor.ref = loser.merged_into_ref
        WHERE loser.kind = survivor.kind AND loser.party_id <> survivor.party_id
    ), taken_back AS (
        UPDATE identity.judgement SET ended_at = now(), ended_by = :rule
        WHERE author = :rule AND author_kind = 'rule' AND ended_at IS NULL
          AND (party_a, party_b) NOT IN (SELECT a, b FROM said)
        RETURNING party_a, party_b
    ), entered AS (
        INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason)
        SELECT a, b, 'same', 'rule', :rule, 'the source merged these records' FROM said
        WHERE NOT EXISTS (SELECT 1 FROM identity.judgement j WHERE j.party_a = a AND j.party_b = b
                          AND j.author_kind = 'rule' AND (j.ended_at IS NULL OR j.ended_by <> :rule))
        RETURNING party_a, party_b
    )
    INSERT INTO identity.to_resolve (party_id)
    SELECT unnest(ARRAY[party_a, party_b]) FROM (SELECT * FROM entered UNION ALL SELECT * FROM taken_back) changed
    ON CONFLICT DO NOTHING
"""

# What the model holds of a pair, so that its answer and a person's can be compared whatever it learns later.
_HELD = "(SELECT pair.probability FROM identity.pair WHERE pair.party_a = {a} AND pair.party_b = {b})"


@dataclass(frozen=True)
class Link:
    """A live judgement as clustering takes it: two parties and what is said of them."""

    judgement_id: int
    party_a: int
    party_b: int
    verdict: Verdict
    author_kind: AuthorKind
    author: str


def judge(
    connection: Connection,
    a_ref: str,
    b_ref: str,
    verdict: Verdict,
    *,
    author: str,
    reason: str,
    author_kind: AuthorKind = AuthorKind.PERSON,
) -> int:
    """Enter a judgement on two parties and queue them for resolve; an earlier live one of the same kind is ended.

    Returns:
        The judgement's id.

    Raises:
        NotFoundError: no party has that ref.
        ConflictError: somebody else judged the pair at the same moment.
    """
    locks.beside(connection, QUEUE)
    party_a, party_b = _ordered(a_ref, b_ref, parties.ids_of(connection, [a_ref, b_ref]))
    values = {
        "a": party_a,
        "b": party_b,
        "verdict": verdict.value,
        "kind": author_kind.value,
        "author": author,
        "reason": reason,
    }
    # First, since it waits for a resolve that is under way.
    _queue(connection, party_a, party_b)
    connection.execute(
        text(
            """UPDATE identity.judgement SET ended_at = now(), ended_by = :author
               WHERE party_a = :a AND party_b = :b AND author_kind = :kind AND ended_at IS NULL"""
        ),
        values,
    )
    judgement_id = _insert(connection, values, a_ref, b_ref)
    if author_kind is AuthorKind.PERSON:
        waiting.leave(connection, party_a, party_b)
        details = {"judgement_id": judgement_id}
        record(connection, author, f"judge {verdict.value}", f"{a_ref} {b_ref}", reason=reason, details=details)
    return judgement_id


def judge_all(
    connection: Connection,
    said: Sequence[tuple[str, str, Verdict]],
    *,
    author: str,
    reason: str,
    bulk_id: int | None = None,
) -> tuple[int, ...]:
    """Enter what a person says of several pairs of refs; a pair that the same is said of already is left as it is.

    Returns the ids of the parties concerned, which the caller settles. Raises NotFoundError for an unknown ref, and
    OneRecordError for a pair that cannot be judged.
    """
    known = parties.ids_of(connection, dict.fromkeys(ref for a, b, _ in said for ref in (a, b)))
    rows = [(*_ordered(a, b, known), verdict.value) for a, b, verdict in said]
    bulk.stage(connection, "said", identity.Judgement.__table__, ["party_a", "party_b", "verdict"], rows)
    connection.execute(
        text(
            """UPDATE identity.judgement j SET ended_at = now(), ended_by = :author FROM said
               WHERE j.party_a = said.party_a AND j.party_b = said.party_b AND j.author_kind = 'person'
                 AND j.ended_at IS NULL AND j.verdict <> said.verdict"""
        ),
        {"author": author},
    )
    connection.execute(
        text(
            f"""INSERT INTO identity.judgement
                   (party_a, party_b, verdict, author_kind, author, reason, bulk_id, probability)
               SELECT party_a, party_b, verdict, 'person', :author, :reason, :bulk_id,
                      {_HELD.format(a="said.party_a", b="said.party_b")}
               FROM said ON CONFLICT DO NOTHING"""
        ),
        {"author": author, "reason": reason, "bulk_id": bulk_id},
    )
    concerned = tuple(sorted({party for a, b, _ in rows for party in (a, b)}))
    _queue(connection, *concerned)
    return concerned


def undo(connection: Connection, judgement_id: int, *, author: str, reason: str) -> None:
    """End a live judgement; its parties are resolved again.

    Raises:
        NotFoundError: there is no such judgement.
        ConflictError: it was ended before; says by whom.
    """
    locks.beside(connection, QUEUE)
    row = _one(connection, judgement_id)
    _queue(connection, row.party_a, row.party_b)
    row = _one(connection, judgement_id, "FOR UPDATE")
    if row.ended_by is not None:
        raise ConflictError(f"judgement {judgement_id} was ended before, by {row.ended_by}")
    connection.execute(
        text("UPDATE identity.judgement SET ended_at = now(), ended_by = :author WHERE judgement_id = :id"),
        {"id": judgement_id, "author": author},
    )
    if row.author_kind == AuthorKind.PERSON:
        waiting.come_back(connection, row.party_a, row.party_b)
    record(connection, author, "undo judgement", str(judgement_id), reason=reason)


def pins(connection: Connection, a_home: str, b_home: str) -> tuple[int, ...]:
    """The judgements *different* that keep the records of two customers apart because somebody unmerged them.

    They are those of the transaction that wrote the act into the audit log: both have its moment, and its author.
    """
    found = connection.execute(
        text(
            """SELECT j.judgement_id FROM identity.judgement j
               JOIN identity.membership a ON a.party_id = j.party_a AND a.until IS NULL
               JOIN identity.membership b ON b.party_id = j.party_b AND b.until IS NULL
               WHERE j.ended_at IS NULL AND j.verdict = 'different'
                 AND a.golden_id = ANY(CAST(:homes AS uuid[])) AND b.golden_id = ANY(CAST(:homes AS uuid[]))
                 AND a.golden_id <> b.golden_id
                 AND EXISTS (SELECT 1 FROM ops.audit t
                             WHERE t.act = 'unmerge' AND t.actor = j.author AND t.happened_at = j.made_at)
               ORDER BY j.judgement_id"""
        ),
        {"homes": [a_home, b_home]},
    )
    return tuple(found.scalars())


def end_all(connection: Connection, judgement_ids: Sequence[int], *, author: str) -> tuple[int, ...]:
    """End those that still hold, as part of an act; returns the ids of the parties concerned, which are queued."""
    ended = connection.execute(
        text(
            """UPDATE identity.judgement SET ended_at = now(), ended_by = :author
               WHERE judgement_id = ANY(CAST(:ids AS bigint[])) AND ended_at IS NULL RETURNING party_a, party_b"""
        ),
        {"ids": list(judgement_ids), "author": author},
    )
    concerned = tuple(sorted({party for row in ended for party in row}))
    _queue(connection, *concerned)
    return concerned


def heed_source_merges(connection: Connection) -> None:
    """Where a source says that one of its records became another, a rule judges them the same while it says so.

    What the source takes back is ended; what a person ended stays ended.
    """
    connection.execute(text(_HEED_SOURCE_MERGES), {"rule": SOURCE_MERGE})


def live(connection: Connection, *, among: str | None = None) -> list[Link]:
    """What holds now, one per pair: a person's word goes before a rule's.

    `among` names a table; only judgements on its parties (party_id) are given then. What was said of two records that
    are of different kinds by now has no effect.
    """
    some = f"JOIN {among} ON {among}.party_id = party_a" if among else ""
    rows = connection.execute(
        text(
            f"""SELECT DISTINCT ON (party_a, party_b) judgement_id, party_a, party_b, verdict, author_kind, author
               FROM identity.judgement {some}
               JOIN canonical.party one ON one.party_id = party_a JOIN canonical.party other ON other.party_id = party_b
               WHERE ended_at IS NULL AND one.kind = other.kind
               ORDER BY party_a, party_b, author_kind = 'person' DESC"""
        )
    )
    return [Link(r[0], r[1], r[2], Verdict(r[3]), AuthorKind(r[4]), r[5]) for r in rows]


def _one(connection: Connection, judgement_id: int, lock: str = "") -> Row[Any]:
    row = connection.execute(
        text(
            f"""SELECT party_a, party_b, author_kind, ended_by FROM identity.judgement
                WHERE judgement_id = :id {lock}"""
        ),
        {"id": judgement_id},
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no judgement {judgement_id}")
    return row


def _ordered(a_ref: str, b_ref: str, known: Mapping[str, tuple[int, str]]) -> tuple[int, int]:
    if a_ref == b_ref:
        raise OneRecordError(f"{a_ref} cannot be judged against itself")
    (a, a_kind), (b, b_kind) = known[a_ref], known[b_ref]
    if a_kind != b_kind:
        raise OneRecordError(
            f"{a_ref} is of the kind {a_kind}, {b_ref} of the kind {b_kind}: they cannot be one customer"
        )
    return min(a, b), max(a, b)


def _insert(connection: Connection, values: Mapping[str, object], a_ref: str, b_ref: str) -> int:
    try:
        judgement_id: int = connection.execute(
            text(
                f"""INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason, probability)
                   VALUES (:a, :b, :verdict, :kind, :author, :reason, {_HELD.format(a=":a", b=":b")})
                   RETURNING judgement_id"""
            ),
            values,
        ).scalar_one()
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise ConflictError(f"somebody else judged {a_ref} and {b_ref} just now; look again") from None
        raise
    return judgement_id


def _queue(connection: Connection, *party_ids: int) -> None:
    connection.execute(
        text(f"INSERT INTO {QUEUE} (party_id) SELECT unnest(CAST(:ids AS bigint[])) ON CONFLICT DO NOTHING"),
        {"ids": sorted(party_ids)},
    )
