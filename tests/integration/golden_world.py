"""A small world for tests of the golden room: source records and customers, written the way the other rooms write."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Table, text

from hub.db import bulk
from hub.db.tables import canonical, quality
from hub.golden import dirty
from hub.golden.compose import ComposeReport, compose
from hub.golden.publish import PublishReport, publish
from hub.progress import silent
from hub.settings import Settings
from tests.waiting import wait_until

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DEPARTMENTS = {"crm": "sales", "bank": "finance", "desk": "support", "mail": "marketing"}


def day(number: int) -> dt.datetime:
    """So many days before (negative) or after NOW."""
    return NOW + dt.timedelta(days=number)


def golden(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


@dataclass
class World:
    engine: Engine

    def party(self, ref: str, **values: Any) -> str:
        """A party of the department that its source belongs to; an organization unless told otherwise."""
        source, stream, source_id = ref.split(":")
        row = {
            "ref": ref, "source": source, "stream": stream, "source_id": source_id, "kind": "organization",
            "department": DEPARTMENTS[source], "name": "Acme", "other_emails": [], "source_updated_at": day(-10),
        } | values  # fmt: skip
        self._write(canonical.Party.__table__, row)
        return ref

    def fact(self, kind: type[Any], ref: str, party_ref: str | None, **values: Any) -> str:
        source, stream, source_id = ref.split(":")
        base = {"ref": ref, "source": source, "stream": stream, "source_id": source_id, "party_ref": party_ref}
        self._write(kind.__table__, base | values)
        return ref

    def opportunity(self, ref: str, party_ref: str | None, **values: Any) -> str:
        defaults = {
            "name": "Deal", "stage": "Proposal", "status": "open", "amount": "100.00", "currency": "EUR",
            "source_created_at": day(-30),
        }  # fmt: skip
        return self.fact(canonical.Opportunity, ref, party_ref, **defaults | values)

    def invoice(self, ref: str, party_ref: str, total: str, **values: Any) -> str:
        defaults = {
            "status": "open", "currency": "EUR", "total": total, "paid": "0.00", "remaining": total, "issued_at": day(-20),
        }  # fmt: skip
        return self.fact(canonical.Invoice, ref, party_ref, **defaults | values)

    def consent(self, ref: str, party_ref: str | None, status: str, recorded_at: dt.datetime, **values: Any) -> str:
        said = {"channel": "email", "purpose": "marketing", "status": status, "recorded_at": recorded_at}
        return self.fact(canonical.Consent, ref, party_ref, **said | values)

    def flag(self, opportunity_ref: str, rule: str) -> None:
        """An open flag that is its owner's alone no longer."""
        row = {
            "opportunity_ref": opportunity_ref, "rule": rule, "severity": "warning", "evidence": {},
            "first_seen": NOW, "last_seen": NOW, "raised_at": NOW, "shared_from": NOW.date(), "public": True,
        }  # fmt: skip
        self._write(quality.Flag.__table__, row, key=("opportunity_ref", "rule"))

    def changed(self, refs: Iterable[str]) -> None:
        with self.engine.begin() as connection:
            dirty.mark(connection, refs)

    def customer(self, number: int, refs: Iterable[str], kind: str = "organization") -> uuid.UUID:
        """From now on the parties `refs` are customer `number`, and nobody else's."""
        wanted = list(refs)
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO identity.golden_id (golden_id, number, kind) VALUES (:id, :number, :kind) ON CONFLICT DO NOTHING"
                ),
                {"id": golden(number), "number": number, "kind": kind},
            )
            connection.execute(
                text(
                    """WITH moved AS (
                           UPDATE identity.membership m SET until = now() FROM canonical.party p
                           WHERE p.party_id = m.party_id AND m.until IS NULL AND p.ref = ANY(:refs) RETURNING m.golden_id
                       )
                       INSERT INTO golden.to_compose SELECT golden_id FROM moved UNION SELECT :id ON CONFLICT DO NOTHING"""
                ),
                {"id": golden(number), "refs": wanted},
            )
            connection.execute(
                text(
                    "INSERT INTO identity.membership (party_id, golden_id) SELECT party_id, :id FROM canonical.party WHERE ref = ANY(:refs)"
                ),
                {"id": golden(number), "refs": wanted},
            )
        return golden(number)

    def lineage(self, event: str, number: int, other: int) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO identity.lineage (event, golden_id, other_golden_id, reason, run_id) VALUES (:e, :a, :b, 'test', 'r')"
                ),
                {"e": event, "a": golden(number), "b": golden(other)},
            )
            if event == "merged":
                connection.execute(
                    text("UPDATE identity.golden_id SET status = 'merged', survivor = :b WHERE golden_id = :a"),
                    {"a": golden(number), "b": golden(other)},
                )

    def merge(self, number: int, into: int, refs: Iterable[str]) -> None:
        self.customer(into, refs)
        self.lineage("merged", number, into)

    def compose(self, as_of: dt.datetime = NOW, chunk: int = 10_000) -> ComposeReport:
        return compose(self.engine, Settings(), run_id="run", as_of=as_of, progress=silent, chunk=chunk)

    def publish(self) -> PublishReport:
        return publish(self.engine, run_id="run", as_of=NOW)

    def release(self) -> PublishReport:
        self.compose()
        return self.publish()

    def composed(self, number: int) -> dict[str, Any]:
        return self.rows("SELECT * FROM golden.composed_customer WHERE golden_id = :id", id=golden(number))[0]

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.engine.begin() as connection:
            return [dict(row) for row in connection.execute(text(query), parameters).mappings()]

    def execute(self, statement: str, **parameters: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def waiting(self) -> int:
        """The process id of whoever waits for a table or a row of this database, as soon as somebody does."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        found: list[dict[str, Any]] = []
        wait_until(lambda: found.extend(self.rows(query)) or found, "somebody waits for a lock")
        return int(found[0]["pid"])

    def _write(self, table: Table, row: dict[str, Any], key: tuple[str, ...] = ("ref",)) -> None:
        with self.engine.begin() as connection:
            bulk.upsert(connection, table, list(row), [list(row.values())], key=key)
