"""Sign-in sessions: a signed cookie that names a key, and the tokens that prove a form came from our own page.

The cookie holds no right of its own: every request looks the key up again, so revoking it ends its sessions at once.
"""

import hmac
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.responses import Response

COOKIE = "onerecord_session"
LIFETIME = 12 * 3600  # seconds: a working day, so that a cookie left behind on a shared machine is worthless tomorrow


@dataclass(frozen=True)
class Session:
    """One visit. `name` is the key that signed in; a visitor who has not has none."""

    sid: str
    name: str | None = None


@dataclass
class Sessions:
    """Issues and reads session cookies; remembers, until they would expire, which ones were signed out."""

    secret: str
    secure: bool
    ended: dict[str, float] = field(default_factory=dict)

    def start(self, response: Response, name: str | None = None) -> Session:
        """A new session, with a new id whatever the visitor brought along, set as cookie on `response`."""
        session = Session(secrets.token_urlsafe(18), name)
        value = self._signer().dumps([session.sid, session.name])
        response.set_cookie(
            COOKIE, value, max_age=LIFETIME, path="/", httponly=True, samesite="strict", secure=self.secure
        )
        return session

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None if there is none or it is forged, expired or signed out."""
        if not cookie:
            return None
        try:
            sid, name = self._signer().loads(cookie, max_age=LIFETIME)
        except (BadData, ValueError, TypeError):
            return None
        return None if sid in self.ended else Session(sid, name)

    def end(self, response: Response, session: Session) -> None:
        """Sign out: the cookie is removed, and worthless where a copy of it was kept."""
        now = time.monotonic()
        self.ended = {sid: until for sid, until in self.ended.items() if until > now}
        self.ended[session.sid] = now + LIFETIME
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=self.secure)

    def csrf(self, session: Session) -> str:
        """The token that forms of this session carry."""
        return hmac.new(self.secret.encode(), b"csrf:" + session.sid.encode(), sha256).hexdigest()

    def is_ours(self, session: Session, token: str) -> bool:
        """Whether a form that carries `token` was made for this session."""
        return hmac.compare_digest(self.csrf(session).encode(), token.encode())

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="onerecord.session", signer_kwargs={"digest_method": sha256})


@dataclass
class Throttle:
    """At most `allowed` failed sign-ins per client within `window` seconds; kept in memory, per process."""

    allowed: int = 10
    window: float = 300.0
    clients: int = 10_000  # bound on memory; the client that failed longest ago is forgotten first
    failures: dict[str, deque[float]] = field(default_factory=dict)

    def wait(self, client: str) -> int:
        """Seconds until this client may try again; 0 for now."""
        recent = self._recent(client)
        return 0 if len(recent) < self.allowed else max(1, round(recent[0] + self.window - time.monotonic()))

    def failed(self, client: str) -> None:
        recent = self._recent(client)
        recent.append(time.monotonic())
        self.failures.pop(client, None)
        self.failures[client] = recent
        if len(self.failures) > self.clients:
            del self.failures[next(iter(self.failures))]

    def succeeded(self, client: str) -> None:
        self.failures.pop(client, None)

    def _recent(self, client: str) -> deque[float]:
        since = time.monotonic() - self.window
        return deque((moment for moment in self.failures.get(client, ()) if moment > since), maxlen=self.allowed)
