"""Waiting for something: pairs put off until a day, and questions to other departments with their answers."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.audit import record
from hub.errors import ConflictError


def put_off(connection: Connection, party_a: int, party_b: int, until: dt.date | None, who: str) -> None:
    """Have a pair wait elsewhere until a day; None brings it back now.

    Raises:
        ConflictError: it does not wait any more.
    """
    changed = connection.execute(
        text("UPDATE identity.waiting_pair SET later_until = :until WHERE party_a = :a AND party_b = :b"),
        {"a": party_a, "b": party_b, "until": until},
    )
    if not changed.rowcount:
        raise ConflictError("this pair does not wait any more; look again")
    details = {"until": until.isoformat() if until else None}
    record(connection, who, "put off" if until else "bring back", f"{party_a}/{party_b}", details=details)


def ask(connection: Connection, party_a: int, party_b: int, department: str, question: str, *, who: str) -> None:
    """Ask a department; the pair waits for them until they answer.

    Raises:
        ConflictError: the pair does not wait any more, or waits for an answer already.
    """
    values = {"a": party_a, "b": party_b, "department": department, "question": question, "who": who}
    changed = connection.execute(
        text(
            """UPDATE identity.waiting_pair SET asked = :department, later_until = NULL
               WHERE party_a = :a AND party_b = :b AND asked IS NULL"""
        ),
        values,
    )
    if not changed.rowcount:
        raise ConflictError("this pair does not wait any more, or waits for an answer already; look again")
    question_id = connection.execute(
        text(
            """INSERT INTO identity.question (party_a, party_b, department, question, asked_by)
               VALUES (:a, :b, :department, :question, :who) RETURNING question_id"""
        ),
        values,
    ).scalar_one()
    # What was asked may name people: the log points at it.
    details = {"question_id": question_id, "department": department}
    record(connection, who, "ask", f"{party_a}/{party_b}", details=details)


def answer(connection: Connection, party_a: int, party_b: int, said: str, who: str) -> None:
    """Answer the open question of a pair, which goes back to who judges it.

    Raises:
        ConflictError: there is no open question; somebody else answered it, or took it back.
    """
    question_id = _end(connection, party_a, party_b, said, who)
    record(connection, who, "answer", f"{party_a}/{party_b}", details={"question_id": question_id})


def withdraw(connection: Connection, party_a: int, party_b: int, who: str) -> None:
    """Wait no longer for the answer. Raises ConflictError where there is no open question."""
    question_id = _end(connection, party_a, party_b, None, who)
    record(connection, who, "withdraw question", f"{party_a}/{party_b}", details={"question_id": question_id})


def _end(connection: Connection, party_a: int, party_b: int, said: str | None, who: str) -> int:
    values = {"a": party_a, "b": party_b, "said": said, "who": who}
    ended: int | None = connection.execute(
        text(
            """UPDATE identity.question SET answer = :said, answered_by = :who, answered_at = now()
               WHERE party_a = :a AND party_b = :b AND answered_at IS NULL RETURNING question_id"""
        ),
        values,
    ).scalar_one_or_none()
    if ended is None:
        raise ConflictError("there is no open question about this pair any more; look again")
    connection.execute(
        text("UPDATE identity.waiting_pair SET asked = NULL WHERE party_a = :a AND party_b = :b"), values
    )
    return ended


def about(connection: Connection, party_a: int, party_b: int) -> Sequence[Row[Any]]:
    """All that was ever asked about a pair, the newest first; without `answered_at` it is open."""
    return connection.execute(
        text("SELECT * FROM identity.question WHERE party_a = :a AND party_b = :b ORDER BY question_id DESC"),
        {"a": party_a, "b": party_b},
    ).all()
