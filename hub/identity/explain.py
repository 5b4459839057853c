"""Why two parties were, or were not, put together: one object for the UI, the API and the CLI."""

import contextlib
from typing import Any

from sqlalchemy import Connection, Engine, text

import dedup
from hub.errors import OneRecordError
from hub.identity import models, parties
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings


def explain_pair(connection: Connection, a_ref: str, b_ref: str, settings: MatchSettings) -> dict[str, Any]:
    """The evidence for a pair, field by field, and what was judged about it.

    Returns:
        a, b (refs), kind, model_version, prior, total (bits), probability, band, fields, judgements (newest first).

    Raises:
        NotFoundError: no party has that ref, or nothing was matched yet.
        OneRecordError: a person and an organization cannot be compared.
    """
    found = parties.ids_of(connection, [a_ref, b_ref])
    (a, kind), (b, other_kind) = found[a_ref], found[b_ref]
    if kind != other_kind:
        raise OneRecordError(
            f"{a_ref} is of the kind {kind}, {b_ref} of the kind {other_kind}: they cannot be compared"
        )
    model = models.in_use(connection, PartyKind(kind))
    rows = {row["party_id"]: row for row in parties.load_some(connection, {a, b}).to_pylist()}
    thresholds = dedup.Thresholds(same=settings.same, review=settings.review)
    explanation = dedup.explain(rows[a], rows[b], model, thresholds)
    return {"a": a_ref, "b": b_ref, **explanation, "judgements": _judgements(connection, min(a, b), max(a, b))}


def warm(engine: Engine, settings: MatchSettings) -> None:
    """Explain some pair that waits, of each kind: whoever is the first to look at one waits a second less then.

    What matching loads when it is first used (telephone plans, domain endings, nicknames, the model) takes 1.2 s.
    """
    with engine.connect() as connection:
        pairs = connection.execute(
            text(
                """SELECT DISTINCT ON (w.kind) a.ref AS a, b.ref AS b FROM identity.waiting_pair w
                   JOIN canonical.party a ON a.party_id = w.party_a JOIN canonical.party b ON b.party_id = w.party_b"""
            )
        ).all()
        for pair in pairs:
            with contextlib.suppress(OneRecordError):
                explain_pair(connection, pair.a, pair.b, settings)


def _judgements(connection: Connection, a: int, b: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        text(
            """SELECT judgement_id, verdict, author_kind, author, reason, made_at, ended_at, ended_by
               FROM identity.judgement WHERE party_a = :a AND party_b = :b ORDER BY judgement_id DESC"""
        ),
        {"a": a, "b": b},
    ).mappings()
    return [dict(row) for row in rows]
