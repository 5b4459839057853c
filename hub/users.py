"""Accounts of people: who may sign in, as what, and by which password.

Passwords are kept as argon2id. Accounts are disabled, never deleted: a name in the audit log stays one person's.
"""

import re
import threading
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Connection, Engine, Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.access import Role
from hub.audit import record
from hub.db.tables.ops import Account, Session
from hub.errors import ConfigurationError, ConflictError, NotFoundError
from hub.golden.verified import refusal
from hub.model.kinds import Department

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}")
LONGEST_EMAIL = 254  # octets that SMTP takes
LONGEST_TEAM = 60
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
# The low-memory profile of RFC 9106: 64 MiB, 3 passes. A hash takes about 0.1 s.
HASHER = PasswordHasher()
# Each takes 64 MiB for as long as it counts: who comes fifth waits.
_AT_ONCE = threading.BoundedSemaphore(4)


def add(
    connection: Connection, name: str, role: str, departments: Collection[str], password: str, *, actor: str
) -> None:
    """Make an account with a password.

    Raises:
        ConfigurationError: name, role, departments or password will not do; says why.
        ConflictError: the name is or was in use.
    """
    _check_name(name)
    wanted = _rights(role, departments)
    row = {"name": name, **wanted, "password_hash": _hashed(name, password)}
    _insert(connection, row)
    record(connection, actor, "add account", name, details=wanted)


def add_from_provider(
    connection: Connection, name: str, role: str, departments: Collection[str], *, issuer: str, subject: str
) -> None:
    """Make an account that signs in at an identity provider. Raises as `add` does."""
    _check_name(name)
    wanted = _rights(role, departments)
    _insert(connection, {"name": name, **wanted, "issuer": issuer, "subject": subject})
    record(connection, name, "add account", name, details={**wanted, "issuer": issuer})


def of_provider(connection: Connection, issuer: str, subject: str) -> Row[Any] | None:
    """The account of somebody whom an identity provider calls `subject`."""
    wanted = select(Account.__table__).where(Account.issuer == issuer, Account.subject == subject)
    return connection.execute(wanted).one_or_none()


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise ConfigurationError("the name of an account has 1 to 60 letters, digits or . _ @ -")


def _insert(connection: Connection, row: dict[str, object]) -> None:
    added = upsert(Account).values(row).on_conflict_do_nothing(index_elements=["name"]).returning(Account.name)
    if connection.execute(added).one_or_none() is None:
        raise ConflictError(f"an account named {row['name']!r} exists or existed: take another name")


def _rights(role: str, departments: Collection[str]) -> dict[str, object]:
    if role not in set(Role):
        raise ConfigurationError(f"{role!r} is no role: say {', '.join(Role)}")
    unknown = sorted(set(departments) - set(Department))
    if unknown:
        raise ConfigurationError(f"{unknown[0]!r} is no department: say {', '.join(Department)}")
    if (role == Role.LEAD) != bool(departments):
        raise ConfigurationError("a lead answers for one department or more, and only a lead does")
    return {"role": role, "departments": sorted(set(departments))}


