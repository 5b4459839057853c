"""Merging and unmerging by people: tried first, so that it can be seen what would move, and then done just so.

A dry run is the act itself, rolled back; both give the same consequences. Whoever acts can name the consequences that
were seen, and the act is refused where they would be others by now.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from hub.audit import record
from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.identity import ledger
from hub.identity.resolve import settle, take_turns
from hub.model.kinds import Verdict

# Every pair of records of two parts is judged: beyond this many something else is wrong with the customer.
MOST_JUDGEMENTS = 20_000
FACTS = ("opportunity", "ticket", "rating", "invoice", "payment", "subscription", "touch", "consent")


@dataclass(frozen=True)
class Act:
    """What a person says: which records are the same and which are different, and why.

    `ended`: judgements of an earlier unmerge that it takes back.
    """

    name: str
    subject: str
    said: tuple[tuple[str, str, Verdict], ...]
    author: str
    reason: str
    ended: tuple[int, ...] = ()


@dataclass(frozen=True)
class Moved:
    """A source record that changes its customer, with the facts that hang on it (refs by kind) and its owner."""

    ref: str
    before: str | None
    after: str
    facts: dict[str, list[str]]
    owner: str | None


@dataclass(frozen=True)
class Consequences:
    """What an act moves. `merged`: golden id -> survivor; `split`: golden id of each part -> the id it came out of.

    `ended`: judgements of an earlier unmerge that are taken back.
    """

    moved: tuple[Moved, ...]
    merged: dict[str, str]
    split: dict[str, str]
    ended: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Tells whether two are the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def facts(self) -> dict[str, int]:
        """How many facts of each kind move."""
        return {kind: sum(len(one.facts.get(kind, ())) for one in self.moved) for kind in FACTS}

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "facts": self.facts(), "digest": self.digest}


def merge(connection: Connection, a_ref: str, b_ref: str, *, author: str, reason: str) -> Act:
    """Put the whole customers of two records together, also where some of their records would not be by the evidence.

    What an unmerge said of their records is taken back; what somebody said of two of them alone is not, and forbids it.

    Raises:
        NotFoundError: no customer has one of the records.
        OneRecordError: they are one customer already.
    """
    a_home, b_home = (_home(connection, ref) for ref in (a_ref, b_ref))
    if a_home == b_home:
        raise OneRecordError(f"{a_ref} and {b_ref} belong to one customer already, {a_home}")
    inside = [
        (ref, member) for ref, home in ((a_ref, a_home), (b_ref, b_home)) for member in _members(connection, home)
    ]
    said = [(a_ref, b_ref), *((ref, member) for ref, member in inside if ref != member)]
    pins = ledger.pins(connection, a_home, b_home)
    return Act("merge", f"{a_ref} {b_ref}", tuple((a, b, Verdict.SAME) for a, b in said), author, reason, pins)


def unmerge(connection: Connection, golden_id: str, parts: Sequence[Sequence[str]], *, author: str, reason: str) -> Act:
    """Take a customer apart into `parts` of its records; those that no part names are one part more.

    All records of two parts are said to be different, so that none of them is ever brought together again, over
    whatever third record; those of one part are said to be the same.

    Raises:
        NotFoundError: no customer has this id now.
        OneRecordError: a part is empty, names a record of another customer, or one that is in another part.
    """
    members = _members(connection, golden_id)
    named = [ref for part in parts for ref in part]
    twice = next((ref for ref in named if named.count(ref) > 1), None)
    if twice is not None:
        raise OneRecordError(f"{twice} is named twice: each record can be in one part only")
    foreign = next((ref for ref in named if ref not in members), None)
    if foreign is not None:
        raise OneRecordError(f"{foreign} does not belong to customer {golden_id}")
    rest = [ref for ref in members if ref not in set(named)]
    whole = [list(part) for part in (*parts, rest) if part]
    if len(whole) < 2 or not all(parts):
        raise OneRecordError("there is nothing to take apart: name the records of each part, and leave some out")
    together = [(a, b, Verdict.SAME) for part in whole for a, b in pairwise(part)]
    apart = [(a, b, Verdict.DIFFERENT) for one, other in combinations(whole, 2) for a, b in product(one, other)]
    if len(together) + len(apart) > MOST_JUDGEMENTS:
        raise OneRecordError(f"customer {golden_id} has too many records to be taken apart at once: {len(members):,}")
    return Act("unmerge", golden_id, (*together, *apart), author, reason)


def dry_run(engine: Engine, act: Act) -> Consequences:
    """What the act would move now. Nothing is changed. Raises ConflictError where a judgement stands against it."""
    with engine.connect() as connection, connection.begin() as transaction:
        consequences = carry_out(connection, act)
        transaction.rollback()
    return consequences


def perform(engine: Engine, act: Act, *, seen: str | None = None) -> Consequences:
    """Do it: customers are others at once, and published with the next publication.

    Raises:
        ConflictError: a judgement stands against it; or, with `seen`, the digest of a dry run, the act would move
            something else by now.
    """
    with engine.begin() as connection:
        moved = carry_out(connection, act)
        if seen is not None and moved.digest != seen:
            raise ConflictError(f"{act.name} {act.subject} would move other records than when you looked: look again")
        told = ("merged", "split", "ended")
        details = {"moved": len(moved.moved), **{name: getattr(moved, name) for name in told}}
        record(connection, act.author, act.name, act.subject, reason=act.reason, details=details)
    return moved


def carry_out(connection: Connection, act: Act) -> Consequences:
    """Say what the act says and resolve at once, in this transaction. Raises ConflictError as `perform` does."""

    def say() -> Sequence[int]:
        released = ledger.end_all(connection, act.ended, author=act.author)
        return (*released, *ledger.judge_all(connection, act.said, author=act.author, reason=act.reason))

    moved = settled(connection, say, run_id=f"{act.name} by {act.author}")
    _check(connection, act)
    return replace(moved, ended=act.ended)


def settled(connection: Connection, say: Callable[[], Sequence[int]], *, run_id: str) -> Consequences:
    """What moves when `say`, which changes judgements and gives the parties concerned, is resolved at once."""
    take_turns(connection)
    before = last_lineage(connection)
    concerned = say()
    settle(connection, np.array(sorted(set(concerned)), dtype=np.int64), run_id=run_id)
    return consequences(connection, before)


def last_lineage(connection: Connection) -> int:
    return int(connection.execute(text("SELECT coalesce(max(lineage_id), 0) FROM identity.lineage")).scalar_one())


def broken(connection: Connection, said: Sequence[tuple[str, str, Verdict]]) -> list[tuple[str, str, Verdict]]:
    """What was said and did not happen, since other judgements or a contradiction forbid it."""
    refs = list(dict.fromkeys(ref for a, b, _ in said for ref in (a, b)))
    homes = {row[0]: row[1] for row in connection.execute(text(_HOMES), {"refs": refs})}
    wanted = {Verdict.SAME: True, Verdict.DIFFERENT: False}
    return [
        (a, b, verdict) for a, b, verdict in said if verdict in wanted and (homes[a] == homes[b]) != wanted[verdict]
    ]


def _check(connection: Connection, act: Act) -> None:
    """What was said has happened, unless an older judgement on other records forbids it."""
    against = broken(connection, act.said)
    if against:
        refs = list(dict.fromkeys(ref for a, b, _ in act.said for ref in (a, b)))
        held = connection.execute(text(_AGAINST), {"refs": refs}).all()
        by = "; ".join(
            f"judgement {row.judgement_id} by {row.author}: {row.a} and {row.b} are different" for row in held
        )
        a, b, verdict = against[0]
        what = "together" if verdict is Verdict.SAME else "apart"
        raise ConflictError(f"{a} and {b} cannot be {what}: {by}. Who is sure takes that back first")


_HOMES = """
    SELECT p.ref, m.golden_id FROM canonical.party p JOIN identity.membership m USING (party_id)
    WHERE p.ref = ANY(:refs) AND m.until IS NULL
