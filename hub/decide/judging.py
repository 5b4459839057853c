"""Judgements on pairs: those that would join too much for one person wait as proposals, the others are entered."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.decide import carrying, choosing, kept, proposals, stake
from hub.decide.decision import Decision, Said
from hub.decide.picture import as_if_merged
from hub.errors import NotAllowedError
from hub.identity import ledger, parties
from hub.model.kinds import Verdict
from hub.settings import Settings


@dataclass(frozen=True)
class Judged:
    """What became of a judgement: it is in the ledger, or it waits as a proposal."""

    judgement_id: int | None = None
    proposal_id: int | None = None


def judge(
    connection: Connection,
    settings: Settings,
    said: Said,
    *,
    author: str,
    reason: str,
    choices: Mapping[str, str] | None = None,
) -> Judged:
    """Judge one pair, and choose values for the customer that it makes; both hold, or wait for a second person.

    Raises:
        NotFoundError: no party has one of the refs.
        OneRecordError: a choice is none that the records offer.
        ConflictError: somebody else judged the pair at the same moment, or the same was proposed already.
    """
    a, b, verdict = said
    chosen = dict(choices or {}) if verdict is Verdict.SAME else {}
    passed, held = hold_back(connection, settings, [said], author=author, reason=reason, choices=chosen)
    if not passed:
        return Judged(proposal_id=held[0])
    judgement_id = ledger.judge(connection, a, b, verdict, author=author, reason=reason)
    if chosen:
        _choose(connection, settings, Decision("judge", f"{a} {b}", (said,), author, reason, chosen))
    return Judged(judgement_id=judgement_id)


def hold_back(
    connection: Connection,
    settings: Settings,
    said: Sequence[Said],
    *,
    author: str,
    reason: str,
    choices: Mapping[str, str] | None = None,
) -> tuple[list[Said], list[int]]:
    """What may be entered now, and the proposals that the others became.

    Pairs that join the same customers are weighed together: many small merges can make one large customer. Without
    a limit in the settings all pass, and nothing is read.
    """
    numbers, held = [], set[Said]()
    for pairs, at_stake in _above(connection, settings, said):
        held |= set(pairs)
        more = f" and {len(pairs) - 1} pairs more" if len(pairs) > 1 else ""
        subject = f"{pairs[0][0]} {pairs[0][1]}{more}"
        decision = Decision("judge", subject, tuple(pairs), author, reason, choices or {})
        numbers.append(_propose(connection, settings, decision, at_stake))
    return [one for one in said if one not in held], numbers


def for_two(settings: Settings) -> Callable[[Connection, Sequence[Said]], set[Said]]:
    """Tells which of several judgements one person alone may not enter, when they are all to be entered."""

    def held(connection: Connection, said: Sequence[Said]) -> set[Said]:
        return {pair for pairs, _ in _above(connection, settings, said) for pair in pairs}

    return held


def refuse_alone(connection: Connection, settings: Settings, said: Sequence[Said]) -> None:
    """Where nobody else can be asked.

    Raises:
        NotAllowedError: what is said joins more than one person alone may join.
    """
    if for_two(settings)(connection, said):
        raise NotAllowedError(
            "more is at stake than review.two_people_above lets one person join: propose it at /review/merge, where"
            " somebody else confirms it"
        )


def _above(connection: Connection, settings: Settings, said: Sequence[Said]) -> list[tuple[list[Said], stake.Stake]]:
    """The pairs that join too much for one person, grouped by the customer that they would make, with what it holds."""
    limits = settings.review.two_people_above
    if not stake.asked(limits):
        return []
    joined = _joined(connection, [one for one in said if one[2] is Verdict.SAME])
    found = stake.stakes(connection, {number: refs for number, (_, refs) in enumerate(joined)})
    return [(joined[number][0], one) for number, one in found.items() if one.above(limits)]


def _propose(connection: Connection, settings: Settings, decision: Decision, at_stake: stake.Stake) -> int:
    attempt = connection.begin_nested()
    picture, _ = carrying.carry_out(connection, settings, decision)
    choosing.check(picture, decision.choices)
    attempt.rollback()
    return proposals.enter(connection, decision, picture, at_stake)


def _choose(connection: Connection, settings: Settings, decision: Decision) -> None:
    """The judgement itself is resolved with the next run; the values hold from then on for what it makes."""
    picture = as_if_merged(connection, decision.refs, carrying.rules_of(settings))
    choosing.check(picture, decision.choices)
    known = parties.ids_of(connection, decision.refs)
    changed = kept.Changed(tuple(party for party, _ in known.values()), (*decision.refs, *decision.choices.values()))
    carrying.finish(connection, decision, picture, changed)


def _joined(connection: Connection, said: Sequence[Said]) -> list[tuple[list[Said], list[str]]]:
    """The pairs that join customers, grouped by the customer that each would be part of, with all its records."""
    pending = _pending(connection)
    home, members = _homes(connection, [ref for a, b, _ in (*said, *pending) for ref in (a, b)])
    leads: dict[str, str] = {}

    def root(golden_id: str) -> str:
        while golden_id in leads:
            golden_id = leads[golden_id]
        return golden_id

    def joins(one: Said) -> bool:
        return one[0] in home and one[1] in home and home[one[0]] != home[one[1]]

    joining = [one for one in said if joins(one)]
    for a, b, _ in (*joining, *filter(joins, pending)):
        one, other = root(home[a]), root(home[b])
        if one != other:
            leads[other] = one
    pairs: dict[str, list[Said]] = defaultdict(list)
    for pair in joining:
        pairs[root(home[pair[0]])].append(pair)
    records: dict[str, list[str]] = defaultdict(list)
    for golden_id, refs in members.items():
        records[root(golden_id)] += refs
    return [(several, records[lead]) for lead, several in pairs.items()]


def _pending(connection: Connection) -> list[Said]:
    """What people said to be the same and resolve did not carry out yet: it counts as done when more is added to it."""
    rows = connection.execute(
        text(
            """SELECT a.ref, b.ref FROM identity.to_resolve q
               JOIN identity.judgement j ON j.party_a = q.party_id AND j.ended_at IS NULL AND j.verdict = 'same'
               JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b"""
        )
    )
    return [(row[0], row[1], Verdict.SAME) for row in rows]


def _homes(connection: Connection, refs: Sequence[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The customer of each record, and all records of these customers."""
    rows = connection.execute(
        text(
            """SELECT CAST(other.golden_id AS text) AS golden_id, p.ref
               FROM (SELECT DISTINCT m.golden_id FROM canonical.party own
                     JOIN identity.membership m ON m.party_id = own.party_id AND m.until IS NULL
                     WHERE own.ref = ANY(:refs)) concerned
               JOIN identity.membership other ON other.golden_id = concerned.golden_id AND other.until IS NULL
               JOIN canonical.party p ON p.party_id = other.party_id ORDER BY p.ref"""
        ),
        {"refs": list(refs)},
    ).all()
    members: dict[str, list[str]] = defaultdict(list)
    for golden_id, ref in rows:
        members[golden_id].append(ref)
    return {ref: golden_id for golden_id, ref in rows}, members
