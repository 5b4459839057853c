"""Writing parties and facts, and finding whom they are about. Sets, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from connectors.base import Mapped, Stream
from hub.db import bulk
from hub.db.bulk import Upserted
from hub.db.tables import canonical as tables
from hub.model import canonical
from hub.model.canonical import Canonical, Consent, Fact, Party

Rows = dict[type[Canonical], list[Canonical]]
Table = type[Any]

MODELS: tuple[type[Canonical], ...] = (Party, *canonical.FACTS)
TABLES: dict[type[Canonical], Table] = {model: getattr(tables, model.__name__) for model in MODELS}
CUSTOMER_FIELDS = ("party_ref", "contact_ref", "organization_ref")

# Two contacts with one address: the one that is still there, then the one with the smaller ref.
RECIPIENTS = """
    SELECT DISTINCT ON (asked.email) asked.email, p.ref
    FROM unnest(CAST(:emails AS text[])) AS asked (email)
    JOIN canonical.party p ON p.source = :source AND lower(p.email) = asked.email
    ORDER BY asked.email, p.deleted_at IS NOT NULL, p.ref
"""


def with_recipients(connection: Connection, source: str, mapped: Sequence[Mapped]) -> tuple[Rows, int]:
    """All rows by model, facts tied to the person whose address they name; how many name nobody known.

    A fact stays with whom it was tied to first: when a mailbox changes hands, what its former owner withdrew is still
    withdrawn, and the new one has said nothing.
    """
    recipients = {ref: email.strip().lower() for each in mapped for ref, email in each.recipients.items()}
    known: dict[str, str] = {}
    if recipients:
        asked = {"source": source, "emails": sorted(set(recipients.values()))}
        known = {row.email: row.ref for row in connection.execute(text(RECIPIENTS), asked)}
    tied = _tied(connection, [row for each in mapped for row in each.rows if row.ref in recipients])
    homes = {ref: tied.get(ref) or known.get(email) for ref, email in recipients.items()}
    rows: Rows = defaultdict(list)
    for row in (row for each in mapped for row in each.rows):
        tie = {}
        if party := homes.get(row.ref):
            tie["party_ref"] = party
        if isinstance(row, Consent) and row.ref in recipients:
            tie["mailbox"] = recipients[row.ref]
        rows[type(row)].append(row.model_copy(update=tie) if tie else row)
    return rows, sum(party is None for party in homes.values())


def _tied(connection: Connection, rows: Iterable[Canonical]) -> dict[str, str]:
    """Whom facts that are stored already are tied to, by ref."""
    refs: dict[type[Canonical], list[str]] = defaultdict(list)
    for row in rows:
        refs[type(row)].append(row.ref)
    return {
        ref: party_ref
        for model, of_model in refs.items()
        for ref, party_ref in connection.execute(
            text(
                f"SELECT ref, party_ref FROM {TABLES[model].__table__.fullname} "
                "WHERE ref = ANY(:refs) AND party_ref IS NOT NULL"
            ),
            {"refs": of_model},
        )
    }


def write(connection: Connection, model: type[Canonical], rows: list[Canonical]) -> Upserted:
    """Upsert rows of one model; parties that were written are queued for matching."""
    columns = list(model.model_fields)
    queue = tables.ToMatch.__table__ if model is Party else None
    values = ([_value(getattr(row, column)) for column in columns] for row in rows)
    return bulk.upsert(connection, TABLES[model].__table__, columns, values, key=["ref"], queue=queue)


def customers_of(rows: Rows) -> set[str]:
    """The refs of everybody whom these rows are, or are about."""
    refs = {row.ref for row in rows.get(Party, [])}
    for model, of_model in rows.items():
        for name in _customer_fields(model):
            refs.update(getattr(row, name) for row in of_model if getattr(row, name))
    return refs


def owners_of_mailboxes(connection: Connection, refs: Iterable[str], named: Iterable[str] = ()) -> set[str]:
    """The refs of all records, of any source, with a mailbox of which something was said.

    The mailboxes are those of `named`, and those that stored consents of `refs` name.
    """
    found = text(
        """SELECT p.ref FROM canonical.party p JOIN (
               SELECT mailbox FROM canonical.consent WHERE ref = ANY(:refs) AND mailbox IS NOT NULL
               UNION SELECT unnest(CAST(:named AS text[]))) given ON given.mailbox = lower(p.email)"""
    )
    return set(connection.execute(found, {"refs": list(refs), "named": list(named)}).scalars())


def customers_of_stored(connection: Connection, rows: Rows) -> set[str]:
    """The same for what is stored under these refs: a fact that moves changes the customer it leaves too.

    Of consents that name a mailbox, now or as stored, all who have it.
    """
    found: set[str] = set()
    for model, of_model in rows.items():
        if issubclass(model, Fact):
            found |= _stored(connection, model, [row.ref for row in of_model])
    consents = [row for row in rows.get(Consent, []) if isinstance(row, Consent)]
    named = {row.mailbox for row in consents if row.mailbox}
    return found | (owners_of_mailboxes(connection, [row.ref for row in consents], named) if consents else set())


def end(connection: Connection, ended: list[tuple[type[Canonical], str]]) -> tuple[int, set[str]]:
    """End-date what records no longer lead to; returns how many rows, and whom they were about."""
    refs: dict[type[Canonical], list[str]] = defaultdict(list)
    for model, ref in ended:
        refs[model].append(ref)
    count, customers = 0, set[str]()
    for model, of_model in refs.items():
        table = TABLES[model].__table__.fullname
        statement = f"UPDATE {table} SET deleted_at = now() WHERE ref = ANY(:refs) AND deleted_at IS NULL RETURNING ref"
        gone = list(connection.execute(text(statement), {"refs": of_model}).scalars())
        count += len(gone)
        if model is Party:
            customers.update(gone)
            _queue_for_matching(connection, gone)
        else:
            customers |= _stored(connection, model, gone)
        if model is Consent and gone:
            customers |= owners_of_mailboxes(connection, gone)
    return count, customers


def requeue_resolvable(connection: Connection, source: str, stream: Stream) -> int:
    """Queue records of `stream` whose facts waited for a contact that is known by now; returns how many."""
    facts = " UNION ALL ".join(
        f"SELECT source_id FROM canonical.{name} WHERE party_ref IS NULL AND source = :source AND stream = :stream"
        for name in ("consent", "touch")
    )
    statement = f"""
        INSERT INTO landing.to_conform (source, stream, source_id)
        SELECT DISTINCT r.source, r.stream, r.source_id FROM ({facts}) waiting
        JOIN landing.source_record r ON (r.source, r.stream, r.source_id) = (:source, :stream, waiting.source_id)
        JOIN canonical.party p ON p.source = :source AND lower(p.email) = lower(r.payload ->> :recipient)
        ON CONFLICT DO NOTHING"""
    values = {"source": source, "stream": stream.name, "recipient": stream.recipient}
    return connection.execute(text(statement), values).rowcount


def _stored(connection: Connection, model: type[Canonical], refs: list[str]) -> set[str]:
    names = ", ".join(_customer_fields(model))
    statement = f"SELECT {names} FROM {TABLES[model].__table__.fullname} WHERE ref = ANY(:refs)"
    return {ref for row in connection.execute(text(statement), {"refs": refs}) for ref in row if ref}


def _queue_for_matching(connection: Connection, refs: list[str]) -> None:
    statement = """INSERT INTO canonical.to_match (party_id) SELECT party_id FROM canonical.party WHERE ref = ANY(:refs)
                   ON CONFLICT DO NOTHING"""
    connection.execute(text(statement), {"refs": refs})


def _customer_fields(model: type[Canonical]) -> list[str]:
    return [name for name in CUSTOMER_FIELDS if name in model.model_fields]


def _value(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value
