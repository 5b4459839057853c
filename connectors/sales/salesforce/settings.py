"""Credentials: client_id and client_secret of a connected app with the client credentials flow. Options below."""

from pydantic import Field

from connectors.options import HttpOptions


class SalesforceOptions(HttpOptions):
    """Knobs of the Salesforce connector."""

    api_version: str = Field("v66.0", pattern=r"^v\d+\.0$", description="pinned, so that fields do not move under us")
