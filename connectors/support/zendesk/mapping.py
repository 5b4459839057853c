"""Zendesk rows as parties and facts. Pure."""

from typing import Any

from connectors.base import Mapped, Record
from connectors.fields import date, free_text, moment, needed, required, text, texts
from hub.errors import MappingError
from hub.model.canonical import Party, Rating, Ticket
from hub.model.kinds import PartyKind, RatingScore, TicketStatus

VERSION = 1

STAFF = ("agent", "admin")
COMPLAINT_TAGS = frozenset({"complaint", "complaints", "escalation", "escalated"})
STATUSES = {
    "new": TicketStatus.OPEN,
    "open": TicketStatus.OPEN,
    "pending": TicketStatus.PENDING,
    "hold": TicketStatus.PENDING,
    "solved": TicketStatus.SOLVED,
    "closed": TicketStatus.SOLVED,
}
SCORES = {
    "good": RatingScore.GOOD,
    "good_with_comment": RatingScore.GOOD,
    "bad": RatingScore.BAD,
    "bad_with_comment": RatingScore.BAD,
    "offered": RatingScore.OFFERED,
}


def user(record: Record) -> Mapped:
    """An end user is a person; agents and admins are our own people, and nobody's customer."""
    row = record.payload
    if required(row, "role") in STAFF:
        return Mapped(ignored="our own staff", ended=((Party, record.ref),))
    party = Party(
        **record.common(),
        **_audit(record),
        kind=PartyKind.PERSON,
        name=required(row, "name"),
        email=text(row, "email"),
        phone=text(row, "phone"),
        language=text(row, "locale"),
        birth_date=date(row, "user_fields.birth_date"),
        **_address(row, "user_fields"),
        employer_ref=record.ref_to("organizations", text(row, "organization_id")),
    )
    return Mapped((party,))


def organization(record: Record) -> Mapped:
    """An organization; its first domain is its website."""
    row = record.payload
    domains = texts(row, "domain_names")
    party = Party(
        **record.common(),
        **_audit(record),
        kind=PartyKind.ORGANIZATION,
        name=required(row, "name"),
        website=domains[0] if domains else None,
        phone=text(row, "organization_fields.phone"),
        **_address(row, "organization_fields"),
    )
    return Mapped((party,))


def ticket(record: Record) -> Mapped:
    """A ticket hangs on its requester. A deleted one keeps the status it is known by: solved."""
    row = record.payload
    status = TicketStatus.SOLVED if record.deleted_at else _status(row)
    fact = Ticket(
        **record.common(),
        source_updated_at=moment(row, "updated_at"),
        party_ref=record.ref_to("users", text(row, "requester_id")),
        organization_ref=record.ref_to("organizations", text(row, "organization_id")),
        subject=free_text(row, "subject"),
        status=status,
        priority=text(row, "priority"),
        is_complaint=_is_complaint(row),
        source_created_at=needed(moment(row, "created_at"), "created_at"),
        solved_at=moment(row, "metric_set.solved_at") or moment(row, "updated_at")
        if status is TicketStatus.SOLVED
        else None,
    )
    return Mapped((fact,))


def rating(record: Record) -> Mapped:
    """A satisfaction rating hangs on the requester who gave it, or was asked for it."""
    row = record.payload
    score = required(row, "score")
    if score == "unoffered":
        return Mapped(ignored="no rating was asked for")
    if score not in SCORES:
        raise MappingError("is none of the scores of Zendesk", field="score")
    fact = Rating(
        **record.common(),
        source_updated_at=moment(row, "updated_at"),
        party_ref=record.ref_to("users", text(row, "requester_id")),
        ticket_ref=record.ref_to("tickets", text(row, "ticket_id")),
        score=SCORES[score],
        comment=free_text(row, "comment"),
        rated_at=needed(moment(row, "updated_at") or moment(row, "created_at"), "created_at"),
    )
    return Mapped((fact,))


def _is_complaint(row: dict[str, Any]) -> bool:
    """Tagged as one; or a problem that somebody marked high or urgent."""
    if any(tag.lower() in COMPLAINT_TAGS for tag in texts(row, "tags")):
        return True
    return text(row, "type") == "problem" and text(row, "priority") in ("high", "urgent")


def _status(row: dict[str, Any]) -> TicketStatus:
    status = required(row, "status")
    if status not in STATUSES:
        raise MappingError("is none of the statuses of Zendesk", field="status")
    return STATUSES[status]


def _address(row: dict[str, Any], fields: str) -> dict[str, Any]:
    """Zendesk itself keeps no address; accounts that need one add fields of their own, which have these keys."""
    names = ("street", "city", "region", "postcode", "country")
    return {name: text(row, f"{fields}.{name}") for name in names}


def _audit(record: Record) -> dict[str, Any]:
    row = record.payload
    return {
        "department": record.department,
        "source_created_at": moment(row, "created_at"),
        "source_updated_at": moment(row, "updated_at"),
    }