"""
_AGAINST = """
    SELECT j.judgement_id, j.author, one.ref AS a, other.ref AS b FROM identity.judgement j
    JOIN canonical.party one ON one.party_id = j.party_a JOIN canonical.party other ON other.party_id = j.party_b
    WHERE j.ended_at IS NULL AND j.verdict = 'different' AND one.ref = ANY(:refs) AND other.ref = ANY(:refs)
    ORDER BY j.judgement_id
"""


def _home(connection: Connection, ref: str) -> str:
    home = connection.execute(text(_HOMES), {"refs": [ref]}).one_or_none()
    if home is None:
        raise NotFoundError(f"no customer has the record {ref!r}; refs look like salesforce:Contact:0035g00000XyZ")
    return str(home[1])


def _members(connection: Connection, golden_id: str) -> list[str]:
    members = (
        connection.execute(
            text(
                """SELECT p.ref FROM identity.membership m JOIN canonical.party p USING (party_id)
                   WHERE m.golden_id = CAST(:id AS uuid) AND m.until IS NULL ORDER BY p.ref"""
            ),
            {"id": golden_id},
        )
        .scalars()
        .all()
    )
    if not members:
        raise NotFoundError(f"no customer has the golden id {golden_id} now")
    return list(members)


def consequences(connection: Connection, before: int) -> Consequences:
    """What this transaction moved since the lineage `before`: its memberships begin at its own moment."""
    rows = connection.execute(
        text(
            """SELECT p.ref, CAST(old.golden_id AS text) AS before, CAST(new.golden_id AS text) AS after, p.owner_name
               FROM identity.membership new JOIN canonical.party p USING (party_id)
               LEFT JOIN identity.membership old ON old.party_id = new.party_id AND old.until = now()
               WHERE new.party_id IN (SELECT party_id FROM reached) AND new.until IS NULL AND new.since = now()
               ORDER BY p.ref"""
        )
    ).all()
    facts = facts_of(connection, [row.ref for row in rows])
    lineage = connection.execute(
        text(
            """SELECT event, CAST(golden_id AS text), CAST(other_golden_id AS text) FROM identity.lineage
               WHERE lineage_id > :before AND event IN ('merged', 'split') ORDER BY lineage_id"""
        ),
        {"before": before},
    ).all()
    return Consequences(
        tuple(Moved(row.ref, row.before, row.after, facts.get(row.ref, {}), row.owner_name) for row in rows),
        {golden: other for event, golden, other in lineage if event == "merged"},
        {other: golden for event, golden, other in lineage if event == "split"},
    )


def facts_of(connection: Connection, refs: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Refs of the facts of each party, by kind."""
    parts = " UNION ALL ".join(
        f"""SELECT party_ref, '{kind}' AS kind, ref FROM canonical.{kind}
            WHERE party_ref = ANY(:refs) AND deleted_at IS NULL"""
        for kind in FACTS
    )
    found: dict[str, dict[str, list[str]]] = {}
    for party_ref, kind, ref in connection.execute(text(f"{parts} ORDER BY 1, 2, 3"), {"refs": list(refs)}):
        found.setdefault(party_ref, {}).setdefault(kind, []).append(ref)
    return found
