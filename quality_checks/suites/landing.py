"""What was landed: was everything read, did it fit, and is nothing missing that was there before?"""

from hub.model.kinds import Severity
from quality_checks.check import Table

SUITE = "landing"
RECORD = Table(SUITE, "landing.source_record", key=("source", "stream", "source_id"))
SYNC_RUN = Table(SUITE, "landing.sync_run")
WATERMARK = Table(SUITE, "landing.watermark")
QUARANTINE = Table(SUITE, "landing.quarantine")
PARTY = Table(SUITE, "canonical.party")

# Below ten rows a share says nothing: one deleted row of one would be all of them.
FEWEST = 10

# Sources that were taken out of the settings are left out; without any in the settings, all are meant.
_MEANT = "(:sources = '' OR source = ANY(string_to_array(:sources, ',')))"
_MAX_AGE = """coalesce(CAST((string_to_array(:ages, ','))[
    array_position(string_to_array(:sources_with_age, ','), source)] AS double precision), :max_age_hours)"""

# Whatever run it was in: a run that reads no source must not publish around one that could not be read.
_NEWEST_SYNC = f"""
    WITH newest AS (
        SELECT DISTINCT ON (source, stream) source, stream, error, finished_at FROM {{batch}}
        WHERE {_MEANT} ORDER BY source, stream, sync_run_id DESC)
    SELECT source || ':' || stream AS example FROM newest"""

_GONE = "deleted_at IS NOT NULL AND last_changed_at > published_at AND first_seen_at <= published_at"


def _held_streams(limit: str) -> str:
    """Streams of which more than the share :limit is in quarantine."""
    return f"""
        WITH held AS (SELECT source, stream, source_id FROM landing.quarantine WHERE resolved_at IS NULL),
        landed AS (
            SELECT source, stream, source_id FROM {{batch}} AS record WHERE deleted_at IS NULL UNION SELECT * FROM held)
        SELECT source || ':' || stream AS example
        FROM (SELECT source, stream, count(*) AS all_rows FROM landed GROUP BY source, stream) l
        NATURAL LEFT JOIN (SELECT source, stream, count(*) AS held_rows FROM held GROUP BY source, stream) h
        WHERE all_rows >= {FEWEST} AND held_rows > :{limit} * all_rows"""


