"""HubSpot API: a private app's token, and what its error bodies mean."""

import requests

from connectors.http import Http, json_of
from connectors.marketing.hubspot.settings import HubSpotOptions
from connectors.options import credential, options_of
from hub.errors import SourceError, TransientSourceError
from hub.settings import SourceSettings

ADVICE = "check credentials.token, and that the private app has the read scopes that the README lists"


def connect(source: SourceSettings) -> Http:
    """A session with one HubSpot portal.

    Raises:
        ConfigurationError: credentials.token is missing, or an option is wrong.
    """
    token = credential(source, "token").get_secret_value()

    def explain(stream: str, response: requests.Response) -> SourceError | None:
        body = json_of(response)
        if response.status_code == 429 and isinstance(body, dict) and body.get("policyName") == "DAILY":
            advice = "resume after midnight in the portal's time zone, when the count starts anew"
            return TransientSourceError(
                source.name, stream, "the portal's requests of the day are used up", advice=advice
            )
        if response.status_code == 403 and isinstance(body, dict) and body.get("category") == "MISSING_SCOPES":
            problem = "the private app lacks a scope (MISSING_SCOPES)"
            return SourceError(source.name, stream, problem, advice=ADVICE)
        return None

    options = options_of(source, HubSpotOptions)
    headers = {"Authorization": f"Bearer {token}"}
    return Http(source.name, source.base_url, options, advice=ADVICE, headers=headers, explain=explain)
