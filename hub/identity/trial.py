"""Other settings of matching, tried: which customers would merge or split, and what people said against it.

Nothing is written but temporary tables and views, and no queue or row is locked: whoever reads or judges goes on. The
clusters are found and named by the code that a run uses.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from hub.db import arrow
from hub.identity import graph as graphs
from hub.identity import learning, overturned, register, waiting
from hub.identity.matching import matched_again
from hub.identity.overturned import Homes, Overturned
from hub.identity.resolve import Decided, decide
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings

PAIRS = "tried_pair"  # a view, or a table with --match-again: `identity.pair` as it would be
HOMES = "tried_membership"  # of all parties: `identity.membership` as it would be, present rows only


@dataclass(frozen=True)
class Clusters:
    """What would become of customers and of the queue.

    `bands`: pairs by their band before and after, as far as it changes. `merged`: golden id -> its survivor. `split`:
    the id by which a part goes -> the id that it comes out of. `changed` counts the customers, present or to be, whose
    records would be others, `moved` the records that would be another customer's. `complete` is False where pairs count
    that are not stored: what is told is by the stored pairs then.
    """

    bands: dict[tuple[str, str], int] = field(default_factory=dict)
    merged: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    split: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    changed: int = 0
    moved: int = 0
    waiting: tuple[int, int] = (0, 0)
    overturned: tuple[Overturned, ...] = ()
    complete: bool = True
    homes: Homes = field(default_factory=dict)


def borders(connection: Connection, settings: MatchSettings) -> tuple[float, float]:
    """The borders same and review by which pairs are stored, the stricter of both kinds; else those of `settings`."""
    row = connection.execute(
        text(
            """SELECT max(CAST(report #>> '{thresholds,same}' AS float8)),
                      max(CAST(report #>> '{thresholds,review}' AS float8))
               FROM (SELECT DISTINCT ON (kind) report FROM identity.match_model
                     ORDER BY kind, trained_at DESC, version) newest"""
        )
    ).one()
    return (settings.same if row[0] is None else row[0], settings.review if row[1] is None else row[1])


def would_learn(connection: Connection, old: MatchSettings, new: MatchSettings) -> bool:
    """Whether the next run would move a model by judgements with the one, and not with the other."""
    if old.learn_after == new.learn_after:
        return False
    return any(
        (learning.moved(connection, kind, old) is None) != (learning.moved(connection, kind, new) is None)
        for kind in PartyKind
    )


def band_again(connection: Connection, settings: MatchSettings) -> None:
    """Make the view PAIRS: the stored pairs by other borders. Their probability stays what it is."""
    connection.execute(
        text(
            f"""CREATE TEMP VIEW {PAIRS} AS SELECT party_a, party_b, probability,
                    CASE WHEN probability >= CAST({settings.same!r} AS float8) THEN 'same' ELSE 'review' END AS band
                FROM identity.pair WHERE probability >= CAST({settings.review!r} AS float8)"""
        )
    )


def match_again(connection: Connection, settings: MatchSettings) -> None:
    """Make the table PAIRS: everybody compared anew with everybody, as the next run would.

    Raises:
        ConflictError: the next run has a new model to train.
    """
    found = [matched_again(connection, kind, settings) for kind in PartyKind]
    tables = [one.select(["party_a", "party_b", "probability", "band"]) for one in found if one is not None]
    columns = [("party_a", pa.int64()), ("party_b", pa.int64()), ("probability", pa.float64()), ("band", pa.string())]
    arrow.stage(connection, PAIRS, pa.concat_tables(tables) if tables else pa.schema(columns).empty_table())
    for side in ("party_a", "party_b"):
        connection.execute(text(f"CREATE INDEX ON {PAIRS} ({side})"))


def clusters(connection: Connection, *, complete: bool, as_of: dt.datetime) -> Clusters:
    """What PAIRS would make of the customers, beside what the stored pairs make of them. Leaves the table HOMES.

    What waits to be resolved anyhow is resolved in both, so that only the difference is told.
    """
    connection.execute(text(_CHANGED))
    connection.execute(text("ANALYZE tried_change"))
    bands = {(row[0], row[1]): row[2] for row in connection.execute(text(_BANDS))}
    (queued,) = arrow.numbers_out(connection, _QUEUED, ["party_id"])
    graph = graphs.around(connection, queued, PAIRS)
    a, b, probability = graphs.edges(connection)
    before = replace(graph, edge_a=a, edge_b=b, probability=probability)
    new, old = decide(connection, graph), decide(connection, before)
    homes, homes_before = _homes(connection, new), _homes(connection, old)
    _stage_homes(connection, homes)
    said = overturned.judgements(connection, before, (graph, PAIRS))
    said += overturned.manual_values(connection, homes, homes_before, as_of)
    return Clusters(
        bands=bands,
        merged=dict(new.assignment.merged.items() - old.assignment.merged.items()),
        split=_parts(homes, homes_before, new, old),
        changed=_changed(homes, homes_before),
        moved=sum(homes_before[party] != home for party, home in homes.items()),
        waiting=_waiting(connection),
        overturned=tuple(said),
        complete=complete,
        homes=homes,
    )


def _homes(connection: Connection, decided: Decided) -> Homes:
    names = register.names(connection, decided.clusters, decided.assignment)
    return {party: names[label] for label, parties in decided.clusters.items() for party in parties}


def _parts(homes: Homes, before: Homes, new: Decided, old: Decided) -> dict[uuid.UUID, uuid.UUID]:
    """The id of each part that comes out of a customer, with the id of that one."""

    def told(decided: Decided, named: Homes) -> dict[uuid.UUID, uuid.UUID]:
        return {named[decided.clusters[label][0]]: origin for label, origin in decided.assignment.split.items()}

    return dict(told(new, homes).items() - told(old, before).items())


def _changed(homes: Homes, before: Homes) -> int:
    now, then = _by_home(homes), _by_home(before)
    return sum(now.get(one) != then.get(one) for one in now.keys() | then.keys())


def _by_home(homes: Homes) -> dict[uuid.UUID, set[int]]:
    members: dict[uuid.UUID, set[int]] = defaultdict(set)
    for party, home in homes.items():
        members[home].add(party)
    return members


def _stage_homes(connection: Connection, homes: Homes) -> None:
    """HOMES: those whose clusters were found again, and all others as they are."""
    parties = pa.array(list(homes), pa.int64())
    arrow.stage(
        connection,
        "tried_home",
        pa.table({"party_id": parties, "home": pa.array(map(str, homes.values()), pa.string())}),
    )
    connection.execute(
        text(
            f"""CREATE TEMP TABLE {HOMES} ON COMMIT DROP AS
                SELECT party_id, CAST(home AS uuid) AS golden_id, CAST(NULL AS timestamptz) AS until FROM tried_home
                UNION ALL
                SELECT party_id, golden_id, until FROM identity.membership m
                WHERE until IS NULL AND NOT EXISTS (SELECT 1 FROM tried_home t WHERE t.party_id = m.party_id)"""
        )
    )
    connection.execute(text(f"CREATE INDEX ON {HOMES} (party_id)"))
    connection.execute(text(f"ANALYZE {HOMES}"))


def _waiting(connection: Connection) -> tuple[int, int]:
    """How many pairs wait for people now, and would. Leaves those that would in the table `tried_waiting`."""
    connection.execute(text(_TOUCHED))
    connection.execute(text("ANALYZE tried_touched"))
    connection.execute(
        text(f"CREATE TEMP TABLE tried_waiting ON COMMIT DROP AS {waiting.would_wait('tried_touched', PAIRS, HOMES)}")
    )
    now, leaving, coming = connection.execute(
        text(
            """SELECT (SELECT count(*) FROM identity.waiting_pair),
                (SELECT count(*) FROM identity.waiting_pair JOIN tried_touched USING (party_a, party_b)),
                (SELECT count(*) FROM tried_waiting)"""
        )
    ).one()
    return now, now - leaving + coming


def examples(connection: Connection, found: Clusters, limit: int) -> dict[str, Sequence[str]]:
    """The records of some of the parts that split, by the id of the part."""
    members = _by_home(found.homes)
    parts = sorted(found.split, key=str)[:limit]
    ids = [party for part in parts for party in members[part]]
    rows = connection.execute(
        text("SELECT party_id, ref FROM canonical.party WHERE party_id = ANY(CAST(:ids AS bigint[]))"), {"ids": ids}
    )
    refs = {row.party_id: row.ref for row in rows}
    return {str(part): sorted(refs[party] for party in members[part]) for part in parts}


def by_department(connection: Connection, expression: tuple[str, dict[str, Any]], table: str) -> dict[str, int]:
    """How many pairs of `table` each department judges, by an expression of `hub.review.queries.routing`."""
    routed, parameters = expression
    rows = connection.execute(
        text(f"SELECT department, count(*) FROM {table} w, LATERAL unnest({routed}) AS department GROUP BY 1"),
        parameters,
    )
    return {row[0]: row[1] for row in rows}


_CHANGED = f"""
    CREATE TEMP TABLE tried_change ON COMMIT DROP AS
    SELECT party_a, party_b, coalesce(old.band, 'different') AS before, coalesce(new.band, 'different') AS after
    FROM identity.pair old FULL JOIN {PAIRS} new USING (party_a, party_b) WHERE old.band IS DISTINCT FROM new.band
"""
_BANDS = "SELECT before, after, count(*) FROM tried_change GROUP BY before, after ORDER BY before, after"
_QUEUED = """
    SELECT party_a AS party_id FROM tried_change UNION SELECT party_b FROM tried_change
    UNION SELECT party_id FROM identity.to_resolve
"""
_TOUCHED = f"""
    CREATE TEMP TABLE tried_touched ON COMMIT DROP AS
    SELECT p.party_a, p.party_b FROM {PAIRS} p JOIN tried_home t ON t.party_id = p.party_a WHERE p.band = 'review'
    UNION SELECT p.party_a, p.party_b FROM {PAIRS} p JOIN tried_home t ON t.party_id = p.party_b
          WHERE p.band = 'review'
    UNION SELECT w.party_a, w.party_b FROM identity.waiting_pair w JOIN tried_home t ON t.party_id = w.party_a
    UNION SELECT w.party_a, w.party_b FROM identity.waiting_pair w JOIN tried_home t ON t.party_id = w.party_b
"""
