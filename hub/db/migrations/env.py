"""Alembic's entry: always online, on the connection that `hub.db.migrate` hands over."""

from typing import Any

from alembic import context
from sqlalchemy import text

from hub.db.tables import SCHEMAS, metadata


def _ours(name: str | None, type_: str, _parents: Any) -> bool:
    return name in SCHEMAS if type_ == "schema" else True


connection = context.config.attributes["connection"]
connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
connection.execute(text("SET LOCAL lock_timeout = '10s'"))
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_schemas=True,
    include_name=_ours,
    version_table_schema="ops",
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
