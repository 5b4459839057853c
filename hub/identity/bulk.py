"""Many judgements as one act, and taking judgements back: tried first, then done just so.

A preview is the act itself, rolled back. It has a digest, and the act is refused where it would not give the same
picture any more: other customers would move, somebody judged one of the pairs, or somebody has opened one.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from hub.audit import record
from hub.errors import ConflictError, OneRecordError
from hub.identity import acts, ledger
from hub.identity.acts import Consequences
from hub.identity.resolve import settle, take_turns
from hub.model.kinds import Verdict

MOST_PAIRS = 1_000  # an act that nobody could look through is none that somebody can answer for
PATIENCE = "8s"  # while the pipeline matches, nobody else may move customers
# Leaving out what contradicts can make something else come out differently, but hardly for long.
MOST_TRIES = 5

Said = tuple[str, str, Verdict]
Hold = Callable[[Connection, Sequence[Said]], Collection[Said]]


@dataclass(frozen=True)
class Judging:
    """What a person says of several waiting pairs: ids of both parties, the smaller first, and the verdict.

    `beside`: what follows for pairs that do not wait themselves, since other records tie the two. `hold` tells which of
    all these are not for one person alone.
    """

    pairs: tuple[tuple[int, int, Verdict], ...]
    author: str
    reason: str
    hold: Hold
    beside: tuple[tuple[int, int, Verdict], ...] = ()


@dataclass(frozen=True)
class TakingBack:
    """Judgements that a person takes back; those that are ended by now are passed over.

    What one of them replaced is said again: so it was before. `hold` as in Judging.
    """

    judgement_ids: tuple[int, ...]
    subject: str
    author: str
    reason: str
    hold: Hold


@dataclass(frozen=True)
class Picture:
    """What an act does. `said`: pairs of refs that it judges, also again as before what it takes back; `contradicting`
    those that it leaves out, since what people said before forbids them, `claimed` those that others look at now,
    `held` those that need a second person, `gone` how many wait no longer.
    """

    consequences: Consequences
    said: tuple[Said, ...] = ()
    contradicting: tuple[Said, ...] = ()
    claimed: tuple[Said, ...] = ()
    held: tuple[Said, ...] = ()
    gone: int = 0
    judgements: int = 0
    bulk_id: int | None = field(default=None, compare=False)

    @property
    def refs(self) -> list[str]:
        """The records that it names."""
        pairs = (*self.said, *self.contradicting, *self.claimed, *self.held)
        return [*(ref for a, b, _ in pairs for ref in (a, b)), *(one.ref for one in self.consequences.moved)]

    @property
    def digest(self) -> str:
        """Tells whether two are the same."""
        lists = (self.said, self.contradicting, self.claimed, self.held)
        pairs = [*map(sorted, lists), self.gone, self.judgements]
        return hashlib.sha256(json.dumps([pairs, self.consequences.digest]).encode()).hexdigest()


def preview(engine: Engine, act: Judging | TakingBack) -> Picture:
    """What the act would do now. Nothing is changed.

    Raises:
        ConflictError: the pipeline is moving customers just now.
        OneRecordError: there are too many pairs.
    """
    with _patient(), engine.connect() as connection, connection.begin() as transaction:
        picture = _carried_out(connection, act)
        transaction.rollback()
    return picture


def perform(engine: Engine, act: Judging | TakingBack, *, seen: str) -> Picture:
    """Do it, in one transaction: customers are others at once, and published with the next publication.

    Raises:
        ConflictError: its picture is not that of the digest `seen` any more, or the pipeline is moving customers.
        OneRecordError: there are too many pairs, or none that can be judged.
    """
    with _patient(), engine.begin() as connection:
        picture = _carried_out(connection, act)
        if picture.digest != seen:
            raise ConflictError("the records changed since the preview was made; look at it again")
        if isinstance(act, Judging) and not picture.said:
            raise OneRecordError("none of these pairs can be judged now")
        _record(connection, act, picture)
    return picture


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise ConflictError("a run is bringing customers in order just now; try again in a minute") from None
        raise


def _carried_out(connection: Connection, act: Judging | TakingBack) -> Picture:
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    take_turns(connection)
    before = acts.last_lineage(connection)
    if isinstance(act, TakingBack):
        concerned = ledger.end_all(connection, act.judgement_ids, author=act.author)
        again = _said_again(connection, act)
        _settle(connection, concerned, f"undo by {act.author}")
        return Picture(acts.consequences(connection, before), again, judgements=_ended_now(connection, act))
    if len(act.pairs) > MOST_PAIRS:
        raise OneRecordError(f"at most {MOST_PAIRS:,} pairs can be judged at once, not {len(act.pairs):,}")
    waiting, claimed = _judgeable(connection, act)
    gone = len(act.pairs) - len(waiting) - len(claimed)
    whole = (*waiting, *_beside(connection, act))
    held = set(act.hold(connection, whole))
    said, contradicting, bulk_id = _judged(connection, act, tuple(one for one in whole if one not in held))
    return Picture(
        acts.consequences(connection, before), said, contradicting, claimed, tuple(sorted(held)), gone, bulk_id=bulk_id
    )


def _judged(
    connection: Connection, act: Judging, waiting: tuple[Said, ...]
) -> tuple[tuple[Said, ...], tuple[Said, ...], int | None]:
    """Judge all but what contradicts; what was judged, what was left out, and the number of the act."""
    said, contradicting = waiting, tuple[Said, ...]()
    for _ in range(MOST_TRIES):
        attempt = connection.begin_nested()
        bulk_id = _new(connection, act, len(said))
        concerned = ledger.judge_all(connection, said, author=act.author, reason=act.reason, bulk_id=bulk_id)
        _settle(connection, concerned, f"bulk judgement by {act.author}")
        against = set(acts.broken(connection, said))
        if not against:
            attempt.commit()
            return said, contradicting, bulk_id
        attempt.rollback()
        contradicting += tuple(one for one in said if one in against)
        said = tuple(one for one in said if one not in against)
    raise ConflictError("too many of these pairs contradict what people said before; judge them one by one")


def _settle(connection: Connection, concerned: Sequence[int], run_id: str) -> None:
    settle(connection, np.array(concerned, dtype=np.int64), run_id=run_id)


def _new(connection: Connection, act: Judging, pairs: int) -> int:
    number: int = connection.execute(
        text("INSERT INTO identity.bulk (author, reason, pairs) VALUES (:author, :reason, :pairs) RETURNING bulk_id"),
        {"author": act.author, "reason": act.reason, "pairs": pairs},
    ).scalar_one()
    return number


def _judgeable(connection: Connection, act: Judging) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
    """Those of the pairs that wait and nobody else looks at, and those that somebody else does, as refs."""
    a, b, verdicts = zip(*act.pairs, strict=True) if act.pairs else ((), (), ())
    rows = connection.execute(
        text(
            """SELECT one.ref, other.ref, said.verdict, c.claimed_by IS NOT NULL
               FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[]), CAST(:verdicts AS text[]))
                   AS said(party_a, party_b, verdict)
               JOIN identity.waiting_pair w USING (party_a, party_b)
               JOIN canonical.party one ON one.party_id = party_a JOIN canonical.party other ON other.party_id = party_b
               LEFT JOIN identity.claim c ON c.party_a = w.party_a AND c.party_b = w.party_b
                   AND c.claimed_until > now() AND c.claimed_by <> :author
               ORDER BY said.party_a, said.party_b"""
        ),
        {"a": list(a), "b": list(b), "verdicts": [str(one) for one in verdicts], "author": act.author},
    ).all()
    read = [((one, other, Verdict(verdict)), theirs) for one, other, verdict, theirs in rows]
    return tuple(pair for pair, theirs in read if not theirs), tuple(pair for pair, theirs in read if theirs)


def _beside(connection: Connection, act: Judging) -> tuple[Said, ...]:
    """What follows for other pairs, as refs."""
    ids = {party for a, b, _ in act.beside for party in (a, b)}
    rows = connection.execute(
        text("SELECT party_id, ref FROM canonical.party WHERE party_id = ANY(CAST(:ids AS bigint[]))"),
        {"ids": list(ids)},
    )
    refs = {row.party_id: row.ref for row in rows}
    return tuple((refs[a], refs[b], verdict) for a, b, verdict in act.beside)


def _said_again(connection: Connection, act: TakingBack) -> tuple[Said, ...]:
    """Say again what the judgements that were just ended had replaced: that ended at the moment at which they began."""
    rows = connection.execute(
        text(
            """SELECT one.ref, other.ref, before.verdict FROM identity.judgement j
               JOIN identity.judgement before ON before.party_a = j.party_a AND before.party_b = j.party_b
                   AND before.author_kind = 'person' AND before.ended_at = j.made_at
               JOIN canonical.party one ON one.party_id = j.party_a
               JOIN canonical.party other ON other.party_id = j.party_b
               WHERE j.judgement_id = ANY(CAST(:ids AS bigint[])) AND j.ended_at = now() ORDER BY 1, 2"""
        ),
        {"ids": list(act.judgement_ids)},
    )
    again = tuple((one, other, Verdict(verdict)) for one, other, verdict in rows)
    if not again:
        return ()
    if act.hold(connection, again):
        raise ConflictError(
            "to take this back would put together what needs two people: judge the pair the same, to propose it"
        )
    ledger.judge_all(connection, again, author=act.author, reason=act.reason)
    return again


def _ended_now(connection: Connection, act: TakingBack) -> int:
    """How many judgements this transaction ended."""
    return int(
        connection.execute(
            text(
                """SELECT count(*) FROM identity.judgement
                   WHERE judgement_id = ANY(CAST(:ids AS bigint[])) AND ended_at = now()"""
            ),
            {"ids": list(act.judgement_ids)},
        ).scalar_one()
    )


def _record(connection: Connection, act: Judging | TakingBack, picture: Picture) -> None:
    moved = {"moved": len(picture.consequences.moved), "merged": picture.consequences.merged}
    if isinstance(act, TakingBack):
        if not picture.judgements:
            raise ConflictError("this was taken back before")
        details = {**moved, "judgements": picture.judgements, "split": picture.consequences.split}
        record(connection, act.author, "undo judgement", act.subject, reason=act.reason, details=details)
        return
    details = {**moved, "pairs": [[a, b, verdict.value] for a, b, verdict in picture.said]}
    record(connection, act.author, "judge in bulk", f"bulk {picture.bulk_id}", reason=act.reason, details=details)