def _hashed(name: str, password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or "\x00" in password:
        raise ConfigurationError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if name.casefold() in password.casefold() and len(password) < len(name) + SHORTEST_PASSWORD:
        raise ConfigurationError("a password must not be made of the name")
    with _AT_ONCE:
        return HASHER.hash(password)


@cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    """What is compared with where there is no password, so that an unknown name takes as long as a known one."""
    return hasher.hash("nobody has this password")


def verify(engine: Engine, name: str, password: str) -> str | None:
    """The name of the account that has this password; None if it is not the right one, or may not sign in.

    No connection is held while the hash is counted.
    """
    nobodys = _nobodys_hash(HASHER)
    wanted = select(Account.password_hash).where(Account.name == name, Account.disabled_at.is_(None))
    with engine.connect() as connection:
        stored = connection.execute(wanted).scalar_one_or_none()
    if not _matches(stored or nobodys, password[: LONGEST_PASSWORD + 1]) or stored is None:
        return None
    if HASHER.check_needs_rehash(stored):
        with _AT_ONCE:
            better = HASHER.hash(password)
        again = update(Account).where(Account.name == name, Account.password_hash == stored)
        with engine.begin() as connection:
            connection.execute(again.values(password_hash=better))
    return name


def _matches(stored: str, password: str) -> bool:
    try:
        with _AT_ONCE:
            return HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def listed(connection: Connection) -> Sequence[Row[*tuple[Any, ...]]]:
    """All accounts by name, with the number of their sessions and when they were seen last."""
    return connection.execute(
        select(
            Account.name, Account.role, Account.departments, Account.issuer, Account.created_at, Account.disabled_at,
            Account.email, Account.team,
            func.count(Session.session_id).label("sessions"), func.max(Session.seen_at).label("seen_at"),
        )
        .outerjoin(Session, Session.name == Account.name).group_by(Account.name).order_by(Account.name)
    ).all()  # fmt: skip


def set_password(connection: Connection, name: str, password: str, *, actor: str) -> None:
    """Give a local account another password, and end its sessions.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it signs in at an identity provider.
        ConfigurationError: the password will not do.
    """
    account = _locked(connection, name)
    if account.issuer is not None:
        raise ConflictError(f"{name} signs in at an identity provider, and has no password here")
    _change(connection, name, password_hash=_hashed(name, password))
    record(connection, actor, "change password", name)


def set_role(connection: Connection, name: str, role: str, departments: Collection[str], *, actor: str) -> None:
    """Give an account another role, and end its sessions. Raises as `add` and `disable` do."""
    account, wanted = _locked(connection, name), _rights(role, departments)
    if {"role": account.role, "departments": account.departments} == wanted:
        return
    if role != Role.ADMIN:
        _keep_an_admin(connection, account)
    _change(connection, name, **wanted)
    record(connection, actor, "change role", name, details=wanted)


def set_contact(connection: Connection, name: str, *, email: str | None, team: str | None, actor: str) -> None:
    """Say where an account's digests go and which team it is in; empty text for neither, None for as it is.

    Its sessions go on.

    Raises:
        NotFoundError: there is no such account.
        ConfigurationError: the address or the name of the team will not do.
    """
    _locked(connection, name)
    if email and (len(email) > LONGEST_EMAIL or refusal("email", email, {})):
        raise ConfigurationError("this is no e-mail address; write it like anna@example.com")
    if team and (len(team) > LONGEST_TEAM or not team.isprintable()):
        raise ConfigurationError(f"the name of a team has at most {LONGEST_TEAM} characters, on one line")
    said = {"email": email, "team": team}
    wanted = {column: value or None for column, value in said.items() if value is not None}
    if not wanted:
        raise ConfigurationError("say an address, a team, or both")
    connection.execute(update(Account).where(Account.name == name).values(**wanted))
    told = {column: bool(value) if column == "email" else value for column, value in wanted.items()}
    record(connection, actor, "change contact", name, details=told)


def disable(connection: Connection, name: str, *, actor: str) -> None:
    """Close an account and end its sessions, at once.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is closed already, or the last admin's.
    """
    account = _locked(connection, name)
    if account.disabled_at is not None:
        raise ConflictError(f"{name} is disabled already")
    _keep_an_admin(connection, account)
    _change(connection, name, disabled_at=text("now()"))
    record(connection, actor, "disable account", name)


def enable(connection: Connection, name: str, *, actor: str) -> None:
    """Open a disabled account again. Raises NotFoundError, and ConflictError where it is open."""
    if _locked(connection, name).disabled_at is None:
        raise ConflictError(f"{name} is not disabled")
    _change(connection, name, disabled_at=None)
    record(connection, actor, "enable account", name)


def _locked(connection: Connection, name: str) -> Row[Any]:
    """The account, to be changed by nobody else until commit: two admins who disable each other take turns."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('change accounts', 0))"))
    found = connection.execute(select(Account.__table__).where(Account.name == name)).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no account named {name!r}")
    return found


def _keep_an_admin(connection: Connection, account: Row[Any]) -> None:
    """Without one, nobody could let anybody in by page any more."""
    if account.role != Role.ADMIN or account.disabled_at is not None:
        return
    live = select(func.count()).select_from(Account).where(Account.role == Role.ADMIN, Account.disabled_at.is_(None))
    if connection.execute(live).scalar_one() == 1:
        raise ConflictError(f"{account.name} is the last admin: make another one first")


def _change(connection: Connection, name: str, **values: object) -> None:
    connection.execute(update(Account).where(Account.name == name).values(**values))
    connection.execute(delete(Session).where(Session.name == name))
