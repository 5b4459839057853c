"""The graph whose parts are customers: parties, tied by the model's edges and by judgements."""

import uuid
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from hub.db import arrow
from hub.identity import ledger
from hub.identity.assign import Current

_EDGE = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("probability", pa.float64())])

# Whom the parties of the last round are tied to: by a pair in the band same, by a judgement, by a customer in common.
_NEXT_ROUND = """
    INSERT INTO reached (party_id, round)
    SELECT party_id, :round FROM (
        SELECT p.party_b AS party_id FROM reached r JOIN identity.pair p ON p.party_a = r.party_id
        WHERE r.round = :round - 1 AND p.band = 'same'
        UNION
        SELECT p.party_a FROM reached r JOIN identity.pair p ON p.party_b = r.party_id
        WHERE r.round = :round - 1 AND p.band = 'same'
        UNION
        SELECT j.party_b FROM reached r JOIN identity.judgement j ON j.party_a = r.party_id
        WHERE r.round = :round - 1 AND j.ended_at IS NULL
        UNION
        SELECT j.party_a FROM reached r JOIN identity.judgement j ON j.party_b = r.party_id
        WHERE r.round = :round - 1 AND j.ended_at IS NULL
        UNION
        SELECT other.party_id FROM reached r
        JOIN identity.membership m ON m.party_id = r.party_id AND m.until IS NULL
        JOIN identity.membership other ON other.golden_id = m.golden_id AND other.until IS NULL
        WHERE r.round = :round - 1
    ) found
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Graph:
    """Everything that ties parties together: model edges, judgements, and who is together now.

    `strayed`: parties that are of another kind now than their customer, which they leave -> its id. They are not in
    `current`.
    """

    parties: NDArray[np.int64]
    edge_a: NDArray[np.int64]
    edge_b: NDArray[np.int64]
    probability: NDArray[np.float64]
    links: list[ledger.Link]
    current: dict[int, Current]
    strayed: dict[int, uuid.UUID]


def around(connection: Connection, queued: NDArray[np.int64]) -> Graph:
    """The parts of the graph that hold a queued party; the rest cannot change. Costs what these parts cost.

    Leaves the temporary table `reached` with their parties until commit.
    """
    _reach(connection, queued)
    edges = arrow.copy_out(
        connection,
        """SELECT party_a, party_b, probability FROM identity.pair JOIN reached ON reached.party_id = party_a
           WHERE band = 'same' ORDER BY party_a, party_b""",
        _EDGE,
    )
    members = connection.execute(
        text(
            """SELECT party_id, golden_id, number, g.kind = p.kind AS stays FROM reached
               JOIN identity.membership USING (party_id) JOIN identity.golden_id g USING (golden_id)
               JOIN canonical.party p USING (party_id) WHERE until IS NULL"""
        )
    ).all()
    (parties,) = arrow.numbers_out(connection, "SELECT party_id FROM reached", ["party_id"])
    return Graph(
        parties=np.sort(parties),
        edge_a=edges["a"].to_numpy(),
        edge_b=edges["b"].to_numpy(),
        probability=edges["probability"].to_numpy(),
        links=ledger.live(connection, among="reached"),
        current={party: Current(golden, number) for party, golden, number, stays in members if stays},
        strayed={party: golden for party, golden, _, stays in members if not stays},
    )


def _reach(connection: Connection, queued: NDArray[np.int64]) -> None:
    connection.execute(text("DROP TABLE IF EXISTS reached"))
    connection.execute(text("CREATE TEMP TABLE reached (party_id bigint PRIMARY KEY, round int) ON COMMIT DROP"))
    connection.execute(
        text("INSERT INTO reached SELECT DISTINCT unnest(CAST(:ids AS bigint[])), 0"), {"ids": queued.tolist()}
    )
    rounds, new = 0, len(queued)
    while new:
        rounds += 1
        connection.execute(text("ANALYZE reached"))
        new = connection.execute(text(_NEXT_ROUND), {"round": rounds}).rowcount
