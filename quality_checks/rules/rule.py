"""What a hygiene rule is, and the pieces of SQL that rules share.

A rule is one SELECT over the CTEs of LIVE, giving `ref` (its subject), severity and evidence of what breaks it.
Evidence holds dates, numbers and names of fields that stay equal until the subject, a norm or a setting changes,
never "days since", which would make every flag a new one every day. Days are those of UTC.
"""

from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    """What a flag hangs on: the column of quality.flag that holds a rule's `ref`."""

    OPPORTUNITY = "opportunity_ref"
    CUSTOMER = "golden_id"
    DEPARTMENT = "department"


@dataclass(frozen=True)
class Rule:
    """One hygiene rule: `select` has the shape that the module's docstring gives, and takes `hygiene.parameters`."""

    name: str
    description: str
    select: str
    about: Subject = Subject.OPPORTUNITY


AS_OF = "CAST(:as_of AS timestamptz)"
TODAY = f"CAST({AS_OF} AT TIME ZONE 'UTC' AS date)"

# What people write into a field that they are forced to fill, once blanks and punctuation are taken away.
PLACEHOLDERS = (
    "", "tbd", "tba", "tbc", "na", "none", "null", "nil", "unknown", "todo", "test", "x", "xx", "xxx", "123",
)  # fmt: skip
_PUNCTUATION = " .,;!?_/*#+=()<>-"


def day_of(moment: str) -> str:
    """The day of UTC of a timestamptz."""
    return f"CAST({moment} AT TIME ZONE 'UTC' AS date)"


# The CTEs that rules may read. live_opportunity: not deleted at the source. history: its changes up to now, from the
# source or seen by our own snapshots. told: fields whose history a source keeps. norm: what is usual now. stage_rank:
# open stages in the order of their probability, the first is 1. won_lately: won in the last closed_days. customer: each
# party's customer. deal, money: opportunities, and what finance knows, by customer.
LIVE = f"""live_opportunity AS (SELECT * FROM canonical.opportunity WHERE deleted_at IS NULL),
history AS MATERIALIZED (
    SELECT * FROM quality.opportunity_history WHERE changed_at <= {AS_OF}),
told AS MATERIALIZED (
    SELECT DISTINCT source, field FROM canonical.opportunity_change),
norm AS MATERIALIZED (
    SELECT *, jsonb_build_object('version', norm_id, 'deals', deals, 'segment', nullif(segment, ''),
                                 'learned_on', CAST(valid_from AT TIME ZONE 'UTC' AS date)) AS shown
    FROM quality.norm WHERE valid_from <= {AS_OF} AND (valid_to IS NULL OR valid_to > {AS_OF})),
stage_rank AS MATERIALIZED (
    SELECT source, stage, rank, max(rank) OVER (PARTITION BY source) AS stages
    FROM (SELECT source, stage, dense_rank() OVER (PARTITION BY source ORDER BY median) AS rank
          FROM norm WHERE kind = 'stage_probability') r),
won_lately AS MATERIALIZED (
    SELECT * FROM (SELECT o.*, {day_of("source_created_at")} AS created_on,
                          coalesce({day_of("closed_at")}, close_date) AS won_on
                   FROM live_opportunity o WHERE status = 'won') w
    WHERE won_on > {TODAY} - CAST(:closed_days AS int)),
customer AS NOT MATERIALIZED (
    SELECT p.ref, m.golden_id FROM canonical.party p
    JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL),
deal AS MATERIALIZED (
    SELECT o.ref, o.status, o.amount, o.currency, o.source_created_at, o.closed_at,
           coalesce(organization.golden_id, contact.golden_id) AS golden_id
    FROM live_opportunity o
    LEFT JOIN customer organization ON organization.ref = o.party_ref
    LEFT JOIN customer contact ON contact.ref = o.contact_ref AND organization.ref IS NULL),
money AS MATERIALIZED (
    SELECT c.golden_id, f.* FROM (
        SELECT 'invoice' AS kind, ref, party_ref, issued_at AS at, total AS amount, currency FROM canonical.invoice
        WHERE deleted_at IS NULL AND status <> 'void'
        UNION ALL
        SELECT 'payment', ref, party_ref, paid_at, amount, currency FROM canonical.payment
        WHERE deleted_at IS NULL AND status = 'succeeded'
        UNION ALL
        SELECT 'subscription', ref, party_ref, started_at, NULL, currency FROM canonical.subscription
        WHERE deleted_at IS NULL) f
    JOIN customer c ON c.ref = f.party_ref WHERE f.at <= {AS_OF})"""


def quarter(day: str) -> str:
    """The first day of the quarter of `day`, where the year begins in the month :fiscal_year_starts."""
    shift = "make_interval(months => CAST(:fiscal_year_starts AS int) - 1)"
    return f"CAST(date_trunc('quarter', {day} - {shift}) + {shift} AS date)"


def next_quarter(day: str) -> str:
    """The first day after the quarter of `day`."""
    return f"CAST({quarter(day)} + interval '3 months' AS date)"


def date_in(words: str) -> str:
    """The date that a text of a source begins with, or NULL: nothing is cast that may fail."""
    start = f"left({words}, 10)"
    return f"CASE WHEN {words} LIKE '____-__-__%' AND pg_input_is_valid({start}, 'date') THEN CAST({start} AS date) END"


def number_in(words: str) -> str:
    """The number that a text of a source is, or NULL."""
    return f"CASE WHEN pg_input_is_valid({words}, 'numeric') THEN CAST({words} AS numeric) END"


def blank(column: str) -> str:
    """Whether people wrote nothing, or a placeholder."""
    words = ", ".join(f"'{word}'" for word in PLACEHOLDERS)
    return f"translate(lower(coalesce({column}, '')), '{_PUNCTUATION}', '') IN ({words})"


def of_stage(parameter: str) -> str:
    """The value for this stage in a parameter that `per_stage` wrote, or NULL."""
    stage = "encode(convert_to(stage, 'UTF8'), 'hex')"
    return f"substring(CAST(:{parameter} AS text) FROM ' ' || {stage} || '=([^ ]*)')"


def per_stage(values: dict[str, str]) -> str:
    """Values by stage as one text; stages in hex, as Great Expectations would read colons and braces of their names."""
    return "".join(f" {stage.encode().hex()}={value}" for stage, value in values.items())


def unchanged_since(*fields: str) -> str:
    """SELECT ref, since of open opportunities: the moment after which none of `fields` changed.

    Where a source keeps no history of them, neither its stamp of the last modification nor the first of our own
    snapshots that shows the present state can be earlier than the last change, so the earlier of both is taken: a rule
    may miss an opportunity, but never accuses a fresh one.
    """
    names = ", ".join(f"'{field}'" for field in fields)
    return f"""SELECT o.ref, CASE
            WHEN known.source IS NOT NULL THEN greatest(h.changed_at, o.source_created_at)
            ELSE least(coalesce(o.source_updated_at, o.source_created_at), greatest(h.changed_at, seen.first_at))
            END AS since
        FROM live_opportunity o
        LEFT JOIN (SELECT opportunity_ref, max(changed_at) AS changed_at FROM history WHERE field IN ({names})
                   GROUP BY opportunity_ref) h ON h.opportunity_ref = o.ref
        LEFT JOIN (SELECT DISTINCT source FROM told WHERE field IN ({names})) known ON known.source = o.source
        LEFT JOIN (SELECT opportunity_ref, min(taken_at) AS first_at FROM quality.opportunity_snapshot
                   GROUP BY opportunity_ref) seen ON seen.opportunity_ref = o.ref
        WHERE o.status = 'open'"""
