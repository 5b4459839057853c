"""What the last publication left: whether those who read it can rely on it. A publication on top of damage hides it."""

from hub.model.kinds import Severity
from quality_checks.check import Table

SUITE = "published"
CUSTOMER = Table(SUITE, "golden.customer_row")
CROSSWALK = Table(SUITE, "golden.crosswalk_row")
CHANGE = Table(SUITE, "golden.change")
MERGE_LOG = Table(SUITE, "golden.merge_log")
OPPORTUNITY = Table(SUITE, "golden.opportunity_row")

_CURRENT = "(SELECT golden_id, version FROM golden.customer_row WHERE valid_to IS NULL)"

CHECKS = (
    CUSTOMER.rows(
        "customer_once",
        Severity.CRITICAL,
        "every golden id is published once",
        """SELECT golden_id AS example FROM {batch} WHERE valid_to IS NULL
           GROUP BY golden_id HAVING count(*) > 1""",
    ),
    CUSTOMER.rows(
        "history_without_overlap",
        Severity.CRITICAL,
        "a version of a customer ends before the next begins; else two are true at one moment",
        """
        WITH told AS (
            SELECT golden_id, valid_to, lead(valid_from) OVER (PARTITION BY golden_id ORDER BY version) AS next_from
            FROM {batch})
        SELECT DISTINCT golden_id AS example FROM told
        WHERE next_from IS NOT NULL AND (valid_to <= next_from) IS NOT TRUE""",
    ),
    CUSTOMER.rows(
        "feed_tells_everybody",
        Severity.CRITICAL,
        "the last change of every published customer is the version that is published",
        """
        WITH last AS (SELECT golden_id, max(version) AS version FROM golden.change GROUP BY golden_id)
        SELECT c.golden_id AS example FROM {batch} AS c LEFT JOIN last USING (golden_id)
        WHERE c.valid_to IS NULL AND last.version IS DISTINCT FROM c.version""",
    ),
    CHANGE.rows(
        "feed_without_gaps",
        Severity.CRITICAL,
        "the change feed counts from 1 without a gap; who follows it would wait at one for ever, or miss it",
        """
        WITH told AS (
            SELECT sequence, lag(sequence, 1, CAST(0 AS bigint)) OVER (ORDER BY sequence) AS before FROM {batch})
        SELECT sequence AS example FROM told WHERE sequence <> before + 1""",
    ),
    CROSSWALK.rows(
        "crosswalk_one_to_one",
        Severity.CRITICAL,
        "every source record leads to one customer",
        "SELECT ref AS example FROM {batch} WHERE until IS NULL GROUP BY ref HAVING count(*) > 1",
    ),
    CROSSWALK.rows(
        "crosswalk_leads_to_customer",
        Severity.CRITICAL,
        "every source record leads to a customer that is published",
        f"""
        SELECT x.ref AS example FROM {{batch}} AS x LEFT JOIN {_CURRENT} c USING (golden_id)
        WHERE x.until IS NULL AND c.golden_id IS NULL""",
    ),
    MERGE_LOG.rows(
        "merge_log_leads_on",
        Severity.WARNING,
        "every customer that was merged away leads to one that the change feed tells of",
        """
        SELECT m.golden_id AS example FROM {batch} AS m
        LEFT JOIN (SELECT DISTINCT golden_id FROM golden.change) c ON c.golden_id = m.other_golden_id
        WHERE m.event = 'merged' AND c.golden_id IS NULL""",
    ),
    OPPORTUNITY.rows(
        "opportunity_customer_published",
        Severity.WARNING,
        "every published opportunity that names a customer names one that is published",
        f"""
        SELECT o.ref AS example FROM {{batch}} AS o LEFT JOIN {_CURRENT} c USING (golden_id)
        WHERE o.golden_id IS NOT NULL AND c.golden_id IS NULL""",
    ),
)
