"""HTTP for all connectors: one session, one level of retries, every failure an error that says what to do."""

import json
import time
from collections.abc import Callable
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from connectors.options import HttpOptions
from hub.errors import SourceError, TransientSourceError

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
# urllib3 has handed the answer over before its body is read, so what breaks there is tried again here.
CUT_OFF = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
BODY_ATTEMPTS = 3

Params = list[tuple[str, str]] | dict[str, str]


class Http:
    """JSON over HTTP to one source.

    advice: what to do about a 401 or 403, naming the credential.
    explain(stream, response): the error for what only this system says; None leaves it to the general rules.
    authenticate(): fresh headers after a 401, tried once per request.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        options: HttpOptions,
        *,
        advice: str,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        explain: Callable[[str, requests.Response], SourceError | None] | None = None,
        authenticate: Callable[[], dict[str, str]] | None = None,
    ) -> None:
        self.source, self._base, self._options = source, base_url.rstrip("/"), options
        self._advice, self._explain, self._authenticate = advice, explain, authenticate
        self._headers = headers or {}
        self._session = _session(options)
        self._session.auth = auth or self._sign  # an auth of our own also keeps a .netrc from replacing it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, stream: str, path: str, params: Params | None = None) -> dict[str, Any]:
        """The JSON object at `path`.

        Raises:
            TransientSourceError: no whole answer after all attempts.
            SourceError: the source refused; says why and what to do.
        """
        return self._json(stream, "GET", path, params=params)

    def post(self, stream: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that `path` answers to a JSON body. Only for reads: it may be sent more than once."""
        return self._json(stream, "POST", path, json=body)

    def post_form(self, stream: str, path: str, form: dict[str, str]) -> dict[str, Any]:
        """The JSON object that `path` answers to a form, as OAuth token endpoints want it."""
        return self._json(stream, "POST", path, data=form, renew=False)

    def _json(self, stream: str, method: str, path: str, *, renew: bool = True, **content: Any) -> dict[str, Any]:
        for attempt in range(1, BODY_ATTEMPTS + 1):
            try:
                response = self._send(stream, method, path, renew=renew, **content)
                payload = _parse(response)
            except (*CUT_OFF, MalformedError) as error:
                if attempt == BODY_ATTEMPTS:
                    kind = "malformed JSON" if isinstance(error, MalformedError) else "a page that was cut off"
                    problem = f"{method} {path} answered {kind}, {BODY_ATTEMPTS} times"
                    raise TransientSourceError(self.source, stream, problem, advice="run again later") from error
                time.sleep(min(self._options.backoff_seconds * 2**attempt, self._options.max_wait_seconds))
            else:
                return payload
        raise AssertionError("unreachable")  # pragma: no cover

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request

    def _send(self, stream: str, method: str, path: str, *, renew: bool, **content: Any) -> requests.Response:
        renewable = renew and self._authenticate is not None
        if renewable and not self._headers:
            self._renew()
        response = self._request(stream, method, path, **content)
        if response.status_code == 401 and renewable:
            self._renew()
            response = self._request(stream, method, path, **content)
        if not response.ok:
            raise self._error(stream, method, path, response)
        return response

    def _renew(self) -> None:
        if self._authenticate is not None:
            self._headers = {}  # the token request itself goes out unsigned
            self._headers = self._authenticate()

    def _request(self, stream: str, method: str, path: str, **content: Any) -> requests.Response:
        try:
            return self._session.request(method, self._base + path, timeout=self._options.timeout_seconds, **content)
        except CUT_OFF:
            raise
        except requests.RequestException as error:
            problem = f"{method} {path}: {type(error).__name__} after {self._options.retries} retries"
            advice = "check base_url and that the system is up, then run again"
            raise TransientSourceError(self.source, stream, problem, advice=advice) from error

    def _error(self, stream: str, method: str, path: str, response: requests.Response) -> SourceError:
        status = response.status_code
        own = self._explain(stream, response) if self._explain is not None else None
        if own is not None:
            return own
        problem = f"{method} {path} answered {status}"
        if status in TRANSIENT:
            advice = "the source limits or fails for now; run again later"
            return TransientSourceError(self.source, stream, f"{problem} after all retries", advice=advice)
        if status in (401, 403):
            return SourceError(self.source, stream, problem, advice=self._advice)
        advice = "the request does not fit this system: check base_url, options.streams and the connector's README"
        return SourceError(self.source, stream, problem, advice=advice)


def json_of(response: requests.Response) -> Any:
    """The body of an error answer; None where it is not JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def _session(options: HttpOptions) -> requests.Session:
    retry = Retry(
        total=options.retries,
        status_forcelist=TRANSIENT,
        allowed_methods=None,
        backoff_factor=options.backoff_seconds,
        backoff_jitter=options.backoff_seconds,
        backoff_max=options.max_wait_seconds,
        retry_after_max=int(options.max_wait_seconds),
        raise_on_status=False,
    )
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["Accept"] = "application/json"
    return session


class MalformedError(ValueError):
    """An answer with status 200 whose body is no JSON object."""


def _parse(response: requests.Response) -> dict[str, Any]:
    try:
        payload = json.loads(response.content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise MalformedError from error
    if not isinstance(payload, dict):
        raise MalformedError
    return payload


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
