"""Which owner of deals in a source an account is: said by admins only, since it opens private flags."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.audit import record
from hub.db.tables.ops import Account, AccountOwner
from hub.errors import ConflictError, NotFoundError


@dataclass(frozen=True)
class Owner:
    """Somebody who owns deals in a source, by what the source calls them."""

    source: str
    owner_id: str
    owner_name: str | None
    deals: int


def own(connection: Connection, name: str, source: str, owner_id: str, *, actor: str) -> None:
    """Say that an account is this owner.

    Raises:
        NotFoundError: there is no such account, or nobody of this id owns a deal in the source.
        ConflictError: another account is this owner.
    """
    if connection.execute(select(Account.name).where(Account.name == name)).one_or_none() is None:
        raise NotFoundError(f"there is no account named {name!r}")
    known = text("SELECT 1 FROM canonical.opportunity WHERE source = :source AND owner_id = :owner LIMIT 1")
    if connection.execute(known, {"source": source, "owner": owner_id}).one_or_none() is None:
        raise NotFoundError(f"nobody with the id {owner_id!r} owns a deal in {source!r}")
    row = {"source": source, "owner_id": owner_id, "name": name, "said_by": actor}
    connection.execute(upsert(AccountOwner).values(row).on_conflict_do_nothing())
    holder = select(AccountOwner.name).where(AccountOwner.source == source, AccountOwner.owner_id == owner_id)
    if connection.execute(holder).scalar_one() != name:
        raise ConflictError(f"another account is {owner_id} in {source}: end that first")
    record(connection, actor, "say owner", name, details={"source": source, "owner_id": owner_id})


def disown(connection: Connection, name: str, source: str, owner_id: str, *, actor: str) -> None:
    """Say that an account is not this owner, or no longer.

    Raises:
        NotFoundError: it was not said before.
    """
    ended = text("DELETE FROM ops.account_owner WHERE name = :name AND source = :source AND owner_id = :owner")
    if connection.execute(ended, {"name": name, "source": source, "owner": owner_id}).rowcount == 0:
        raise NotFoundError(f"{name} is not said to be {owner_id} in {source}")
    record(connection, actor, "end owner", name, details={"source": source, "owner_id": owner_id})


def of_account(connection: Connection, name: str) -> Sequence[Row[Any]]:
    """What owners an account is: source, owner_id, the name that the source has for it, and who said so."""
    return connection.execute(
        text(
            """SELECT w.source, w.owner_id, w.said_by, w.said_at,
                      (SELECT max(o.owner_name) FROM canonical.opportunity o
                       WHERE o.source = w.source AND o.owner_id = w.owner_id) AS owner_name
               FROM ops.account_owner w WHERE w.name = :name ORDER BY w.source, w.owner_id"""
        ),
        {"name": name},
    ).all()


def without_account(connection: Connection) -> list[Owner]:
    """Who owns deals and is no account's owner, who has the most first."""
    rows = connection.execute(
        text(
            """SELECT o.source, o.owner_id, max(o.owner_name) AS owner_name, count(*) AS deals
               FROM canonical.opportunity o
               WHERE o.owner_id IS NOT NULL AND o.deleted_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM ops.account_owner w
                                 WHERE w.source = o.source AND w.owner_id = o.owner_id)
               GROUP BY o.source, o.owner_id ORDER BY deals DESC, o.source, o.owner_id"""
        )
    )
    return [Owner(row.source, row.owner_id, row.owner_name, row.deals) for row in rows]


def proposals(unknown: Sequence[Owner], name: str, email: str | None) -> list[Owner]:
    """Those of the owners whose name agrees with an account's name or the first part of its e-mail address."""
    return [one for one in unknown if any(agrees(called, one.owner_name or "") for called in (name, email or ""))]


def agrees(called: str, owner_name: str) -> bool:
    """Whether `sven.holm` or `s.holm@example.com` may be Sven Holm; a name of one word agrees with nobody."""
    ours, theirs = _words(called.partition("@")[0]), _words(owner_name)
    if len(ours) < 2 or len(ours) != len(theirs):
        return False
    return all(a == b or (a[0] == b[0] and 1 in {len(a), len(b)}) for a, b in zip(ours, theirs, strict=True))


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return re.findall(r"[^\W\d_]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
