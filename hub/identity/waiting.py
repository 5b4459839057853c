"""The pairs that wait for a person, as a table of their own: what a queue of any length is read from.

A pair waits while its band is review, nobody judged it, both records exist, and nothing else made one customer of the
two. Whatever can change that queues parties for resolve, and resolve brings the queue in step; a judgement takes its
pair out at once. Whoever adds rows holds off those who judge (`hub.identity.resolve.take_turns`), or has the only live
judgement of the pair in hand: so no pair comes back that was judged meanwhile.
"""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sqlalchemy import Connection, text

from hub.db import arrow


def refresh(connection: Connection, among: str) -> None:
    """Bring all pairs of the parties in the table `among` (party_id) in step. The caller holds judging off."""
    _look_at(connection, _PAIRS_OF.format(among=among))
    _find(connection)
    connection.execute(text(_LEAVE))
    connection.execute(text(_ENTER))
    _regroup(connection, _CLUSTERS_LOOKED_AT)


def follow(connection: Connection, among: str) -> None:
    """What is known or at stake of the customers of the parties in `among` (ref) changed, but not who they are.

    Rows are changed and taken out only. A pair that has to come back, since a record is no longer deleted, is queued
    for resolve, which has its turn with those who judge.
    """
    _look_at(connection, _PAIRS_OF_CUSTOMERS.format(among=among))
    if connection.execute(text("SELECT NOT EXISTS (SELECT 1 FROM looked_at)")).scalar_one():
        return
    _find(connection)
    connection.execute(text(_QUEUE_MISSING))
    # In one order, since several streams are conformed at a time.
    connection.execute(text(_LOCK))
    connection.execute(text(_LEAVE))
    connection.execute(text(_CHANGE))
    _regroup(connection, _CLUSTERS_LOOKED_AT)


def leave(connection: Connection, party_a: int, party_b: int) -> None:
    """Take out a pair that was judged."""
    pair = {"a": party_a, "b": party_b}
    connection.execute(text(_LOCK_CLUSTER), pair)
    left = connection.execute(
        text(
            """DELETE FROM identity.waiting_pair WHERE party_a = :a AND party_b = :b
               RETURNING cluster_id, records"""
        ),
        pair,
    ).one_or_none()
    if left is not None and left.records > 2:
        _regroup(connection, f"SELECT {int(left.cluster_id)} AS cluster_id")


def come_back(connection: Connection, party_a: int, party_b: int) -> None:
    """Put in a pair whose judgement was taken back, if it waits now."""
    _look_at(connection, f"SELECT CAST({int(party_a)} AS bigint) AS party_a, CAST({int(party_b)} AS bigint) AS party_b")
    _find(connection)
    connection.execute(text(_ENTER))
    _regroup(connection, _CLUSTERS_LOOKED_AT)


def would_wait(looked_at: str, pairs: str, members: str) -> str:
    """A query for the pairs of `looked_at` that would wait, with what routes ask of them, if others were stored.

    Columns: party_a, party_b, kind, sources, departments. The arguments name tables: `looked_at` has party_a and
    party_b, `pairs` also a band, and `members` the columns party_id, golden_id and until of `identity.membership`.
    """
    return f"""SELECT p.party_a, p.party_b, a.kind, ARRAY[a.source, b.source] AS sources,
        ARRAY(SELECT DISTINCT unnest(ARRAY[a.department, b.department]) ORDER BY 1) AS departments
        {_WAITS.format(looked_at=looked_at, pairs=pairs, members=members)}"""


def _look_at(connection: Connection, pairs: str) -> None:
    connection.execute(text("DROP TABLE IF EXISTS looked_at"))
    connection.execute(text(f"CREATE TEMP TABLE looked_at ON COMMIT DROP AS {pairs}"))
    connection.execute(text("ANALYZE looked_at"))


def _find(connection: Connection) -> None:
    """Which of the pairs looked at wait now, and what the queue tells of them: the temporary table `found`."""
    connection.execute(text("DROP TABLE IF EXISTS found"))
    connection.execute(text(f"CREATE TEMP TABLE found ON COMMIT DROP AS {_FOUND}"))


def _regroup(connection: Connection, clusters: str) -> None:
    """Find anew what the pairs of these clusters tie together. Costs what the clusters cost."""
    rows = f"SELECT party_a, party_b FROM identity.waiting_pair WHERE cluster_id IN ({clusters})"
    a, b = arrow.numbers_out(connection, rows, ["party_a", "party_b"])
    if not a.size:
        return
    parties, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    left, right = places[: a.size], places[a.size :]
    graph = coo_matrix((np.ones(a.size, dtype=bool), (left, right)), shape=(parties.size, parties.size))
    labels = connected_components(graph, directed=False)[1]
    # Parties are ascending, so the first of a label is its smallest.
    _, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    of = labels[left]
    connection.execute(
        text(_NAME_CLUSTERS),
        {"a": a.tolist(), "b": b.tolist(), "ids": parties[first][of].tolist(), "sizes": sizes[of].tolist()},
    )


