"""Which connector reads which system. A new system is one folder and one line here."""

from collections.abc import Iterable

from connectors.base import Connector
from connectors.finance.stripe.streams import CONNECTOR as STRIPE
from connectors.marketing.hubspot.streams import CONNECTOR as HUBSPOT
from connectors.sales.salesforce.streams import CONNECTOR as SALESFORCE
from connectors.support.zendesk.streams import CONNECTOR as ZENDESK
from hub.errors import ConfigurationError
from hub.settings import SourceSettings

CONNECTORS = {each.system: each for each in (HUBSPOT, SALESFORCE, STRIPE, ZENDESK)}


def connector(system: str) -> Connector:
    """The connector of `system`.

    Raises:
        ConfigurationError: there is none; names those that there are.
    """
    if system not in CONNECTORS:
        known = ", ".join(sorted(CONNECTORS))
        raise ConfigurationError(f"sources: no connector for system {system!r}; there are {known}")
    return CONNECTORS[system]


def check(sources: Iterable[SourceSettings]) -> None:
    """Whether all sources could be read as they are configured; asks none of them.

    Raises:
        ConfigurationError: a system is unknown, or an option or credential is missing or wrong; says of which source.
    """
    for source in sources:
        with connector(source.system).connect(source):
            pass
