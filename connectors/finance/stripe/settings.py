"""Credentials: `api_key`, a restricted key with read access to the four streams and to events. Options below."""

from pydantic import Field

from connectors.options import HttpOptions


class StripeOptions(HttpOptions):
    """Knobs of the Stripe connector."""

    api_version: str = Field(
        "2025-02-24.acacia", description="pinned; the last version whose charges name their invoice themselves"
    )
