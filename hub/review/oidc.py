"""Signing in at an identity provider: OpenID Connect's code flow with PKCE, state and nonce.

The provider is believed about who somebody is; what they may do here is decided by the settings. Nothing of a token is
kept: a session is a session, however it began.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import OAuth2Error
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadData, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hub.errors import OneRecordError
from hub.sections.oidc import OidcSettings

COOKIE = "onerecord_provider"
PATIENCE = 600  # seconds that somebody may take at the provider
TIMEOUT = 10  # seconds for each question to the provider
# What a public key verifies; a token that is signed with the shared secret, or not at all, is refused.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 60  # seconds that clocks may differ


class ProviderError(OneRecordError):
    """The provider did not answer, or what it said is not to be believed. Says what, without what it sent."""


@dataclass(frozen=True)
class Flow:
    """One sign-in under way: kept in a signed cookie of the browser that began it, and good for that browser alone."""

    address: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))


@dataclass
class Provider:
    """The identity provider of the settings."""

    settings: OidcSettings
    secret: str
    _metadata: dict[str, Any] = field(default_factory=dict)

    def seal(self, flow: Flow) -> str:
        """A flow as a cookie."""
        return self._signer().dumps(asdict(flow))

    def unseal(self, cookie: str | None) -> Flow | None:
        """The flow of a cookie; None if there is none, or it is forged or too old."""
        try:
            return Flow(**self._signer().loads(cookie or "", max_age=PATIENCE))
        except BadData:
            return None

    def begin(self, flow: Flow) -> str:
        """The address at the provider where somebody signs in."""
        url, _ = self._client().create_authorization_url(
            self.metadata()["authorization_endpoint"], state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier
        )
        return str(url)

    def finish(self, flow: Flow, code: str) -> dict[str, Any]:
        """Who came back with `code`: the claims of their ID token, and of the user info where that lacks some.

        Raises:
            ProviderError: the provider does not answer, or the token is not one that it made for this flow.
        """
        try:
            client, told = self._client(), self.metadata()
            token = client.fetch_token(told["token_endpoint"], code=code, code_verifier=flow.verifier, timeout=TIMEOUT)
            claims = self._verified(token["id_token"], _json(told["jwks_uri"]), flow.nonce)
            wanted = {self.settings.name_claim, self.settings.role_claim.split(".")[0]}
            if wanted <= claims.keys() or "userinfo_endpoint" not in told:
                return claims
            more = client.get(told["userinfo_endpoint"], timeout=TIMEOUT).json()
        except (requests.RequestException, OAuthError, OAuth2Error, JoseError, ValueError, KeyError) as error:
            raise ProviderError(f"the identity provider's answer is not valid ({type(error).__name__})") from error
        if more.get("sub") != claims["sub"]:
            raise ProviderError("the identity provider's user info is about somebody else")
        return {**more, **claims}

    def _verified(self, token: str, keys: Any, nonce: str) -> dict[str, Any]:
        decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        options = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        params = {"client_id": self.settings.client_id, "nonce": nonce}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=LEEWAY)
        return dict(claims)

    def sign_out_address(self) -> str | None:
        """Where one signs out at the provider too; None where it has no such page, or does not answer."""
        try:
            address = self.metadata().get("end_session_endpoint")
        except ProviderError:
            return None
        return f"{address}?{urlencode({'client_id': self.settings.client_id})}" if address else None

    def metadata(self) -> Mapping[str, Any]:
        """What the provider says of itself, asked once.

        Raises:
            ProviderError: it does not answer, or says that it is another.
        """
        if not self._metadata:
            try:
                told = _json(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            except (requests.RequestException, ValueError) as error:
                raise ProviderError(f"the identity provider does not answer ({type(error).__name__})") from error
            if not isinstance(told, dict) or told.get("issuer") != self.settings.issuer:
                raise ProviderError("the identity provider is another one than oidc.issuer says")
            self._metadata = told
        return self._metadata

    def _client(self) -> OAuth2Session:
        return OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret.get_secret_value(),
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.settings.redirect_uri,
            code_challenge_method="S256",
        )

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="onerecord.provider")


def _json(address: str) -> Any:
    answer = requests.get(address, timeout=TIMEOUT)
    answer.raise_for_status()
    return answer.json()


@dataclass(frozen=True)
class Rights:
    """What a provider's claims give somebody here."""

    role: str
    departments: frozenset[str]


def rights(claims: dict[str, Any], settings: OidcSettings) -> Rights | None:
    """The role of the first entry of `oidc.roles` that matches; None where none does.

    A lead answers for the departments of all entries for leads that match.
    """
    held = _values(claims, settings.role_claim)
    matching = [entry for entry in settings.roles if entry.value in held]
    if not matching:
        return None
    role = matching[0].role
    alike = (entry.departments for entry in matching if entry.role == role)
    return Rights(role, frozenset(department for departments in alike for department in departments))


def _values(claims: dict[str, Any], path: str) -> frozenset[str]:
    """The values of a claim, which may be within others (`realm_access.roles`); a text is one value."""
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    values = [found] if isinstance(found, str) else found
    return frozenset(value for value in values if isinstance(value, str)) if isinstance(values, list) else frozenset()
