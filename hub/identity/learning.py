"""What people judged moves the model in use: the evidence is put right by as many bits as their answers ask for."""

import numpy as np
from sqlalchemy import Connection, text

import dedup
from dedup.clusters import places_of
from dedup.columns import Flags, Index
from dedup.matching import score
from hub.identity import models, parties
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings

# A smaller step changes no band worth comparing everybody again for.
LEAST_STEP = 0.1


def heed(connection: Connection, kind: PartyKind, settings: MatchSettings) -> bool:
    """Whether judgements moved the model of a kind: a new version of it is in use then, for all pairs.

    Looks at them again once `settings.learn_after` more have come than the model has learned from.
    """
    learned = moved(connection, kind, settings)
    if learned is None:
        return False
    models.save(connection, kind, learned, settings)
    return True


def moved(connection: Connection, kind: PartyKind, settings: MatchSettings) -> dedup.Model | None:
    """The model of a kind as judgements move it; None where they do not. Reads only."""
    model = models.newest(connection, kind)
    a, b, same = _judged(connection, kind)
    if model is None:
        return None
    known = model.report.get("learned", {}).get("judgements", 0)
    if len(same) - known < settings.learn_after:
        return None
    learned = _moved(connection, model, (a, b), same)
    return None if abs(learned.offset - model.offset) < LEAST_STEP else learned


def _judged(connection: Connection, kind: PartyKind) -> tuple[Index, Index, Flags]:
    """The pairs that people call one customer, or two: ids of both parties, and which it is."""
    rows = connection.execute(
        text(
            """SELECT party_a, party_b, verdict = 'same' FROM identity.judgement
               JOIN canonical.party one ON one.party_id = party_a JOIN canonical.party other ON other.party_id = party_b
               WHERE ended_at IS NULL AND author_kind = 'person' AND verdict IN ('same', 'different')
                 AND one.kind = :kind AND other.kind = :kind ORDER BY judgement_id"""
        ),
        {"kind": kind.value},
    ).all()
    columns = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2].astype(bool)


def _moved(connection: Connection, model: dedup.Model, pairs: tuple[Index, Index], same: Flags) -> dedup.Model:
    """What contradicts itself is held back whatever the bits, so that an answer about it says nothing of them."""
    table = parties.load_some(connection, {int(party) for side in pairs for party in side})
    usable = ~dedup.contradictions(table, model)(*pairs)
    prepared = model.terms.apply(model.spec.standardise(table))
    order = np.argsort(prepared.ids)
    left, right = (order[places_of(prepared.ids[order], side[usable])] for side in pairs)
    return dedup.calibrate(model, score(prepared, left, right, model), same[usable], judgements=len(same))
