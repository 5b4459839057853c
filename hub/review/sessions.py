"""Sessions: a cookie with a random id, a row that says whose it is, and the tokens that prove where a form came from.

A row is there for whoever is signed in, and every request looks at it: what ends a session ends it at once, in all
web processes. A stranger at the sign-in page has a signed cookie and no row.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Connection, Engine, Row, delete, insert, select, text
from starlette.responses import Response

from hub import access
from hub.access import Principal
from hub.db.tables.ops import Session as SessionRow

COOKIE = "onerecord_session"
LIFETIME = 12 * 3600  # seconds: a working day, so that a cookie left behind on a shared machine is worthless tomorrow
IDLE = 2 * 3600  # seconds without a request until one has to sign in again
SEEN_EVERY = 60  # seconds: how exact `seen_at` is, so that not every request writes
AGENT = 200  # characters of what a browser calls itself


@dataclass(frozen=True)
class Session:
    """One visit, signed in or not: the id that its cookie holds."""

    sid: str

    @property
    def hashed(self) -> str:
        return sha256(self.sid.encode()).hexdigest()


@dataclass
class Sessions:
    """Issues and reads session cookies, and knows whose they are."""

    secret: str
    secure: bool

    def start(self, response: Response) -> Session:
        """A new session, with a new id whatever the visitor brought along, set as cookie on `response`."""
        session = Session(secrets.token_urlsafe(32))
        value = self._signer().dumps(session.sid)
        response.set_cookie(
            COOKIE, value, max_age=LIFETIME, path="/", httponly=True, samesite="strict", secure=self.secure
        )
        return session

    def admit(self, connection: Connection, response: Response, name: str, agent: str) -> Session:
        """Sign somebody in: a new session and its row. Sessions that are over go."""
        session = self.start(response)
        connection.execute(delete(SessionRow).where(text(_OVER), SessionRow.name == name), _LIMITS)
        row = {"session_hash": session.hashed, "name": name, "agent": agent.replace("\x00", "")[:AGENT]}
        connection.execute(insert(SessionRow).values(row))
        return session

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None if there is none, or it is forged or expired."""
        if not cookie:
            return None
        try:
            sid = self._signer().loads(cookie, max_age=LIFETIME)
        except BadData:
            return None
        return Session(sid) if isinstance(sid, str) else None

    def leave(self, response: Response) -> None:
        """Have the browser forget its cookie."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=self.secure)

    def csrf(self, session: Session) -> str:
        """The token that forms of this session carry."""
        return hmac.new(self.secret.encode(), b"csrf:" + session.sid.encode(), sha256).hexdigest()

    def is_ours(self, session: Session, token: str) -> bool:
        """Whether a form that carries `token` was made for this session."""
        return hmac.compare_digest(self.csrf(session).encode(), token.encode())

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="onerecord.session", signer_kwargs={"digest_method": sha256})


_OVER = """(session.created_at <= now() - make_interval(secs => :lifetime)
            OR session.seen_at <= now() - make_interval(secs => :idle))"""
_LIMITS = {"lifetime": LIFETIME, "idle": IDLE}


def holder(engine: Engine, session: Session) -> Principal | None:
    """Who is signed in by this session; None where nobody is, or the session is over."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found = connection.execute(
            text(
                f"""SELECT name, role, departments, session.seen_at < now() - make_interval(secs => :every) AS stale
                    FROM ops.session JOIN ops.account USING (name)
                    WHERE session_hash = :hash AND disabled_at IS NULL AND NOT {_OVER}"""
            ),
            {**_LIMITS, "hash": session.hashed, "every": SEEN_EVERY},
        ).one_or_none()
        if found is None:
            return None
        if found.stale:
            seen = text("UPDATE ops.session SET seen_at = now() WHERE session_hash = :hash")
            connection.execute(seen, {"hash": session.hashed})
    return access.principal(found.name, found.role, found.departments)


def of_account(connection: Connection, name: str) -> Sequence[Row[*tuple[Any, ...]]]:
    """Where somebody is signed in, the latest first."""
    columns = (
        SessionRow.session_id,
        SessionRow.session_hash,
        SessionRow.agent,
        SessionRow.created_at,
        SessionRow.seen_at,
    )
    live = select(*columns).where(SessionRow.name == name, text(f"NOT {_OVER}"))
    return connection.execute(live.order_by(SessionRow.session_id.desc()), _LIMITS).all()


def end(connection: Connection, session: Session) -> None:
    """Sign out: a copy of the cookie is worthless too."""
    connection.execute(delete(SessionRow).where(SessionRow.session_hash == session.hashed))


def end_one(connection: Connection, name: str, session_id: int) -> bool:
    """End one session of an account; says whether there was one."""
    own = delete(SessionRow).where(SessionRow.name == name, SessionRow.session_id == session_id)
    return connection.execute(own).rowcount == 1


def end_all(connection: Connection, name: str, *, but: Session | None = None) -> int:
    """End the sessions of an account, `but` one; returns how many."""
    kept = but.hashed if but else ""
    return connection.execute(
        delete(SessionRow).where(SessionRow.name == name, SessionRow.session_hash != kept)
    ).rowcount
