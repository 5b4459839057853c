"""Schema `ops`: runs, keys and the audit log."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment, Words

SCHEMA = {"schema": "ops"}


class Run(Base):
    """One run of the pipeline and its summary."""

    __tablename__ = "run"
    __table_args__ = (SCHEMA,)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[Moment]
    started_at: Mapped[Arrived]
    finished_at: Mapped[Moment | None]
    status: Mapped[str] = mapped_column(server_default="running")
    summary: Mapped[Json | None]


class ApiKey(Base):
    """A key of a person or a tool. Only its SHA-256 is stored; the key itself is shown once."""

    __tablename__ = "api_key"
    __table_args__ = (SCHEMA,)

    name: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[Words]
    created_at: Mapped[Arrived]
    revoked_at: Mapped[Moment | None]


class Audit(Base):
    """Every human act: who, when, what, on which record, why."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "happened_at"), SCHEMA)

    audit_id: Mapped[BigId]
    actor: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str | None]
    details: Mapped[Json]
    happened_at: Mapped[Arrived]
