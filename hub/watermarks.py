"""How far sources were read, as far as a person may change it."""

from sqlalchemy import Connection, text

from hub.audit import record
from hub.errors import NotFoundError


def forget(connection: Connection, source: str, stream: str | None, *, actor: str, reason: str) -> list[str]:
    """Forget the watermarks of a source, or of one of its streams; returns the streams concerned.

    Records that stand in quarantine are queued for conform again, since a full read of equal rows queues nothing.

    Raises:
        NotFoundError: nothing of that name was read yet.
    """
    names = {"source": source, "stream": stream}
    streams = (
        connection.execute(
            text(
                """DELETE FROM landing.watermark
                   WHERE source = :source AND (CAST(:stream AS text) IS NULL OR stream = :stream) RETURNING stream"""
            ),
            names,
        )
        .scalars()
        .all()
    )
    if not streams:
        raise NotFoundError(f"nothing was read yet of {source}{f'/{stream}' if stream else ''}")
    connection.execute(
        text(
            """INSERT INTO landing.to_conform (source, stream, source_id)
               SELECT source, stream, source_id FROM landing.quarantine JOIN landing.source_record
                   USING (source, stream, source_id)
               WHERE resolved_at IS NULL AND source = :source AND (CAST(:stream AS text) IS NULL OR stream = :stream)
               ON CONFLICT DO NOTHING"""
        ),
        names,
    )
    record(connection, actor, "resync", source, reason=reason or None, details={"streams": sorted(streams)})
    return sorted(streams)