_PAIRS_OF = """
    SELECT p.party_a, p.party_b FROM {among} r JOIN identity.pair p ON p.party_a = r.party_id WHERE p.band = 'review'
    UNION SELECT p.party_a, p.party_b FROM {among} r JOIN identity.pair p ON p.party_b = r.party_id
          WHERE p.band = 'review'
    UNION SELECT w.party_a, w.party_b FROM {among} r JOIN identity.waiting_pair w ON w.party_a = r.party_id
    UNION SELECT w.party_a, w.party_b FROM {among} r JOIN identity.waiting_pair w ON w.party_b = r.party_id
"""

_PAIRS_OF_CUSTOMERS = """
    WITH concerned AS MATERIALIZED (
        SELECT p.party_id FROM {among} r JOIN canonical.party p USING (ref)
        UNION
        SELECT other.party_id FROM {among} r JOIN canonical.party p USING (ref)
        JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
        JOIN identity.membership other ON other.golden_id = m.golden_id AND other.until IS NULL
    )
    SELECT p.party_a, p.party_b FROM concerned c JOIN identity.pair p ON p.party_a = c.party_id WHERE p.band = 'review'
    UNION SELECT p.party_a, p.party_b FROM concerned c JOIN identity.pair p ON p.party_b = c.party_id
          WHERE p.band = 'review'
"""

# Which of some pairs wait: `p`, of the parties `a` and `b`.
_WAITS = """
        FROM {looked_at} JOIN {pairs} p USING (party_a, party_b)
        JOIN canonical.party a ON a.party_id = p.party_a JOIN canonical.party b ON b.party_id = p.party_b
        LEFT JOIN {members} ma ON ma.party_id = p.party_a AND ma.until IS NULL
        LEFT JOIN {members} mb ON mb.party_id = p.party_b AND mb.until IS NULL
        WHERE p.band = 'review' AND a.deleted_at IS NULL AND b.deleted_at IS NULL
          AND (ma.golden_id = mb.golden_id) IS NOT TRUE
          AND NOT EXISTS (SELECT 1 FROM identity.judgement j WHERE j.party_a = p.party_a AND j.party_b = p.party_b
                          AND j.author_kind = 'person' AND j.ended_at IS NULL)"""

_FOUND = f"""
    WITH waits AS MATERIALIZED (
        SELECT p.party_a, p.party_b, p.kind, p.probability, p.first_seen_at, a.ref AS a_ref, b.ref AS b_ref,
            array_remove(ARRAY[ma.golden_id, mb.golden_id], NULL) AS homes,
            ARRAY(SELECT DISTINCT unnest(ARRAY[a.department, b.department]) ORDER BY 1) AS departments,
            ARRAY(SELECT DISTINCT unnest(ARRAY[a.source, b.source]) ORDER BY 1) AS sources,
            to_tsvector('simple', regexp_replace(
                left(concat_ws(' ', a.name, a.email, array_to_string(a.other_emails, ' '), a.city, a.ref,
                               b.name, b.email, array_to_string(b.other_emails, ' '), b.city, b.ref), 20000),
                '[^[:alnum:]]+', ' ', 'g')) AS words
        {_WAITS.format(looked_at="looked_at", pairs="identity.pair", members="identity.membership")}
    ), member AS (
        SELECT party_a, party_b, a_ref AS ref FROM waits
        UNION SELECT party_a, party_b, b_ref FROM waits
        UNION SELECT w.party_a, w.party_b, p.ref FROM waits w CROSS JOIN LATERAL unnest(w.homes) AS home
              JOIN identity.membership m ON m.golden_id = home AND m.until IS NULL
              JOIN canonical.party p ON p.party_id = m.party_id
    ), opportunity AS (
        SELECT m.party_a, m.party_b, o.ref, o.currency, o.amount FROM member m
        JOIN canonical.opportunity o ON o.party_ref = m.ref
        WHERE o.status = 'open' AND o.deleted_at IS NULL AND o.amount > 0 AND o.currency IS NOT NULL
        UNION
        SELECT m.party_a, m.party_b, o.ref, o.currency, o.amount FROM member m
        JOIN canonical.opportunity o ON o.contact_ref = m.ref
        WHERE o.status = 'open' AND o.deleted_at IS NULL AND o.amount > 0 AND o.currency IS NOT NULL
    ), of_currency AS (
        SELECT party_a, party_b, currency, sum(opportunities) AS opportunities, sum(balance) AS balance FROM (
            SELECT party_a, party_b, currency, amount AS opportunities, 0 AS balance FROM opportunity
            UNION ALL
            SELECT m.party_a, m.party_b, i.currency, 0, i.remaining FROM member m
            JOIN canonical.invoice i ON i.party_ref = m.ref
            WHERE i.status = 'open' AND i.deleted_at IS NULL AND i.remaining > 0
        ) amounts GROUP BY party_a, party_b, currency
    ), stakes AS (
        SELECT party_a, party_b, max(opportunities + balance) AS stake,
            jsonb_object_agg(currency, opportunities) FILTER (WHERE opportunities > 0) AS open_opportunities,
            jsonb_object_agg(currency, balance) FILTER (WHERE balance > 0) AS open_balance
        FROM of_currency GROUP BY party_a, party_b
    )
    SELECT party_a, party_b, kind, probability, abs(probability - 0.5) AS doubt, first_seen_at AS waiting_since,
        departments, sources, least(coalesce(stake, 0), 9999999999999999) AS stake,
        coalesce(open_opportunities, '{{}}') AS open_opportunities, coalesce(open_balance, '{{}}') AS open_balance,
        words,
        (SELECT q.department FROM identity.question q
         WHERE q.party_a = w.party_a AND q.party_b = w.party_b AND q.answered_at IS NULL) AS asked
    FROM waits w LEFT JOIN stakes USING (party_a, party_b)
"""

