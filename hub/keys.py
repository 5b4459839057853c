"""Keys by which tools call the API: shown once, stored as SHA-256, never deleted. People sign in with accounts.

A key is 256 random bits, so a plain hash is enough: there is nothing to guess that a slow hash would protect.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.access import KEY_SCOPES, Principal
from hub.audit import record
from hub.db.reader import Fetch
from hub.db.tables import ops
from hub.errors import ConfigurationError, ConflictError, NotFoundError

PREFIX = "or_"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,59}")


def create_key(connection: Connection, name: str, scopes: Collection[str], *, actor: str = "operator") -> str:
    """Make a key and return it; this is the only time that it is seen.

    Raises:
        ConfigurationError: the name or a scope is not one.
        ConflictError: the name is or was in use; names are not reused, so that the audit log stays unambiguous.
    """
    unknown = sorted(set(scopes) - set(KEY_SCOPES))
    if unknown or not scopes:
        raise ConfigurationError(f"scopes of a key are {', '.join(KEY_SCOPES)}; got {', '.join(unknown) or 'none'}")
    if NAME.fullmatch(name) is None:
        raise ConfigurationError("the name of a key has 1 to 60 letters, digits, spaces or . _ @ -")
    key = PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "key_hash": hashed(key), "scopes": sorted(set(scopes))}
    added = upsert(ops.ApiKey).values(row).on_conflict_do_nothing(index_elements=["name"])
    if connection.execute(added.returning(ops.ApiKey.name)).one_or_none() is None:
        raise ConflictError(f"a key named {name!r} exists or existed: take another name")
    record(connection, actor, "create key", name, details={"scopes": row["scopes"]})
    return key


def verify(connection: Connection, key: str) -> Principal | None:
    """Whose key this is; None if it is unknown or revoked."""
    wanted = hashed(key)
    live = select(ops.ApiKey).where(ops.ApiKey.key_hash == wanted, ops.ApiKey.revoked_at.is_(None))
    row = connection.execute(live).one_or_none()
    if row is None or not hmac.compare_digest(row.key_hash, wanted):
        return None
    return Principal(row.name, frozenset(row.scopes))


async def verify_hashes(fetch: Fetch, hashes: Sequence[str]) -> dict[str, Principal]:
    """Whose keys these are, by the hash of each; the unknown and revoked are left out."""
    rows = await fetch(
        "SELECT key_hash, name, scopes FROM ops.api_key WHERE key_hash = ANY (%(hashes)s) AND revoked_at IS NULL",
        {"hashes": hashes},
    )
    return {key_hash: Principal(name, frozenset(scopes)) for key_hash, name, scopes in rows}


def revoke(connection: Connection, name: str, *, actor: str = "operator") -> None:
    """End a key, at once.

    Raises:
        NotFoundError: there is no live key of this name.
    """
    ended = (
        update(ops.ApiKey)
        .where(ops.ApiKey.name == name, ops.ApiKey.revoked_at.is_(None))
        .values(revoked_at=text("now()"))
    )
    if connection.execute(ended).rowcount == 0:
        raise NotFoundError(f"no live key is named {name!r}")
    record(connection, actor, "revoke key", name)


def hashed(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()
