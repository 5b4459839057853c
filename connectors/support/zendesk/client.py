"""Zendesk Support API: an API token as basic auth, and what its error bodies mean."""

import requests

from connectors.http import Http, json_of
from connectors.options import credential, options_of
from connectors.support.zendesk.settings import ZendeskOptions
from hub.errors import SourceError
from hub.settings import SourceSettings

ADVICE = "check credentials.email and api_token, and that token access is on and the agent is an admin"


def connect(source: SourceSettings) -> Http:
    """A session with one Zendesk account.

    Raises:
        ConfigurationError: credentials.email or credentials.api_token is missing, or an option is wrong.
    """
    user = f"{credential(source, 'email').get_secret_value()}/token"

    def explain(stream: str, response: requests.Response) -> SourceError | None:
        body = json_of(response)
        code = body.get("error") if isinstance(body, dict) else None
        if response.status_code == 422 or code in ("InvalidCursor", "InvalidPaginationParameter"):
            problem = f"{response.status_code} {code or ''}: the saved position is refused".replace(" :", ":")
            return SourceError(source.name, stream, problem, advice="remove the stream's watermark to read it anew")
        return None

    return Http(
        source.name,
        source.base_url,
        options_of(source, ZendeskOptions),
        advice=ADVICE,
        auth=(user, credential(source, "api_token").get_secret_value()),
        explain=explain,
    )