_TOLD = (
    "kind", "probability", "doubt", "waiting_since", "departments", "sources", "stake", "open_opportunities",
    "open_balance", "words", "asked",
)  # fmt: skip
_NAMES = ", ".join(_TOLD)
_OLD = ", ".join(f"old.{name}" for name in _TOLD)
_NEW = ", ".join(f"{{new}}.{name}" for name in _TOLD)
_SET = ", ".join(f"{name} = {{new}}.{name}" for name in _TOLD)

_LEAVE = """
    DELETE FROM identity.waiting_pair w USING looked_at l
    WHERE (w.party_a, w.party_b) = (l.party_a, l.party_b)
      AND NOT EXISTS (SELECT 1 FROM found f WHERE (f.party_a, f.party_b) = (w.party_a, w.party_b))
"""
# Cluster 0 is no party's: those rows get their cluster before anybody else sees them.
_ENTER = f"""
    INSERT INTO identity.waiting_pair AS old (party_a, party_b, {_NAMES}, cluster_id, records)
    SELECT party_a, party_b, {_NAMES}, 0, 0 FROM found ORDER BY party_a, party_b
    ON CONFLICT (party_a, party_b) DO UPDATE SET {_SET.format(new="excluded")}
    WHERE ({_OLD}) IS DISTINCT FROM ({_NEW.format(new="excluded")})
"""
_CHANGE = f"""
    UPDATE identity.waiting_pair old SET {_SET.format(new="f")} FROM found f
    WHERE (old.party_a, old.party_b) = (f.party_a, f.party_b) AND ({_OLD}) IS DISTINCT FROM ({_NEW.format(new="f")})
"""
_QUEUE_MISSING = """
    INSERT INTO identity.to_resolve (party_id)
    SELECT f.party_a FROM found f
    WHERE NOT EXISTS (SELECT 1 FROM identity.waiting_pair w WHERE (w.party_a, w.party_b) = (f.party_a, f.party_b))
    ORDER BY 1 ON CONFLICT DO NOTHING
"""
_LOCK = """
    SELECT 1 FROM identity.waiting_pair w JOIN looked_at l USING (party_a, party_b)
    ORDER BY w.party_a, w.party_b FOR UPDATE OF w
"""
_LOCK_CLUSTER = """
    SELECT 1 FROM identity.waiting_pair WHERE cluster_id = (
        SELECT cluster_id FROM identity.waiting_pair WHERE party_a = :a AND party_b = :b)
    ORDER BY party_a, party_b FOR UPDATE
"""
_CLUSTERS_LOOKED_AT = """
    SELECT w.cluster_id FROM looked_at l JOIN identity.waiting_pair w ON w.party_a = l.party_a
    UNION SELECT w.cluster_id FROM looked_at l JOIN identity.waiting_pair w ON w.party_a = l.party_b
    UNION SELECT w.cluster_id FROM looked_at l JOIN identity.waiting_pair w ON w.party_b = l.party_a
    UNION SELECT w.cluster_id FROM looked_at l JOIN identity.waiting_pair w ON w.party_b = l.party_b
"""
_NAME_CLUSTERS = """
    UPDATE identity.waiting_pair w SET cluster_id = n.cluster_id, records = n.records
    FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[]), CAST(:ids AS bigint[]), CAST(:sizes AS int[]))
        AS n(party_a, party_b, cluster_id, records)
    WHERE (w.party_a, w.party_b) = (n.party_a, n.party_b)
      AND (w.cluster_id, w.records) IS DISTINCT FROM (n.cluster_id, n.records)
"""
