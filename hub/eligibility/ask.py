"""Answering for a set of customers: one of them and a hundred thousand go the same way."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import NamedTuple

from sqlalchemy import Connection, text

from hub.eligibility import facts
from hub.eligibility.question import Answer, Purpose, Question
from hub.eligibility.rules import Now, judge
from hub.eligibility.settings import EligibilitySettings
from hub.model.kinds import Channel
from hub.uncollected import uncollected

CHUNK = 5_000
"""Customers whose facts are read while as many are judged: about 50 MB."""


class Told(NamedTuple):
    """The answer for one id. `golden_id`: whom it led to; None where nobody has it."""

    asked: uuid.UUID
    golden_id: uuid.UUID | None
    answer: Answer


def ask(
    connection: Connection,
    ids: Sequence[uuid.UUID],
    question: Question,
    settings: EligibilitySettings,
    as_of: dt.datetime,
) -> Iterator[Told]:
    """One answer for each of `ids`, in their order, at the moment `as_of`.

    The connection should hold one snapshot (REPEATABLE READ): a statement is asked for every `CHUNK` ids, while those
    before are judged. It is busy until the last answer.
    """
    chunks = [ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK)]
    with uncollected(), ThreadPoolExecutor(1) as beside:
        reading = [beside.submit(facts.read, connection, chunk, settings, as_of) for chunk in chunks[:1]]
        for chunk, following in zip_longest(chunks, chunks[1:]):
            customers = reading.pop().result()
            if following:
                reading.append(beside.submit(facts.read, connection, following, settings, as_of))
            yield from answers(chunk, customers, question, Now(as_of, settings, customers.stale))


def answers(ids: Sequence[uuid.UUID], customers: facts.Customers, question: Question, now: Now) -> Iterator[Told]:
    """One answer for each of `ids`, in their order, from what is known of them."""
    for one in ids:
        home, known = customers.of(one)
        yield Told(one, home, judge(known, question, now))


def everything(
    connection: Connection, golden_id: uuid.UUID, settings: EligibilitySettings, as_of: dt.datetime
) -> dict[tuple[Purpose, Channel], Answer]:
    """The answers for one customer, by every purpose and channel, no offer or list in particular."""
    customers = facts.read(connection, [golden_id], settings, as_of)
    now = Now(as_of, settings, customers.stale)
    _, known = customers.of(golden_id)
    return {
        (purpose, channel): judge(known, Question(channel, purpose), now) for purpose in Purpose for channel in Channel
    }


def log_exempt(connection: Connection, actor: str, ids: Sequence[uuid.UUID], question: Question) -> None:
    """Write down for whom a service message was asked: no rule holds it back, so the audit log tells of it."""
    connection.execute(
        text(
            """INSERT INTO ops.audit (actor, act, subject, details)
               SELECT :actor, 'service message', 'customer:' || id,
                      jsonb_build_object('channel', CAST(:channel AS text))
               FROM unnest(CAST(:ids AS uuid[])) AS asked (id)"""
        ),
        {"actor": actor, "ids": list(ids), "channel": question.channel},
    )
