"""Which customers must be composed anew."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from hub.db import bulk, locks
from hub.db.tables import canonical
from hub.identity import waiting


def mark(connection: Connection, refs: Iterable[str]) -> int:
    """Queue the customers to whom the parties named by `refs` belong now; returns how many were not queued before.

    What the queue of waiting pairs tells of them follows at once.

    Parties that belong to nobody yet are passed over: resolve queues their customer when it makes one. A rating says
    who gave it but counts for the organization of its ticket too, so that whoever rated takes these along.
    """
    locks.beside(connection, "golden.to_compose")
    bulk.stage(connection, "marked", canonical.Party.__table__, ["ref"], ([ref] for ref in refs))
    waiting.follow(connection, "marked")
    return connection.execute(
        text(
            """INSERT INTO golden.to_compose (golden_id)
               SELECT DISTINCT m.golden_id FROM (
                   SELECT ref FROM marked
                   UNION
                   SELECT t.organization_ref FROM marked
                   JOIN canonical.rating r ON r.party_ref = marked.ref JOIN canonical.ticket t ON t.ref = r.ticket_ref
               ) concerned
               JOIN canonical.party p USING (ref)
               JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               ORDER BY m.golden_id
               ON CONFLICT DO NOTHING"""
        )
    ).rowcount
