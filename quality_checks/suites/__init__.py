"""All checks, as data. Importing them does not load Great Expectations."""

from collections.abc import Mapping

from hub.errors import NotFoundError
from quality_checks.check import Check
from quality_checks.suites import canonical, golden, landing, opportunities, published

_SUITES = (landing, canonical, opportunities, golden, published)
CHECKS: tuple[Check, ...] = tuple(check for suite in _SUITES for check in suite.CHECKS)
SUITES: tuple[str, ...] = tuple(suite.SUITE for suite in _SUITES)

# What nobody can let pass, and why: who the customer is, and what is permitted. What is published wrongly of
# these is with other tools before anybody can take it back.
PROTECTED: Mapping[str, str] = {
    "landing.source_id_is_a_key": "different records would be one",
    "landing.party_has_source_record": "a customer would be nobody's word",
    "golden.kind_known": "persons and organizations are told apart by it",
    "golden.golden_id_once": "one id would be two customers",
    "golden.golden_id_active": "an id that is not in use would be given out",
    "golden.every_customer_composed": "a customer would be told as gone",
    "golden.party_has_customer": "a record would belong to nobody",
    "golden.different_not_bridged": "a person said that they are two",
    "golden.members_belong": "a customer would hold another one's record",
    "golden.members_complete": "a customer would lack a record, and perhaps the objection in it",
    "golden.one_kind": "a person would be merged with an organization",
    "golden.consent_not_widened": "a permission would be published that nobody gave",
    "canonical.party_kind_known": "persons and organizations are told apart by it",
    "canonical.consent_channel_known": "an objection to it would stop nothing",
    "canonical.consent_status_known": "a withdrawal would not be read as one",
    "published.customer_once": "one id would be two customers",
    "published.crosswalk_one_to_one": "one record would be two customers",
}


def suite(name: str) -> tuple[Check, ...]:
    """The checks of one suite.

    Raises:
        NotFoundError: there is no such suite; says which there are.
    """
    if name not in SUITES:
        raise NotFoundError(f"there is no suite {name!r}; there are {', '.join(SUITES)}")
    return tuple(check for check in CHECKS if check.suite == name)
