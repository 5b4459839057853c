"""Salesforce REST: OAuth client credentials, SOQL through queryAll, and what its error bodies mean."""

import re
from typing import Any, Self

import requests

from connectors.http import Http, json_of
from connectors.options import credential, options_of
from connectors.sales.salesforce.settings import SalesforceOptions
from hub.errors import SourceError, TransientSourceError
from hub.settings import SourceSettings

ADVICE = "check credentials.client_id and client_secret, and that the app's user may read the object"
NO_SUCH_COLUMN = re.compile(r"No such column '([\w.]+)'")


class SalesforceApi:
    """Queries against one org. A session that ran out (401) is renewed once per request."""

    def __init__(self, source: SourceSettings) -> None:
        self._source, self.name = source, source.name
        self.options = options_of(source, SalesforceOptions)
        self._client_id = credential(source, "client_id")
        self._client_secret = credential(source, "client_secret")
        self._http = Http(
            source.name,
            source.base_url,
            self.options,
            advice=ADVICE,
            explain=self._explain,
            authenticate=self._authenticate,
        )

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.__exit__(*error)

    def query_all(self, stream: str, soql: str) -> tuple[list[Any], str | None]:
        """The first rows of a query, deleted ones included, and the path to more of them."""
        path = f"/services/data/{self.options.api_version}/queryAll"
        return _answer(self._source.name, stream, self._http.get(stream, path, {"q": soql}))

    def more(self, stream: str, path: str) -> tuple[list[Any], str | None]:
        """The next rows of a query, and the path to more of them."""
        return _answer(self._source.name, stream, self._http.get(stream, path))

    def fields(self, name: str) -> frozenset[str]:
        """The names of the fields of an object that our user may see."""
        answer = self._http.get(name, f"/services/data/{self.options.api_version}/sobjects/{name}/describe")
        listed = answer.get("fields")
        if not isinstance(listed, list):
            raise TransientSourceError(self.name, name, "a description without fields", advice="run again later")
        return frozenset(str(each["name"]) for each in listed if isinstance(each, dict) and "name" in each)

    def _authenticate(self) -> dict[str, str]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id.get_secret_value(),
            "client_secret": self._client_secret.get_secret_value(),
        }
        answer = self._http.post_form("OAuth", "/services/oauth2/token", form)
        if not isinstance(answer.get("access_token"), str):
            raise SourceError(self._source.name, "OAuth", "the token endpoint answered no access_token", advice=ADVICE)
        return {"Authorization": f"Bearer {answer['access_token']}"}

    def _explain(self, stream: str, response: requests.Response) -> SourceError | None:
        body = json_of(response)
        if stream == "OAuth" and response.status_code == 400:  # OAuth errors are objects, and wrong secrets are a 400
            code = body.get("error") if isinstance(body, dict) else None
            return SourceError(self._source.name, stream, f"no session: {code or 400}", advice=ADVICE)
        first = body[0] if isinstance(body, list) and body and isinstance(body[0], dict) else {}
        return _explained(self._source.name, stream, str(first.get("errorCode", "")), str(first.get("message", "")))


def _explained(source: str, stream: str, code: str, message: str) -> SourceError | None:
    match code:
        case "REQUEST_LIMIT_EXCEEDED":
            problem = "the org's API requests of 24 hours are used up (REQUEST_LIMIT_EXCEEDED)"
            advice = "resume within 24 hours, as the oldest requests leave the window; see Company Information in Setup"
            return SourceError(source, stream, problem, advice=advice)
        case "INVALID_FIELD":
            column = NO_SUCH_COLUMN.search(message)
            named = f"field {column[1]!r}" if column else "a field of the query"
            problem = f"schema changed: {named} does not exist or is hidden from our user (INVALID_FIELD)"
            advice = "was it renamed? restore it, grant access, or adapt streams.py and mapping.py"
            return SourceError(source, stream, problem, advice=advice)
        case "INVALID_TYPE":
            problem = f"object {stream!r} does not exist or is hidden from our user (INVALID_TYPE)"
            return SourceError(source, stream, problem, advice="grant read access, or leave it out of options.streams")
        case "INVALID_QUERY_LOCATOR":
            problem = "the position in a long query ran out (INVALID_QUERY_LOCATOR)"
            return TransientSourceError(source, stream, problem, advice="run again: it goes on after the last row")
        case _:
            return None


def _answer(source: str, stream: str, answer: dict[str, Any]) -> tuple[list[Any], str | None]:
    records, more = answer.get("records"), answer.get("nextRecordsUrl")
    done = answer.get("done")
    if not isinstance(records, list) or not isinstance(done, bool) or (not done and not isinstance(more, str)):
        raise TransientSourceError(source, stream, "an answer without records, done and nextRecordsUrl")
    return records, None if done else more
