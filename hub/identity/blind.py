"""Blind re-review: pairs drawn at random from what is held already, judged once more by who is not told what is held.

The share of answers that agree estimates how often the model, and people, are right. Answers change no customer.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.audit import record
from hub.errors import ConflictError, NotFoundError
from hub.model.kinds import Verdict

# Of each draw, three in five are the model's: nobody has looked at those.
OF_MODEL, OF_PEOPLE = 12, 8
CONFIDENCE = 0.95
# Answers older than this say little of the model and the people of today.
WITHIN_DAYS = 180

# Looked at row by row, a share of the pairs large enough for the draw is read, not all of them sorted.
_DRAW_OF_MODEL = """
    INSERT INTO identity.blind_sample (party_a, party_b, held, held_by)
    SELECT p.party_a, p.party_b, 'same', 'model'
    FROM identity.pair p TABLESAMPLE BERNOULLI (CAST(:percent AS real))
    JOIN canonical.party a ON a.party_id = p.party_a AND a.deleted_at IS NULL
    JOIN canonical.party b ON b.party_id = p.party_b AND b.deleted_at IS NULL
    WHERE p.band = 'same' AND (a.department = ANY(:departments) OR b.department = ANY(:departments))
      AND NOT EXISTS (SELECT 1 FROM identity.judgement j WHERE j.party_a = p.party_a AND j.party_b = p.party_b
                      AND j.author_kind = 'person' AND j.ended_at IS NULL)
    ORDER BY random() LIMIT :many ON CONFLICT DO NOTHING"""

_DRAW_OF_PEOPLE = """
    INSERT INTO identity.blind_sample (party_a, party_b, held, held_by, held_author)
    SELECT j.party_a, j.party_b, j.verdict, 'person', j.author
    FROM identity.judgement j
    JOIN canonical.party a ON a.party_id = j.party_a AND a.deleted_at IS NULL
    JOIN canonical.party b ON b.party_id = j.party_b AND b.deleted_at IS NULL
    WHERE j.ended_at IS NULL AND j.author_kind = 'person' AND j.verdict IN ('same', 'different')
      AND j.author <> :author AND (a.department = ANY(:departments) OR b.department = ANY(:departments))
    ORDER BY random() LIMIT :many ON CONFLICT DO NOTHING"""

_NEXT = """
    SELECT s.sample_id, s.party_a, s.party_b FROM identity.blind_sample s
    JOIN canonical.party a ON a.party_id = s.party_a AND a.deleted_at IS NULL
    JOIN canonical.party b ON b.party_id = s.party_b AND b.deleted_at IS NULL
    WHERE s.answer IS NULL AND s.held_author IS DISTINCT FROM :author
      AND (a.department = ANY(:departments) OR b.department = ANY(:departments))
    ORDER BY s.sample_id LIMIT 1"""

_MEASURED = """
    SELECT s.held_by, s.held, s.answer, count(*) AS many FROM identity.blind_sample s
    JOIN canonical.party a ON a.party_id = s.party_a JOIN canonical.party b ON b.party_id = s.party_b
    WHERE s.answered_at > now() - make_interval(days => :days)
      AND (a.department = ANY(:departments) OR b.department = ANY(:departments))
    GROUP BY s.held_by, s.held, s.answer"""


@dataclass(frozen=True)
class Share:
    """`agreed` of `decided` answers agreed; `low` and `high` bound the true share with a confidence of 95 %.

    `unsure` answers are counted apart. Without a decided answer there is no share.
    """

    agreed: int
    decided: int
    unsure: int = 0
    low: float = 0.0
    high: float = 1.0

    @property
    def value(self) -> float | None:
        return self.agreed / self.decided if self.decided else None


def share(agreed: int, decided: int, unsure: int = 0) -> Share:
    """The share with its Wilson interval, which is honest for few answers and near 0 and 1."""
    from scipy.stats import binomtest  # takes over a second to import

    if decided == 0:
        return Share(0, 0, unsure)
    bounds = binomtest(agreed, decided).proportion_ci(CONFIDENCE, method="wilson")
    return Share(agreed, decided, unsure, float(bounds.low), float(bounds.high))


def draw(connection: Connection, author: str, departments: Collection[str]) -> int:
    """Draw pairs for `author` to judge blindly: of the model's, and of other people's judgements.

    Only pairs with a record of one of the departments. Returns how many were drawn.
    """
    values = {"author": author, "departments": list(departments)}
    pairs = connection.execute(
        text("SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'identity.pair'::regclass")
    ).scalar_one()
    # Enough for a department that has one pair in fifty.
    percent = min(100.0, 100.0 * 50 * OF_MODEL / max(pairs, 1.0))
    of_model = connection.execute(text(_DRAW_OF_MODEL), {**values, "percent": percent, "many": OF_MODEL}).rowcount
    of_people = connection.execute(text(_DRAW_OF_PEOPLE), {**values, "many": OF_PEOPLE}).rowcount
    if of_model + of_people:
        record(connection, author, "draw blind sample", "pairs", details={"model": of_model, "people": of_people})
    return of_model + of_people


def waiting(connection: Connection, author: str, departments: Collection[str]) -> Row[Any] | None:
    """The next pair that `author` may judge blindly: sample_id, party_a, party_b. None when all are answered."""
    values = {"author": author, "departments": list(departments)}
    return connection.execute(text(_NEXT), values).one_or_none()


def sample(connection: Connection, sample_id: int) -> Row[Any]:
    """A drawn pair with what was held and what was answered.

    Raises:
        NotFoundError: there is none of this id.
    """
    found = connection.execute(
        text("SELECT * FROM identity.blind_sample WHERE sample_id = :id"), {"id": sample_id}
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no blind sample {sample_id}")
    return found


def answer(connection: Connection, sample_id: int, verdict: Verdict, *, author: str) -> None:
    """Enter what `author` holds of a drawn pair.

    Raises:
        NotFoundError: there is no such sample.
        ConflictError: it was answered before, or is the author's own judgement.
    """
    drawn = sample(connection, sample_id)
    if drawn.held_author == author:
        raise ConflictError("this pair was judged by yourself: somebody else has to look at it")
    entered = connection.execute(
        text(
            """UPDATE identity.blind_sample SET answer = :answer, answered_by = :author, answered_at = now()
               WHERE sample_id = :id AND answer IS NULL"""
        ),
        {"id": sample_id, "answer": verdict.value, "author": author},
    )
    if entered.rowcount == 0:
        raise ConflictError("somebody else has answered this one in between; go on with the next")
    record(connection, author, "answer blind sample", str(sample_id))


def measured(connection: Connection, departments: Collection[str]) -> dict[str, Share]:
    """How often blind answers agree: with the model's *same* (`model`), and with what people said (`people`)."""
    values = {"days": WITHIN_DAYS, "departments": list(departments)}
    rows = connection.execute(text(_MEASURED), values).all()
    return {"model": _agreement(rows, "model"), "people": _agreement(rows, "person")}


def _agreement(rows: Collection[Row[Any]], held_by: str) -> Share:
    counted = [row for row in rows if row.held_by == held_by]
    decided = [row for row in counted if row.answer != Verdict.UNSURE]
    return share(
        sum(row.many for row in decided if row.answer == row.held),
        sum(row.many for row in decided),
        sum(row.many for row in counted if row.answer == Verdict.UNSURE),
    )
