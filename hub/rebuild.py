"""Rebuild: everything that is derived is derived again from what landed and from what people said.

Landed rows, judgements, manual values, golden ids with their lineage, models and all that was published stay. What was
derived rightly comes out as it was, and nothing is published; what was not is put right, and the feed tells it.
"""

from sqlalchemy import Connection, text

from hub.audit import record
from hub.db import locks

# Without its basis the index of matching is filled anew, and everybody is compared with the model in use.
_EVERYTHING = (
    """INSERT INTO landing.to_conform (source, stream, source_id)
       SELECT source, stream, source_id FROM landing.source_record ON CONFLICT DO NOTHING""",
    "DELETE FROM identity.match_index",
    "INSERT INTO canonical.to_match (party_id) SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING",
    "INSERT INTO identity.to_resolve (party_id) SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING",
    """INSERT INTO golden.to_compose (golden_id)
       SELECT golden_id FROM identity.golden_id WHERE status = 'active'
       UNION SELECT golden_id FROM golden.composed_customer ON CONFLICT DO NOTHING""",
    """INSERT INTO golden.to_publish (golden_id)
       SELECT golden_id FROM golden.composed_customer
       UNION SELECT golden_id FROM golden.customer ON CONFLICT DO NOTHING""",
    """INSERT INTO golden.to_publish_opportunity (ref)
       SELECT ref FROM canonical.opportunity UNION SELECT ref FROM golden.opportunity_row""",
)


def queue_everything(connection: Connection, *, actor: str, reason: str) -> int:
    """Have the next run derive everything again; returns the number of landed records."""
    locks.alone(connection, "landing.to_conform")
    locks.hold(connection, locks.IDENTITY)
    for queue in ("canonical.to_match", "identity.to_resolve", "golden.to_compose", "golden.to_publish"):
        locks.alone(connection, queue)
    queued = [connection.execute(text(statement)).rowcount for statement in _EVERYTHING]
    landed: int = connection.execute(text("SELECT count(*) FROM landing.source_record")).scalar_one()
    record(connection, actor, "rebuild", "everything", reason=reason, details={"queued": sum(queued)})
    return landed
