"""How often somebody may try to sign in: counted in the database, per client and per account, for all web processes."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Engine, text

WINDOW = 300  # seconds that a failed attempt counts
PER_CLIENT = 10
# More than a client has, so that one who mistypes does not lock out whoever else uses the account's name.
PER_ACCOUNT = 20


@dataclass(frozen=True)
class Attempt:
    """An attempt under way; it counts as failed until `Throttle.succeeded`. `wait`: seconds, if it may not be made."""

    number: int
    wait: int


@dataclass(frozen=True)
class Throttle:
    """Counts attempts. An attempt is written down before the password is looked at: a hundred at once are a hundred."""

    engine: Engine
    secret: str

    def begin(self, client: str, account: str) -> Attempt:
        """Whether an attempt may be made now. One that may not is not counted."""
        values = {
            "client": self._hashed(f"client:{client}"), "account": self._hashed(f"account:{account}"),
            "window": WINDOW, "per_client": PER_CLIENT, "per_account": PER_ACCOUNT,
        }  # fmt: skip
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(_FORGET), values)
            number = connection.execute(text(_COUNT_IN), values).scalar_one()
            wait = connection.execute(text(_WAIT), {**values, "number": number}).scalar_one()
            if wait:
                connection.execute(text(_TAKE_BACK), {"number": number})
        return Attempt(number, wait)

    def succeeded(self, attempt: Attempt) -> None:
        """The password was right: this attempt counts no more. Those before it do, whoever made them."""
        with self.engine.begin() as connection:
            connection.execute(text(_TAKE_BACK), {"number": attempt.number})

    def _hashed(self, what: str) -> str:
        return hmac.new(self.secret.encode(), what.encode(), sha256).hexdigest()


_FORGET = "DELETE FROM ops.sign_in_attempt WHERE attempted_at < now() - make_interval(secs => :window)"
_COUNT_IN = """
    INSERT INTO ops.sign_in_attempt (client, account) VALUES (:client, :account) RETURNING attempt_id"""
_TAKE_BACK = "DELETE FROM ops.sign_in_attempt WHERE attempt_id = :number"
# Of the attempts before this one, the tenth last of the client (and the like for the account) must be over.
_WAIT = """
    SELECT CAST(ceil(coalesce(
        extract(epoch FROM max(attempted_at) + make_interval(secs => :window) - now()), 0)) AS int)
    FROM (
        (SELECT attempted_at FROM ops.sign_in_attempt WHERE client = :client AND attempt_id < :number
         ORDER BY attempt_id DESC OFFSET :per_client - 1 LIMIT 1)
        UNION ALL
        (SELECT attempted_at FROM ops.sign_in_attempt WHERE account = :account AND attempt_id < :number
         ORDER BY attempt_id DESC OFFSET :per_account - 1 LIMIT 1)
    ) limits"""
