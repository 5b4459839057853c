"""Decisions carried out: tried first so that it can be seen what they make, then done just so, and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from hub import clock
from hub.access import Principal
from hub.audit import record
from hub.decide import choosing, kept, proposals, rights, stake
from hub.decide.decision import Decision
from hub.decide.kept import Changed
from hub.decide.picture import Picture, changes, look
from hub.errors import ConflictError, OneRecordError
from hub.golden.gather import Rules
from hub.identity import acts, parties
from hub.identity.acts import Act
from hub.settings import Settings


@dataclass(frozen=True)
class Done:
    """What became of a decision: an act that holds, or a proposal that waits for a second person."""

    act_id: int | None = None
    proposal_id: int | None = None


class StaleError(ConflictError):
    """What was shown is not what would happen now; `picture` is what would, `told` what changed."""

    def __init__(self, picture: Picture, told: Sequence[str]) -> None:
        self.picture, self.told = picture, told
        super().__init__(f"this changed since you looked: {'; '.join(told) or 'what is behind it'}; look again")


def rules_of(settings: Settings) -> Rules:
    """The rules of survivorship in force, at this moment."""
    return Rules(settings.survivorship.policy(), settings.source_priority, clock.as_of(settings))


def preview(engine: Engine, settings: Settings, who: Principal, decision: Decision) -> Picture:
    """What the decision would make of the customers now: it is carried out and rolled back.

    Raises:
        NotAllowedError: `who` does not answer for one of the customers.
        ConflictError: a judgement stands against it, or it is undone already.
    """
    with engine.connect() as connection, connection.begin() as transaction:
        picture, _ = carry_out(connection, settings, decision)
        transaction.rollback()
    rights.demand(who, picture.departments())
    return picture


def decide(
    connection: Connection,
    settings: Settings,
    who: Principal,
    decision: Decision,
    *,
    digest: str,
    shown: Mapping[str, Any] | None = None,
) -> Done:
    """Carry it out in this transaction, as it was seen; or, where much is at stake, leave it to a second person.

    `digest` is that of the picture that was shown; `shown`, what it held, lets a refusal say what changed.

    Raises:
        StaleError: it would make something else by now.
        NotAllowedError, ConflictError: as `preview`; or a proposal of this waits already.
        OneRecordError: there is no reason, or a choice is none that the records offer.
    """
    if not decision.reason:
        raise OneRecordError("say why: an act without a reason helps nobody later")
    with connection.begin_nested() as attempt:
        picture, changed = carry_out(connection, settings, decision)
        rights.demand(who, picture.departments())
        still_as_shown(picture, digest, shown)
        choosing.check(picture, decision.choices)
        needs = needs_two(connection, settings, picture)
        if needs is None:
            return Done(act_id=finish(connection, decision, picture, changed))
        attempt.rollback()
    return Done(proposal_id=proposals.enter(connection, decision, picture, needs))


def confirmed(connection: Connection, settings: Settings, who: Principal, proposal: proposals.Proposal) -> int:
    """Carry out what somebody else proposed, as they saw it; returns the number of the act.

    Raises:
        StaleError: it would make something else by now, and must be proposed again.
        NotAllowedError: `who` does not answer for one of the customers.
    """
    with connection.begin_nested():
        picture, changed = carry_out(connection, settings, proposal.decision)
        rights.demand(who, picture.departments())
        still_as_shown(picture, proposal.digest, proposal.shown)
        return finish(connection, proposal.decision, picture, changed, confirmed_by=who.name)


def still_as_shown(picture: Picture, digest: str, shown: Mapping[str, Any] | None) -> None:
    """Raise StaleError where the picture is not the one that was shown."""
    if picture.digest != digest:
        raise StaleError(picture, changes(shown, picture.shown()) if shown else [])


def finish(
    connection: Connection, decision: Decision, picture: Picture, changed: Changed, *, confirmed_by: str | None = None
) -> int:
    """Say the chosen values, keep the act, and write it into the audit log."""
    choosing.say(connection, picture, decision)
    told = kept.did(picture, decision.choices)
    act_id = kept.keep(connection, decision, changed, told, confirmed_by=confirmed_by)
    details = {"act_id": act_id, **told, **({"confirmed_by": confirmed_by} if confirmed_by else {})}
    record(connection, decision.author, decision.kind, decision.subject, reason=decision.reason, details=details)
    return act_id


def needs_two(connection: Connection, settings: Settings, picture: Picture) -> stake.Stake | None:
    """The largest stake of the customers that come together, if it needs two people."""
    limits = settings.review.two_people_above
    if not stake.asked(limits):
        return None
    groups = {number: customer.refs for number, customer in enumerate(picture.merged())}
    found = stake.stakes(connection, groups).values()
    above = [one for one in found if one.above(limits)]
    return max(above, key=lambda one: one.records, default=None)


def carry_out(connection: Connection, settings: Settings, decision: Decision) -> tuple[Picture, Changed]:
    """Carry a decision out in this transaction: what it makes, and what it is about. Keeps nothing of it.

    Raises:
        ConflictError: a judgement stands against it, it is undone already, or the pipeline is at work on it.
    """
    # Who looks is told soon when the pipeline is deciding who belongs together; it does so for as long as that takes.
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))
    try:
        changed, moved = _undo(connection, decision) if decision.undoes is not None else _say(connection, decision)
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise ConflictError("the pipeline decides who belongs together just now; try again in a minute") from None
        raise
    before = {one.ref: one.before for one in moved.moved}
    return look(connection, changed.refs, before, rules_of(settings)), changed


def _say(connection: Connection, decision: Decision) -> tuple[Changed, acts.Consequences]:
    known = parties.ids_of(connection, decision.refs)
    changed = Changed(tuple(party for party, _ in known.values()), (*decision.refs, *decision.choices.values()))
    act = Act(decision.kind, decision.subject, decision.said, decision.author, decision.reason)
    return changed, acts.carry_out(connection, act)


def _undo(connection: Connection, decision: Decision) -> tuple[Changed, acts.Consequences]:
    undone = kept.act(connection, int(decision.undoes or 0))
    if undone.undone_by_act is not None:
        raise ConflictError(f"act {undone.act_id} was undone before, by {undone.undone_by}")
    changed, pairs = kept.changed_by(connection, undone.act_id), 0

    def say() -> Sequence[int]:
        nonlocal pairs
        pairs = kept.take_back(connection, decision)
        return changed.parties

    moved = acts.settled(connection, say, run_id=f"undo by {decision.author}")
    if pairs + kept.take_values_back(connection, decision) == 0:
        raise ConflictError(f"nothing of act {undone.act_id} holds any more: others decided about it since then")
    return changed, moved
