"""The second pair of eyes: what one person proposed waits for another, who sees the same and confirms or refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from hub.audit import record
from hub.decide.decision import Decision
from hub.decide.picture import Picture
from hub.decide.stake import Stake
from hub.errors import ConflictError, NotAllowedError, NotFoundError
from hub.model.kinds import Verdict


@dataclass(frozen=True)
class Proposal:
    """A decision that waits, or waited, with what its proposer saw."""

    proposal_id: int
    decision: Decision
    digest: str
    shown: Mapping[str, Any]
    row: Row[Any]


def enter(connection: Connection, decision: Decision, picture: Picture, stake: Stake) -> int:
    """Write a proposal down; returns its number. Raises ConflictError where the same waits already."""
    values = {
        "kind": decision.kind,
        "subject": decision.subject,
        "said": Jsonb([[a, b, verdict.value] for a, b, verdict in decision.said]),
        "choices": Jsonb(dict(decision.choices)),
        "undoes": decision.undoes,
        "proposer": decision.author,
        "reason": decision.reason,
        "digest": picture.digest,
        "shown": Jsonb(picture.shown()),
        "stake": Jsonb({currency: str(amount) for currency, amount in stake.money.items()}),
        "records": stake.records,
    }
    names = ", ".join(values)
    try:
        with connection.begin_nested():
            proposal_id: int = connection.execute(
                text(
                    f"""INSERT INTO identity.proposal ({names})
                        VALUES ({", ".join(f":{name}" for name in values)}) RETURNING proposal_id"""
                ),
                values,
            ).scalar_one()
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise ConflictError("the same was proposed already, and waits for a second person") from None
        raise
    details = {"proposal_id": proposal_id, "records": stake.records}
    subject = decision.subject
    record(connection, decision.author, f"propose {decision.kind}", subject, reason=decision.reason, details=details)
    return proposal_id


def waiting(connection: Connection, proposal_id: int, *, lock: bool = False) -> Proposal:
    """A proposal, whatever became of it; with `lock`, one that waits, for this transaction alone.

    Raises:
        NotFoundError: there is none.
        ConflictError: with `lock`, it does not wait any more; says who closed it.
    """
    row = connection.execute(
        text(f"SELECT * FROM identity.proposal WHERE proposal_id = :id {'FOR UPDATE' if lock else ''}"),
        {"id": proposal_id},
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no proposal {proposal_id}")
    if lock and row.status != "waiting":
        raise ConflictError(f"proposal {proposal_id} was {row.status} before, by {row.closed_by}")
    said = tuple((a, b, Verdict(verdict)) for a, b, verdict in row.said)
    decision = Decision(row.kind, row.subject, said, row.proposer, row.reason, row.choices, row.undoes)
    return Proposal(proposal_id, decision, row.digest, row.shown, row)


def not_ones_own(proposal: Proposal, name: str) -> None:
    """Raise NotAllowedError for the proposer: two people are two people."""
    if proposal.decision.author == name:
        raise NotAllowedError("you proposed this yourself; another person must confirm it")


def close(
    connection: Connection, proposal: Proposal, status: str, *, by: str, why: str = "", act_id: int | None = None
) -> None:
    """Say what became of it: confirmed, refused or renewed; it is written into the audit log."""
    connection.execute(
        text(
            """UPDATE identity.proposal SET status = :status, closed_at = now(), closed_by = :by, closed_why = :why,
                   act_id = :act WHERE proposal_id = :id"""
        ),
        {"status": status, "by": by, "why": why or None, "act": act_id, "id": proposal.proposal_id},
    )
    act = {"confirmed": "confirm proposal", "refused": "refuse proposal", "renewed": "renew proposal"}[status]
    details = {"proposal_id": proposal.proposal_id, "act_id": act_id}
    record(connection, by, act, proposal.decision.subject, reason=why or None, details=details)


def listed(connection: Connection, *, open_only: bool, limit: int = 50) -> Sequence[Row[Any]]:
    """Proposals that wait, the oldest first; or those that were closed, the newest first."""
    where = "status = 'waiting' ORDER BY proposal_id" if open_only else "status <> 'waiting' ORDER BY closed_at DESC"
    return connection.execute(
        text(f"SELECT * FROM identity.proposal WHERE {where} LIMIT :limit"), {"limit": limit}
    ).all()


def count_waiting(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM identity.proposal WHERE status = 'waiting'")).scalar_one())


def of_records(connection: Connection, *refs: str) -> Row[Any] | None:
    """The oldest waiting proposal that says something of one of these records."""
    return connection.execute(
        text(
            """SELECT proposal_id, proposer, proposed_at FROM identity.proposal
               WHERE status = 'waiting' AND EXISTS (
                   SELECT 1 FROM jsonb_array_elements(said) one WHERE one ->> 0 = ANY(:refs) OR one ->> 1 = ANY(:refs))
               ORDER BY proposal_id LIMIT 1"""
        ),
        {"refs": list(refs)},
    ).one_or_none()
