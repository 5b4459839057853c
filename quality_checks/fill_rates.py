"""How many rows of each stream have something in each field: measured in every run, held against what was usual."""

from sqlalchemy import Connection, Table, text

from hub.db.tables import metadata

KEPT_PUBLICATIONS = 20  # whose measures stay; the checks look at the last few of them

# Filled when something ends, so that their share tells how business goes and not how well a source is read.
_ENDS = {"deleted_at", "merged_into_ref", "solved_at", "paid_at", "ended_at", "closed_at", "source_updated_at"}
MEASURED: tuple[tuple[Table, tuple[str, ...]], ...] = tuple(
    (table, fields)
    for table in metadata.sorted_tables
    if table.schema == "canonical"
    and (fields := tuple(column.name for column in table.columns if column.nullable and column.name not in _ENDS))
)


def measure(connection: Connection, run_id: str) -> None:
    """Write quality.fill_rate for this run; each table is read once. Measures that no check looks at any more go."""
    connection.execute(
        text(
            """DELETE FROM quality.fill_rate WHERE run_id = :run OR run_id NOT IN (
                   SELECT run_id FROM golden.publication ORDER BY number DESC LIMIT :kept)"""
        ),
        {"run": run_id, "kept": KEPT_PUBLICATIONS},
    )
    for table, fields in MEASURED:
        connection.execute(text(_measure(table, fields)), {"run": run_id})


def _measure(table: Table, fields: tuple[str, ...]) -> str:
    counts = ", ".join(f"count({name}) AS {name}" for name in fields)
    pairs = ", ".join(f"('{table.name}.{name}', {name})" for name in fields)
    return f"""
        INSERT INTO quality.fill_rate (run_id, source, stream, field, rows, filled)
        SELECT :run, source, stream, field, rows, filled
        FROM (SELECT source, stream, count(*) AS rows, {counts} FROM {table.fullname}
              WHERE deleted_at IS NULL GROUP BY source, stream) counted
        CROSS JOIN LATERAL (VALUES {pairs}) AS v (field, filled)"""