CHECKS = (
    SYNC_RUN.rows(
        "synced_without_error",
        Severity.CRITICAL,
        "the newest sync of every stream ended well; what a source did not say would be"
        " missing from the golden records",
        f"{_NEWEST_SYNC} WHERE error IS NOT NULL",
    ),
    SYNC_RUN.rows(
        "sync_finished",
        Severity.CRITICAL,
        "no stream's newest sync was broken off before its end",
        f"{_NEWEST_SYNC} WHERE finished_at IS NULL",
    ),
    WATERMARK.rows(
        "every_stream_was_read",
        Severity.WARNING,
        "a run that read any stream read every stream that was ever read; one that was left out is getting old",
        """
        SELECT source || ':' || stream AS example FROM {batch}
        WHERE EXISTS (SELECT 1 FROM landing.sync_run WHERE run_id = :run_id)
          AND (source, stream) NOT IN (SELECT source, stream FROM landing.sync_run WHERE run_id = :run_id)""",
    ),
    SYNC_RUN.rows(
        "stream_fresh",
        Severity.CRITICAL,
        "every stream was read to its end within gate.max_age_hours before the run; a source may have hours of its own",
        f"""
        WITH read AS (
            SELECT source, stream, max(started_at) AS read_at FROM {{batch}}
            WHERE error IS NULL AND finished_at IS NOT NULL AND {_MEANT} GROUP BY source, stream)
        SELECT source || ':' || stream AS example FROM read
        WHERE (read_at >= (SELECT started_at FROM ops.run WHERE run_id = :run_id)
                          - make_interval(secs => 3600 * {_MAX_AGE})) IS NOT TRUE""",
    ),
    WATERMARK.rows(
        "stream_not_empty",
        Severity.WARNING,
        "a stream that ever had rows still has one",
        """
        WITH known AS (SELECT source, stream FROM {batch})
        SELECT source || ':' || stream AS example FROM known k
        WHERE EXISTS (SELECT FROM landing.source_record r WHERE r.source = k.source AND r.stream = k.stream)
          AND NOT EXISTS (SELECT FROM landing.source_record r
                          WHERE r.source = k.source AND r.stream = k.stream AND r.deleted_at IS NULL)""",
    ),
    QUARANTINE.rows(
        "values_known",
        Severity.WARNING,
        f"no {FEWEST} rows of a stream are in quarantine for the same field: that is a value or a shape which the"
        " mapping does not know, rather than typing errors",
        f"""
        SELECT source || ':' || stream || ' ' || field AS example FROM {{batch}}
        WHERE resolved_at IS NULL AND field IS NOT NULL GROUP BY source, stream, field HAVING count(*) >= {FEWEST}""",
    ),
    RECORD.column(
        "source_id_is_a_key",
        Severity.CRITICAL,
        "no record is keyed by a null made into text, under which different records would overwrite each other",
        "ExpectColumnValuesToNotBeInSet",
        column="source_id",
        value_set=["", "null", "NULL", "None", "undefined", "nan", "NaN"],
    ),
    RECORD.column(
        "content_hash_present",
        Severity.CRITICAL,
        "every record has the hash by which its changes are seen; without it a change is missed",
        "ExpectColumnValueLengthsToBeBetween",
        column="content_hash",
        min_value=1,
    ),
    RECORD.rows(
        "payload_is_an_object",
        Severity.CRITICAL,
        "every payload is a JSON object, which is all that mappings can read",
        """
        SELECT source || ':' || stream || ':' || source_id AS example FROM {batch}
        WHERE jsonb_typeof(payload) <> 'object'""",
    ),
    RECORD.rows(
        "quarantined_share",
        Severity.CRITICAL,
        "at most gate.max_quarantined_share of the landed rows are in quarantine",
        """
        WITH held AS (SELECT source, stream, source_id FROM landing.quarantine WHERE resolved_at IS NULL),
        landed AS (SELECT source, stream, source_id FROM {batch} WHERE deleted_at IS NULL UNION SELECT * FROM held)
        SELECT source || ':' || stream || ':' || source_id AS example FROM held
        WHERE (SELECT count(*) FROM held) > :max_quarantined_share * (SELECT count(*) FROM landed)""",
    ),
    RECORD.rows(
        "quarantined_share_of_stream",
        Severity.WARNING,
        f"at most gate.max_quarantined_share of the rows of any one stream are in quarantine, from {FEWEST} rows on",
        _held_streams("max_quarantined_share"),
    ),
    RECORD.rows(
        "stream_fits",
        Severity.CRITICAL,
        f"at most gate.max_quarantined_share_of_stream of the rows of any one stream are in quarantine, from {FEWEST}"
        " rows on: a stream that hardly fits has another schema now, however few its rows are among all",
        _held_streams("max_quarantined_share_of_stream"),
    ),
    RECORD.rows(
        "stream_volume",
        Severity.CRITICAL,
        "no stream lost more than gate.max_drop_share of its rows since the last publication: a source that suddenly"
        f" says that most of its records are deleted is more likely broken than right. From {FEWEST} deleted rows on",
        f"""
        WITH last AS (SELECT max(published_at) AS published_at FROM golden.publication),
        counted AS (
            SELECT source, stream, count(*) FILTER (WHERE {_GONE}) AS gone,
                   count(*) FILTER (WHERE first_seen_at <= published_at AND (deleted_at IS NULL OR {_GONE})) AS before
            FROM {{batch}} AS record CROSS JOIN last GROUP BY source, stream)
        SELECT source || ':' || stream AS example FROM counted
        WHERE gone >= {FEWEST} AND gone > :max_drop_share * before""",
    ),
    PARTY.rows(
        "party_has_source_record",
        Severity.CRITICAL,
        "every party comes from a record that was landed; one that does not is nobody's word",
        f"""
        SELECT p.ref AS example FROM {{batch}} AS p LEFT JOIN {RECORD.name} r USING (source, stream, source_id)
        WHERE r.source_id IS NULL""",
    ),
    PARTY.rows(
        "delete_arrived",
        Severity.CRITICAL,
        "a party whose record was deleted at the source is deleted here too, unless it still waits to be conformed",
        f"""
        SELECT p.ref AS example FROM {{batch}} AS p JOIN {RECORD.name} r USING (source, stream, source_id)
        WHERE p.deleted_at IS NULL AND r.deleted_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM landing.to_conform q
            WHERE (q.source, q.stream, q.source_id) = (p.source, p.stream, p.source_id))""",
    ),
)
