"""Opportunities. Poor hygiene is the sales department's to mend and must not stop everybody's publication, so all of it
warns; critical is only what would make the published opportunities wrong in themselves.

Leads of all departments and engineers see what checks found, so of flags they count those that everybody may see.
"""

from hub.model.kinds import OpportunityStatus, Severity
from quality_checks.check import Check, Table
from quality_checks.rules import hygiene
from quality_checks.rules.rule import Rule

SUITE = "opportunities"
OPPORTUNITY = Table(SUITE, "canonical.opportunity", key=("ref",))
CHANGE = Table(SUITE, "canonical.opportunity_change")


def _no_open(name: str, rule: Rule) -> Check:
    # Which deals these are is for those who lead sales: counts, and the source to look into, are told.
    query = f"""
        SELECT o.source AS example FROM {{batch}} AS o JOIN quality.flag f ON f.opportunity_ref = o.ref
        WHERE f.rule = '{rule.name}' AND f.public"""
    return OPPORTUNITY.rows(
        name, Severity.WARNING, f"no opportunity has a shared flag {rule.name}: {rule.description}", query
    )


CHECKS = (
    _no_open("stale", hygiene.NO_PROGRESS),
    _no_open("past_close_date", hygiene.PAST_CLOSE_DATE),
    _no_open("required_fields", hygiene.REQUIRED_FIELDS),
    OPPORTUNITY.column(
        "status_known",
        Severity.CRITICAL,
        "every status is open, won or lost; one with another would be in no total and no rule",
        "ExpectColumnValuesToBeInSet",
        column="status",
        value_set=[status.value for status in OpportunityStatus],
    ),
    OPPORTUNITY.column(
        "stage_present",
        Severity.WARNING,
        "every stage says something",
        "ExpectColumnValuesToMatchRegex",
        column="stage",
        regex="[^[:space:]]",
    ),
    OPPORTUNITY.column(
        "amount_not_negative",
        Severity.WARNING,
        "no amount is below zero: a typing error, or a credit that belongs into finance",
        "ExpectColumnValuesToBeBetween",
        column="amount",
        min_value=0,
    ),
    OPPORTUNITY.rows(
        "currency_of_amount",
        Severity.WARNING,
        "every amount of a live opportunity has a currency; without it no total can take it in",
        """
        SELECT ref AS example FROM {batch}
        WHERE deleted_at IS NULL AND amount IS NOT NULL AND currency IS NULL""",
    ),
    OPPORTUNITY.rows(
        "created_in_the_past",
        Severity.WARNING,
        "no opportunity was created after the moment of the run, give or take a day for clocks and time zones",
        """
        SELECT ref AS example FROM {batch}
        WHERE deleted_at IS NULL AND source_created_at > CAST(:as_of AS timestamptz) + interval '1 day'""",
    ),
    OPPORTUNITY.rows(
        "customer_known",
        Severity.WARNING,
        "every live opportunity that names a customer names one that has arrived",
        """
        SELECT o.ref AS example FROM {batch} AS o LEFT JOIN canonical.party p ON p.ref = o.party_ref
        WHERE o.deleted_at IS NULL AND o.party_ref IS NOT NULL AND p.ref IS NULL""",
    ),
    CHANGE.rows(
        "history_has_opportunity",
        Severity.WARNING,
        "every live entry of a history belongs to an opportunity that has arrived",
        """
        SELECT c.ref AS example FROM {batch} AS c LEFT JOIN canonical.opportunity o ON o.ref = c.opportunity_ref
        WHERE c.deleted_at IS NULL AND o.ref IS NULL""",
    ),
)
