"""A matching model for people: what it learned, level by level, and what judgements moved."""

from typing import Any

import numpy as np
from sqlalchemy import Connection, text

import dedup
from dedup.weigh import level_weights
from hub.identity import models
from hub.model.kinds import PartyKind


def describe(connection: Connection, kind: PartyKind) -> dict[str, Any]:
    """The model in use for a kind.

    Returns:
        kind, version, in_use_since; prior and prior_bits, before any comparison, judgements included; moved_by, the
        bits by which so many judgements moved all evidence; fields, each with its levels: label, m, u, weight; report.

    Raises:
        NotFoundError: nothing was matched yet.
    """
    model = models.in_use(connection, kind)
    since = connection.execute(
        text("SELECT max(trained_at) FROM identity.match_model WHERE kind = :kind"), {"kind": kind.value}
    ).scalar_one()
    return {
        "kind": kind.value,
        "version": model.version,
        "in_use_since": since,
        "prior": 1.0 / (1.0 + 2.0**-model.prior_bits),
        "prior_bits": model.prior_bits,
        "moved_by": model.offset,
        "judgements": model.report.get("learned", {}).get("judgements", 0),
        "fields": [{"field": name, "levels": levels} for name, levels in _levels(model).items()],
        "report": {name: value for name, value in model.report.items() if name != "levels"},
    }


def _levels(model: dedup.Model) -> dict[str, list[dict[str, Any]]]:
    """The levels of each comparison, each with the weight that matching gives it, bounds included."""
    return {
        comparison.name: [
            {"label": level.label, "m": m, "u": u, "weight": float(weight)}
            for level, m, u, weight in zip(
                comparison.levels,
                model.m[comparison.name],
                model.u[comparison.name],
                level_weights(comparison, np.array(model.m[comparison.name]), np.array(model.u[comparison.name]))[1:],
                strict=True,
            )
        ]
        for comparison in model.spec.comparisons
    }
