"""Zendesk rows as parties and facts."""

import datetime as dt

import pytest

from connectors.base import Record
from connectors.support.zendesk import mapping
from hub.errors import MappingError
from hub.model.canonical import Party
from hub.model.kinds import Department, RatingScore, TicketStatus

STAMP = "2026-05-04T08:30:00Z"
USER = {
    "id": 5,
    "name": "Ann Lee",
    "email": "ann@lee.example",
    "role": "end-user",
    "organization_id": 9,
    "created_at": STAMP,
}
TICKET = {
    "id": 7, "subject": "Late", "status": "open", "priority": "low", "type": "question", "tags": [], "requester_id": 5,
    "organization_id": 9, "created_at": STAMP, "updated_at": STAMP,
}  # fmt: skip


def record(stream: str, payload: dict, *, deleted: bool = False) -> Record:
    gone = dt.datetime(2026, 6, 1, tzinfo=dt.UTC) if deleted else None
    return Record("zendesk", Department.SUPPORT, stream, str(payload["id"]), payload, gone)


def test_an_end_user_is_a_person_and_staff_is_nobody():
    (party,) = mapping.user(record("users", USER)).rows
    assert (party.ref, party.employer_ref) == ("zendesk:users:5", "zendesk:organizations:9")
    hired = mapping.user(record("users", USER | {"role": "agent"}))
    assert hired.ignored
    assert hired.ended == ((Party, "zendesk:users:5"),), "who was a customer before is one no longer"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, False),
        ({"tags": ["Complaint"]}, True),
        ({"tags": ["billing", "escalated"]}, True),
        ({"type": "problem", "priority": "urgent"}, True),
        ({"type": "problem", "priority": "low"}, False),
        ({"type": "incident", "priority": "urgent"}, False),
    ],
)
def test_what_counts_as_a_complaint(change, complaint):
    (ticket,) = mapping.ticket(record("tickets", TICKET | change)).rows
    assert ticket.is_complaint is complaint


def test_solved_and_deleted_tickets_are_no_longer_open():
    (solved,) = mapping.ticket(record("tickets", TICKET | {"status": "closed"})).rows
    assert (solved.status, solved.solved_at) == (TicketStatus.SOLVED, dt.datetime(2026, 5, 4, 8, 30, tzinfo=dt.UTC))
    (deleted,) = mapping.ticket(record("tickets", TICKET | {"status": "deleted"}, deleted=True)).rows
    assert deleted.status is TicketStatus.SOLVED
    assert deleted.deleted_at is not None


def test_a_long_comment_is_cut_and_kept():
    row = {"id": 3, "score": "bad", "ticket_id": 7, "requester_id": 5, "comment": "x" * 9_000, "created_at": STAMP}
    (rating,) = mapping.rating(record("satisfaction_ratings", row)).rows
    assert rating.score is RatingScore.BAD
    assert len(rating.comment) == 2_000
    assert mapping.rating(record("satisfaction_ratings", row | {"score": "unoffered"})).ignored


@pytest.mark.parametrize("status", [None, "gone", 3, {"x": 1}])
def test_an_unknown_status_is_named(status):
    with pytest.raises(MappingError) as caught:
        mapping.ticket(record("tickets", TICKET | {"status": status}))
    assert caught.value.field == "status"
