"""Parties and facts, once they are conformed. A single row that is odd in itself warns: its department mends it.
Critical is what would make totals wrong without anybody seeing it, or what is wrong with a whole stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hub.model import kinds
from hub.model.kinds import Severity
from quality_checks.check import Check, Table

SUITE = "canonical"
PARTY = Table(SUITE, "canonical.party")
FILL_RATE = Table(SUITE, "quality.fill_rate")
FEWEST = 10  # of fewer rows a share says nothing
BASELINE = 5  # publications whose median is what is usual: one odd one among them does not move it


@dataclass(frozen=True)
class Fact:
    """A table of facts: its closed vocabularies, the money that is never below zero, and what happened when.

    `ordered`: pairs of moments, the first of which comes first. `past`: moments that have been.
    """

    name: str
    enums: dict[str, type[StrEnum]]
    money: tuple[str, ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    past: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        return Table(SUITE, f"canonical.{self.name}")

    @property
    def words(self) -> str:
        """One of it, as people say it."""
        said = {"opportunity_change": "change of an opportunity", "opportunity_contact": "person on an opportunity"}
        return said.get(self.name, self.name)


# Totals and remaining amounts of invoices may be below zero: a credit note is an invoice. Opportunities have more
# checks in a suite of their own.
FACTS = (
    Fact("opportunity", {}),
    Fact("opportunity_change", {}),
    Fact("opportunity_contact", {}),
    Fact("ticket", {"status": kinds.TicketStatus}, (), (("source_created_at", "solved_at"),), ("source_created_at",)),
    Fact("rating", {"score": kinds.RatingScore}, (), (), ("rated_at",)),
    Fact("invoice", {"status": kinds.InvoiceStatus}, ("paid",), (("issued_at", "paid_at"),), ("issued_at",)),
    Fact("payment", {"status": kinds.PaymentStatus}, ("amount", "refunded"), (), ("paid_at",)),
    Fact("subscription", {"status": kinds.SubscriptionStatus}, ("amount",), (("started_at", "ended_at"),)),
    Fact("touch", {"channel": kinds.Channel, "outcome": kinds.TouchOutcome}, (), (), ("touched_at",)),
    Fact("consent", {"channel": kinds.Channel, "status": kinds.ConsentStatus}, (), (), ("recorded_at",)),
)


def _known(table: Table, name: str, column: str, kind: type[StrEnum]) -> Check:
    words = ", ".join(f"'{one.value}'" for one in kind)
    return table.rows(
        name, Severity.CRITICAL, f"every {column} is one that the hub knows; one with another would be in no total",
        f"SELECT ref AS example FROM {{batch}} WHERE {column} NOT IN ({words})",
    )  # fmt: skip


def _of(fact: Fact) -> Iterator[Check]:
    name, table = fact.name, fact.table
    yield table.rows(
        f"{name}_from_record", Severity.CRITICAL, f"every {fact.words} comes from a record that was landed",
        """
        SELECT f.ref AS example FROM {batch} AS f LEFT JOIN landing.source_record r USING (source, stream, source_id)
        WHERE r.source_id IS NULL""",
    )  # fmt: skip
    yield from _orphans(fact)
    for column, kind in fact.enums.items():
        yield _known(table, f"{name}_{column}_known", column, kind)
    for column in fact.money:
        yield table.rows(
            f"{name}_{column}_not_negative", Severity.WARNING, f"no {column} of a {fact.words} is below zero",
            f"SELECT ref AS example FROM {{batch}} WHERE deleted_at IS NULL AND {column} < 0",
        )  # fmt: skip
    for first, then in fact.ordered:
        yield table.rows(
            f"{name}_{then}_in_order", Severity.WARNING, f"{then} of a {fact.words} is not before {first}",
            f"SELECT ref AS example FROM {{batch}} WHERE deleted_at IS NULL AND {then} < {first}",
        )  # fmt: skip
    for column in fact.past:
        yield table.rows(
            f"{name}_{column}_in_the_past", Severity.WARNING,
            f"{column} of no {fact.words} is after the moment of the run, give or take a day for clocks and time zones",
            f"""SELECT ref AS example FROM {{batch}}
                WHERE deleted_at IS NULL AND {column} > CAST(:as_of AS timestamptz) + interval '1 day'""",
        )  # fmt: skip


def _orphans(fact: Fact) -> Iterator[Check]:
    found = """
        WITH named AS MATERIALIZED (
            SELECT ref, party_ref FROM {batch} AS f WHERE deleted_at IS NULL AND party_ref IS NOT NULL),
        orphan AS MATERIALIZED (
            SELECT n.ref FROM named n LEFT JOIN canonical.party p ON p.ref = n.party_ref WHERE p.ref IS NULL)
        SELECT ref AS example FROM orphan"""
    if fact.name != "opportunity":  # which opportunities.customer_known looks at
        yield fact.table.rows(
            f"{fact.name}_customer_known", Severity.WARNING,
            f"every {fact.words} that names a customer names one that has arrived", found,
        )  # fmt: skip
    yield fact.table.rows(
        f"{fact.name}_orphans", Severity.CRITICAL,
        f"the customers of at most gate.max_orphan_share of these never arrived, from {FEWEST} on: more is a source"
        " whose ids changed, or half of which was not read",
        f"""{found} WHERE (SELECT count(*) FROM orphan) >= {FEWEST}
            AND (SELECT count(*) FROM orphan) > :max_orphan_share * (SELECT count(*) FROM named)""",
    )  # fmt: skip


def _fills(name: str, severity: Severity, setting: str, fields: str, like: str) -> Check:
    return FILL_RATE.rows(
        name, severity,
        f"no {fields} of a stream is filled less than usual by more than gate.{setting} of it; usual is the median of"
        f" the last {BASELINE} publications, and {FEWEST} rows must have been expected to be filled",
        f"""
        WITH last AS (SELECT run_id FROM golden.publication ORDER BY number DESC LIMIT {BASELINE}),
        usual AS (
            SELECT source, stream, field,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(filled AS float) / rows) AS share
            FROM quality.fill_rate JOIN last USING (run_id) GROUP BY source, stream, field)
        SELECT source || ' ' || stream || ' ' || field AS example
        FROM (SELECT * FROM {{batch}} AS f WHERE run_id = :run_id) measured JOIN usual USING (source, stream, field)
        WHERE field LIKE '{like}' AND share * rows >= {FEWEST} AND filled < (1 - :{setting}) * share * rows""",
    )  # fmt: skip


CHECKS = (
    _known(PARTY, "party_kind_known", "kind", kinds.PartyKind),
    _known(PARTY, "party_department_known", "department", kinds.Department),
    # Fields of facts follow how business goes: which deals have a person on them, for example. They only warn.
    _fills("fill_rates_hold", Severity.CRITICAL, "max_fill_drop", "field of the customers", "party.%"),
    _fills("fill_rates_usual", Severity.WARNING, "warn_fill_drop", "field", "%"),
    *(check for fact in FACTS for check in _of(fact)),
    Table(SUITE, "canonical.payment").rows(
        "payment_refunded_at_most_all",
        Severity.WARNING,
        "no payment is refunded beyond its amount",
        "SELECT ref AS example FROM {batch} WHERE deleted_at IS NULL AND refunded > amount",
    ),
)
