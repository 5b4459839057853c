"""What customers look like after a decision: seen beforehand, compared with what is true when it is carried out."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.golden.as_one import as_one
from hub.golden.gather import Rules
from hub.golden.policy import ATTRIBUTES
from hub.golden.survivorship import plain
from hub.identity.acts import FACTS, facts_of


@dataclass(frozen=True)
class Record:
    """A source record in the customer that it belongs to afterwards. `came_from`: its customer before, if another."""

    ref: str
    source: str
    department: str
    name: str
    owner: str | None
    deleted: bool
    came_from: str | None
    facts: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Customer:
    """A customer afterwards: its records, its golden record as it would be composed, and what people said of it."""

    golden_id: str
    records: tuple[Record, ...]
    golden: Mapping[str, Any]
    manual: tuple[str, ...]

    @property
    def kind(self) -> str:
        return str(self.golden["kind"])

    @property
    def origins(self) -> set[str]:
        """The customers that its records belonged to before."""
        return {record.came_from or self.golden_id for record in self.records}

    @property
    def refs(self) -> list[str]:
        return [record.ref for record in self.records]

    def facts(self, *, moved: bool) -> dict[str, int]:
        """How many facts of each kind it has, or only of the records that come to it."""
        chosen = [record for record in self.records if record.came_from or not moved]
        counts = {kind: sum(len(record.facts.get(kind, ())) for record in chosen) for kind in FACTS}
        return {kind: many for kind, many in counts.items() if many}

    def owners(self) -> list[str]:
        """Who looks after the records that come to it."""
        return sorted({record.owner for record in self.records if record.owner and record.came_from})


@dataclass(frozen=True)
class Picture:
    """All customers that a decision touches, as they are afterwards."""

    customers: tuple[Customer, ...]

    def merged(self) -> list[Customer]:
        """Those in which records of several customers come together."""
        return [customer for customer in self.customers if len(customer.origins) > 1]

    def shown(self) -> dict[str, Any]:
        """What is compared, as JSON knows it. Values are there as hashes: they only have to tell that they differ."""
        return {
            customer.golden_id: {
                "records": {
                    record.ref: [record.came_from, _hash({k: list(v) for k, v in record.facts.items()})]
                    for record in customer.records
                },
                "values": {n: _hash(plain(customer.golden[n])) for n in ATTRIBUTES if n in customer.golden},
                "consents": _hash(customer.golden["consents"]),
                "manual": list(customer.manual),
            }
            for customer in self.customers
        }

    @property
    def digest(self) -> str:
        """Tells whether two are the same."""
        return digest_of(self.shown())

    def departments(self) -> dict[str, set[str]]:
        """The departments that have a record of each customer as it was before."""
        found: dict[str, set[str]] = defaultdict(set)
        for customer in self.customers:
            for record in customer.records:
                found[record.came_from or customer.golden_id].add(record.department)
        return dict(found)


def digest_of(shown: Mapping[str, Any]) -> str:
    """SHA-256 of what was shown, in hexadecimal."""
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """In words, what is other in `after` than in `before`, both as `Picture.shown` gives them. Names no values."""
    old, new = _by_record(before), _by_record(after)
    found = [f"{ref} would come along now" for ref in sorted(new.keys() - old.keys())]
    found += [f"{ref} would not be concerned any more" for ref in sorted(old.keys() - new.keys())]
    for ref in sorted(old.keys() & new.keys()):
        if old[ref][:2] != new[ref][:2]:
            found.append(f"{ref} belongs to another customer now")
        elif old[ref][2] != new[ref][2]:
            found.append(f"{ref} carries other facts now")
    for golden_id in sorted(before.keys() & after.keys()):
        one, other = before[golden_id], after[golden_id]
        names = sorted(n for n in {*one["values"], *other["values"]} if one["values"].get(n) != other["values"].get(n))
        found += [f"the {name.replace('_', ' ')} would be another" for name in names]
        found += ["the consents are others"] if one["consents"] != other["consents"] else []
        found += ["values given by hand are others"] if one["manual"] != other["manual"] else []
    return found


def _by_record(shown: Mapping[str, Any]) -> dict[str, tuple[str, str | None, str]]:
    return {
        ref: (golden_id, came_from, facts)
        for golden_id, customer in shown.items()
        for ref, (came_from, facts) in customer["records"].items()
    }


def look(connection: Connection, refs: Sequence[str], before: Mapping[str, str | None], rules: Rules) -> Picture:
    """The customers of the records `refs`, and those that records left, as they are in this transaction.

    `before`: the customer of each record before what this transaction did; records that it leaves out did not move.
    """
    left = [golden_id for golden_id in before.values() if golden_id]
    rows = connection.execute(text(_MEMBERS), {"refs": [*refs, *before], "left": left}).all()
    return _of_rows(connection, rows, before, rules)


def as_if_merged(connection: Connection, refs: Sequence[str], rules: Rules) -> Picture:
    """The customer that these records' customers would be together; the oldest id goes on. Takes no lock."""
    rows = connection.execute(text(_MEMBERS), {"refs": list(refs), "left": []}).all()
    oldest = min(rows, key=lambda row: row.number)
    before = {row.ref: row.golden_id for row in rows}
    return _of_rows(connection, rows, before, rules, all_in=oldest.golden_id)


