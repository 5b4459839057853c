"""The facts of a customer that a department knows, one by one: what its facet is rolled up from."""

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, text

from hub.model.kinds import Department

# The tables of each department, with the moment of a fact and the columns that are told.
FACTS: Mapping[Department, Mapping[str, tuple[str, tuple[str, ...]]]] = {
    Department.FINANCE: {
        "invoice": ("issued_at", ("number", "status", "currency", "total", "paid", "remaining", "due_at", "paid_at")),
        "payment": ("paid_at", ("status", "currency", "amount", "refunded", "invoice_ref")),
        "subscription": ("started_at", ("product", "status", "currency", "amount", "ended_at")),
    },
    Department.SUPPORT: {
        "ticket": ("source_created_at", ("subject", "status", "priority", "is_complaint", "solved_at")),
        "rating": ("rated_at", ("score", "comment", "ticket_ref")),
    },
    Department.MARKETING: {"touch": ("touched_at", ("channel", "campaign", "outcome"))},
    Department.SALES: {
        "opportunity": (
            "source_created_at",
            ("name", "stage", "status", "amount", "currency", "close_date", "next_step", "owner_name", "closed_at"),
        ),
    },
}


def facts(
    connection: Connection,
    department: Department,
    members: Sequence[str],
    *,
    before: tuple[dt.datetime, str] | None = None,
    limit: int | None = None,
) -> Sequence[RowMapping]:
    """The facts of `members` (refs of records), newest first: `what`, `ref`, `at`, and `fact` with its columns.

    `before`: moment and ref of the fact that the page before ended with.
    """
    tables = " UNION ALL ".join(_of_table(name, *of) for name, of in FACTS[department].items())
    behind = "WHERE (at, ref) < (:at, :ref)" if before else ""
    rows = connection.execute(
        text(f"SELECT what, ref, at, fact FROM ({tables}) f {behind} ORDER BY at DESC, ref DESC LIMIT :limit"),
        {"members": list(members), "limit": limit, **(dict(zip(("at", "ref"), before, strict=True)) if before else {})},
    )
    return rows.mappings().all()


def _of_table(table: str, moment: str, columns: Sequence[str]) -> str:
    pairs = ", ".join(f"'{name}', {name}" for name in columns)
    worked = " OR contact_ref = ANY (:members)" if table == "opportunity" else ""
    return f"""SELECT '{table}' AS what, ref, {moment} AS at, jsonb_build_object({pairs}) AS fact
               FROM canonical.{table} WHERE (party_ref = ANY (:members){worked}) AND deleted_at IS NULL"""


def columns(department: Department) -> list[str]:
    """The columns of all facts of a department, in order of first appearance."""
    told = (name for _, names in FACTS[department].values() for name in names)
    return list(dict.fromkeys(told))
