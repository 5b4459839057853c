"""Stripe API: a bearer key and a pinned version."""

from connectors.finance.stripe.settings import StripeOptions
from connectors.http import Http
from connectors.options import credential, options_of
from hub.settings import SourceSettings

ADVICE = "check credentials.api_key: a restricted key needs read access to this resource and to events"


def connect(source: SourceSettings) -> Http:
    """A session with one Stripe account.

    Raises:
        ConfigurationError: credentials.api_key is missing, or an option is wrong.
    """
    options = options_of(source, StripeOptions)
    headers = {
        "Authorization": f"Bearer {credential(source, 'api_key').get_secret_value()}",
        "Stripe-Version": options.api_version,
    }
    return Http(source.name, source.base_url, options, advice=ADVICE, headers=headers)
