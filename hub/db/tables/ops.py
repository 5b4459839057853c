"""Schema `ops`: runs, accounts with their sessions, keys, the audit log, and webhooks with their attempts."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment, Words

SCHEMA = {"schema": "ops"}


class Run(Base):
    """One run of the pipeline and its summary. `releases`: the held run of which it does the rest again."""

    __tablename__ = "run"
    __table_args__ = (SCHEMA,)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[Moment]
    started_at: Mapped[Arrived]
    finished_at: Mapped[Moment | None]
    status: Mapped[str] = mapped_column(server_default="running")
    summary: Mapped[Json | None]
    releases: Mapped[str | None] = mapped_column(ForeignKey("ops.run.run_id"))


class Announcement(Base):
    """What became of a run: held back, published or failed. By sequence without gaps, for webhooks that ask for it."""

    __tablename__ = "announcement"
    __table_args__ = (CheckConstraint("kind IN ('held', 'published', 'failed')", name="kind"), SCHEMA)

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    run_id: Mapped[str]
    data: Mapped[Json]
    happened_at: Mapped[Arrived]


class AnnouncementMail(Base):
    """Who is mailed an announcement: claimed before it is sent, and given up where it may still be taken later.

    `sent_at`: when the server took it, or refused it for good.
    """

    __tablename__ = "announcement_mail"
    __table_args__ = (SCHEMA,)

    sequence: Mapped[int] = mapped_column(BigInteger, ForeignKey("ops.announcement.sequence"), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("ops.account.name"), primary_key=True)
    claimed_at: Mapped[Arrived]
    sent_at: Mapped[Moment | None]


class ApiKey(Base):
    """A key of a tool. Only its SHA-256 is stored; the key itself is shown once."""

    __tablename__ = "api_key"
    __table_args__ = (SCHEMA,)

    name: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[Words]
    created_at: Mapped[Arrived]
    revoked_at: Mapped[Moment | None]


class Audit(Base):
    """Every human act, and every look at personal data: who, when, what, on which record, why."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "happened_at"),
        Index(None, "actor", "audit_id"),
        Index(None, "subject", "happened_at"),
        SCHEMA,
    )

    audit_id: Mapped[BigId]
    actor: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str | None]
    details: Mapped[Json]
    happened_at: Mapped[Arrived]


class Webhook(Base):
    """A subscription to a feed, delivered by HTTP: to the changes of customers, or to what becomes of publications.

    `position`: the last sequence of its feed that was delivered, or that its filters leave out. `failures` counts the
    attempts that failed since then. The signing secret is derived from the hub's secret key and `key_salt`; of the
    secret itself only a SHA-256 is stored, which tells when the hub's key is another one now.
    """

    __tablename__ = "webhook"
    __table_args__ = (CheckConstraint("feed IN ('changes', 'publications')", name="feed"), SCHEMA)

    webhook_id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str]
    feed: Mapped[str] = mapped_column(server_default="changes")
    operations: Mapped[Words]
    department: Mapped[str | None]
    key_salt: Mapped[str]
    key_hash: Mapped[str]
    previous_key_salt: Mapped[str | None]
    previous_key_until: Mapped[Moment | None]
    position: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[Moment | None]
    delivered_at: Mapped[Moment | None]
    disabled_at: Mapped[Moment | None]
    disabled_why: Mapped[str | None]
    created_at: Mapped[Arrived]


class WebhookAttempt(Base):
    """One attempt to deliver one change; a ping has no sequence. It was delivered where there is no problem."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index(None, "webhook_id", "attempt_id"), SCHEMA)

    attempt_id: Mapped[BigId]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("ops.webhook.webhook_id", ondelete="CASCADE"))
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int]
    attempted_at: Mapped[Arrived]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    problem: Mapped[str | None]


class Account(Base):
    """A person who signs in. Accounts are never deleted, so that a name in the audit log stays one person's.

    A local account has a password (argon2id); one of an identity provider has `issuer` and `subject` instead.
    `departments`: those that a lead answers for. `email`: where digests go. `team`: whom figures count them with.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="provider"),
        SCHEMA,
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    departments: Mapped[Words]
    password_hash: Mapped[str | None]
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    created_at: Mapped[Arrived]
    disabled_at: Mapped[Moment | None]
    email: Mapped[str | None]
    team: Mapped[str | None]


class AccountOwner(Base):
    """Which owner of deals in a source an account is. An admin says so: it opens that owner's private flags."""

    __tablename__ = "account_owner"
    __table_args__ = (SCHEMA,)

    source: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("ops.account.name"), index=True)
    said_by: Mapped[str]
    said_at: Mapped[Arrived]


class Session(Base):
    """Somebody who is signed in; a session that ends is deleted. `session_hash`: the SHA-256 of what the cookie holds.

    `agent` is what the browser calls itself, for its owner to recognise it by.
    """

    __tablename__ = "session"
    __table_args__ = (SCHEMA,)

    session_id: Mapped[BigId]
    session_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(ForeignKey("ops.account.name", ondelete="CASCADE"), index=True)
    agent: Mapped[str]
    created_at: Mapped[Arrived]
    seen_at: Mapped[Arrived]


class SignInAttempt(Base):
    """An attempt to sign in that did not succeed, for as long as it counts against further ones.

    Client and account are keyed hashes: what was typed may be a password in the wrong field.
    """

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index(None, "client", "attempt_id"), Index(None, "account", "attempt_id"), SCHEMA)

    attempt_id: Mapped[BigId]
    client: Mapped[str]
    account: Mapped[str]
    attempted_at: Mapped[Arrived] = mapped_column(index=True)