# Through party_id and golden_id, so that it costs what the customers have.
_MEMBERS = """
    WITH home AS (
        SELECT m.golden_id FROM canonical.party p JOIN identity.membership m USING (party_id)
        WHERE p.ref = ANY(:refs) AND m.until IS NULL
        UNION
        SELECT golden_id FROM identity.golden_id WHERE golden_id = ANY(CAST(:left AS uuid[])) AND status = 'active'
    )
    SELECT CAST(m.golden_id AS text) AS golden_id, g.number, p.ref, p.source, p.department, p.name, p.owner_name,
           p.deleted_at IS NOT NULL AS deleted
    FROM home JOIN identity.membership m USING (golden_id) JOIN identity.golden_id g USING (golden_id)
    JOIN canonical.party p USING (party_id)
    WHERE m.until IS NULL ORDER BY g.number, p.department, p.source, p.ref
"""


def _of_rows(
    connection: Connection,
    rows: Sequence[Any],
    before: Mapping[str, str | None],
    rules: Rules,
    *,
    all_in: str | None = None,
) -> Picture:
    """`all_in`: the customer that all are to belong to, whatever they belong to now."""
    facts = facts_of(connection, [row.ref for row in rows])
    records: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        golden_id, old = all_in or row.golden_id, before.get(row.ref)
        came_from = old if old != golden_id else None
        records[golden_id].append(
            Record(
                row.ref, row.source, row.department, row.name, row.owner_name, row.deleted, came_from,
                facts.get(row.ref, {}),
            )
        )  # fmt: skip
    manual = _manual(connection, [row.ref for row in rows])
    return Picture(
        tuple(
            Customer(golden_id, tuple(several), as_one(connection, golden_id, _refs(several), rules),
                     tuple(told for record in several for told in manual.get(record.ref, ())))
            for golden_id, several in records.items()
        )
    )  # fmt: skip


def _refs(records: Iterable[Record]) -> list[str]:
    return [record.ref for record in records]


def _manual(connection: Connection, refs: Sequence[str]) -> dict[str, list[str]]:
    """What people said of each record, as `group of record`; the values themselves are in the golden record."""
    rows = connection.execute(
        text(
            """SELECT ref, attributes FROM golden.manual_value
               WHERE ref = ANY(:refs) AND ended_at IS NULL AND (until IS NULL OR until > now())
               ORDER BY ref, attributes"""
        ),
        {"refs": list(refs)},
    )
    found: dict[str, list[str]] = defaultdict(list)
    for ref, group in rows:
        found[ref].append(f"{group} of {ref}")
    return found
