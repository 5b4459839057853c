"""Signing secrets: derived from the hub's secret key, never stored.

A secret is HKDF-SHA256 of the hub's secret key and a random salt that is stored with the webhook. Neither a copy of
the database nor the secret key alone is enough to sign. Rotation draws a new salt; the old one signs along for a while.
"""

import base64
import datetime as dt
import hashlib
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks import Webhook

PREFIX = "whsec_"


def new_salt() -> str:
    """128 random bits, in hex: two webhooks never share a secret, nor does one that is made anew under an old name."""
    return secrets.token_hex(16)


def derive(secret_key: str, salt: str) -> str:
    """The signing secret of a salt, as receivers are given it: `whsec_` and 32 bytes in base64."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=bytes.fromhex(salt), info=b"onerecord webhook")
    return PREFIX + base64.b64encode(kdf.derive(secret_key.encode())).decode()


def fingerprint(secret: str) -> str:
    """SHA-256 of a secret; of 256 random bits it gives nothing away."""
    return hashlib.sha256(secret.encode()).hexdigest()


def headers(whsecs: list[str], message_id: str, moment: dt.datetime, body: str) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0, with a signature by each secret; the current one comes first."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, moment, body) for secret in whsecs),
    }
