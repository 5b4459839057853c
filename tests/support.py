"""Small worlds for tests, written straight into the canonical schema."""

from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine, text

import dedup
from hub.db import bulk
from hub.db.tables import canonical, identity
from hub.identity import parties
from hub.model.kinds import PartyKind

PARTY_COLUMNS = (
    "ref", "source", "stream", "source_id", "kind", "department", "name", "given_name", "family_name", "email", "phone",
    "birth_date", "employer_ref", "merged_into_ref", "street", "city", "website", "tax_id", "deleted_at",
)  # fmt: skip


def add_parties(connection: Connection, *parties: dict[str, Any]) -> dict[str, int]:
    """Write parties as conform would, matching queue included; returns party_id per ref.

    A party is given by its `ref` and whatever matters; the rest is filled in: a person of sales named after its ref.
    """
    rows = []
    for given in parties:
        source, stream, source_id = given["ref"].split(":", 2)
        filled = {"kind": "person", "department": "sales", "name": given["ref"], **given}
        filled |= {"source": source, "stream": stream, "source_id": source_id}
        rows.append([filled.get(column) for column in PARTY_COLUMNS])
    bulk.upsert(
        connection,
        canonical.Party.__table__,
        PARTY_COLUMNS,
        rows,
        key=["ref"],
        queue=canonical.ToMatch.__table__,
    )
    return party_ids(connection)


def party_ids(connection: Connection) -> dict[str, int]:
    """party_id of every party, by ref."""
    found = connection.execute(text("SELECT ref, party_id FROM canonical.party"))
    return {row.ref: row.party_id for row in found}


def add_same_pairs(connection: Connection, *pairs: tuple[str, str]) -> None:
    """Write pairs of the band same as matching would, and queue their parties for resolve."""
    untrained = dedup.train(parties.load(connection, PartyKind.PERSON).slice(0, 0), dedup.PERSON)
    connection.execute(
        text(
            """INSERT INTO identity.match_model (version, kind, parameters, report)
               VALUES ('test', 'person', :parameters, '{}') ON CONFLICT DO NOTHING"""
        ),
        {"parameters": Jsonb(untrained.to_dict())},
    )
    ids = party_ids(connection)
    columns = ("party_a", "party_b", "kind", "band", "weight", "probability", "blocking_rule", "model_version")
    rows = [
        (min(ids[a], ids[b]), max(ids[a], ids[b]), "person", "same", 12.0, 0.999, "email", "test") for a, b in pairs
    ]
    bulk.upsert(connection, identity.Pair.__table__, columns, rows, key=["party_a", "party_b"])
    queue_all(connection)


def queue_all(connection: Connection) -> None:
    """Queue every party for resolve."""
    connection.execute(
        text("INSERT INTO identity.to_resolve SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING")
    )


def customers(engine: Engine) -> dict[str, str]:
    """The present golden id of each party, by ref, published or not."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """SELECT ref, golden_id::text FROM identity.membership JOIN canonical.party USING (party_id)
                   WHERE until IS NULL"""
            )
        )
        return {row.ref: row.golden_id for row in rows}
