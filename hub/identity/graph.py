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
        SELECT p.party_b AS party_id FROM reached r JOIN {pairs} p ON p.party_a = r.party_id
        WHERE r.round = :round - 1 AND p.band = 'same'
        UNION
        SELECT p.party_a FROM reached r JOIN {pairs} p ON p.party_b = r.party_id
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


PAIRS = "identity.pair"


def around(connection: Connection, queued: NDArray[np.int64], pairs: str = PAIRS) -> Graph:
    """The parts of the graph that hold a queued party; the rest cannot change. Costs what these parts cost.

    Leaves the temporary table `reached` with their parties until commit. `pairs` names the table of the model's edges.
    """
    _reach(connection, queued, pairs)
    a, b, probability = edges(connection, pairs)
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
        edge_a=a,
        edge_b=b,
        probability=probability,
        links=ledger.live(connection, among="reached"),
        current={party: Current(golden, number) for party, golden, number, stays in members if stays},
        strayed={party: golden for party, golden, _, stays in members if not stays},
    )


def edges(
    connection: Connection, pairs: str = PAIRS
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The model's edges among the parties in `reached`: both parties, the smaller first, and the probability."""
    found = arrow.copy_out(
        connection,
        f"""SELECT party_a, party_b, probability FROM {pairs} JOIN reached ON reached.party_id = party_a
            WHERE band = 'same' ORDER BY party_a, party_b""",
        _EDGE,
    )
    return found["a"].to_numpy(), found["b"].to_numpy(), found["probability"].to_numpy()


def _reach(connection: Connection, queued: NDArray[np.int64], pairs: str) -> None:
    connection.execute(text("DROP TABLE IF EXISTS reached"))
    connection.execute(text("CREATE TEMP TABLE reached (party_id bigint PRIMARY KEY, round int) ON COMMIT DROP"))
    connection.execute(
        text("INSERT INTO reached SELECT DISTINCT unnest(CAST(:ids AS bigint[])), 0"), {"ids": queued.tolist()}
    )
    rounds, new, next_round = 0, len(queued), text(_NEXT_ROUND.format(pairs=pairs))
    while new:
        rounds += 1
        connection.execute(text("ANALYZE reached"))
        new = connection.execute(next_round, {"round": rounds}).rowcount
