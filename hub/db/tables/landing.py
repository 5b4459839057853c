"""Schema `landing`: rows exactly as the sources gave them, and how far each source has been read."""

from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment

SCHEMA = {"schema": "landing"}


class SourceRecord(Base):
    """One row of a source, as JSON. Rows are never removed: a delete at the source sets deleted_at."""

    __tablename__ = "source_record"
    __table_args__ = (SCHEMA,)

    source: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    payload: Mapped[Json]
    content_hash: Mapped[str]
    deleted_at: Mapped[Moment | None]
    first_seen_at: Mapped[Arrived]
    last_changed_at: Mapped[Arrived]


class ToConform(Base):
    """Queue: source records that changed and are not conformed yet. Written with the row, removed with the result."""

    __tablename__ = "to_conform"
    __table_args__ = (SCHEMA,)

    source: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)


class Watermark(Base):
    """How far a stream has been read. Moves in the transaction that writes the rows, or not at all.

    `conformed_sync`: the newest sync when last everything that was read was conformed.
    """

    __tablename__ = "watermark"
    __table_args__ = (SCHEMA,)

    source: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[Json]
    mapping_version: Mapped[int | None]
    moved_at: Mapped[Arrived]
    conformed_sync: Mapped[int | None] = mapped_column(BigInteger)


class Quarantine(Base):
    """Rows that do not fit, with the reason. An open entry is one without resolved_at."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(
            "uq_quarantine_open",
            "source",
            "stream",
            "source_id",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
        SCHEMA,
    )

    quarantine_id: Mapped[BigId]
    source: Mapped[str]
    stream: Mapped[str]
    source_id: Mapped[str]
    stage: Mapped[str]
    reason: Mapped[str]
    field: Mapped[str | None]
    payload: Mapped[Any] = mapped_column(JSONB, nullable=True)
    first_seen_at: Mapped[Arrived]
    last_seen_at: Mapped[Arrived]
    resolved_at: Mapped[Moment | None]


class SyncRun(Base):
    """What one sync of one stream did."""

    __tablename__ = "sync_run"
    __table_args__ = (Index(None, "source", "stream", "started_at"), SCHEMA)

    sync_run_id: Mapped[BigId]
    run_id: Mapped[str]
    source: Mapped[str]
    stream: Mapped[str]
    started_at: Mapped[Arrived]
    finished_at: Mapped[Moment | None]
    fetched: Mapped[int] = mapped_column(server_default="0")
    inserted: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    deleted: Mapped[int] = mapped_column(server_default="0")
    quarantined: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
