"""One small hub on the real store: seven records of two sources, all stages, and what is known of its customers."""

import datetime as dt
from typing import Any

import pyarrow as pa
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, text

import dedup
from benchmarks import people
from connectors import canonical_store, landing
from connectors.base import Page, Row
from connectors.conform import conform_source
from hub.golden import dirty
from hub.golden.compose import compose
from hub.golden.publish import PublishReport, publish
from hub.identity import ledger, models
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.canonical import Consent
from hub.model.kinds import PartyKind, Verdict
from hub.progress import silent
from hub.settings import MatchSettings, Settings, SourceSettings

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
BORDERS = MatchSettings(learn_after=3)
MAIL = SourceSettings(name="mail", system="hubspot", department="marketing", base_url="http://unused.example")
DESK = SourceSettings(name="desk", system="zendesk", department="support", base_url="http://unused.example")
STREAMS = {"mail": "contacts", "desk": "users"}
RECORDS = [*(("mail", str(number)) for number in range(1, 5)), *(("desk", str(number)) for number in range(1, 4))]
REFS = [f"{source}:{STREAMS[source]}:{number}" for source, number in RECORDS]
TOLD = ("given_name", "family_name", "email", "phone", "birth_date")
WHY: dict[str, Any] = {"author": "ann", "reason": "she said so"}


def trained() -> dedup.Model:
    """A model of enough people that seven more are no other population."""
    table = people.persons(300).drop(["person"])
    return dedup.train(table.append_column("party_id", pa.array(range(table.num_rows))), dedup.PERSON)


def row(source: str, number: str, said: dict[str, Any], stamp: str) -> Row:
    if source == "mail":
        properties = {
            "firstname": said["given"], "lastname": said["family"], "email": said["email"], "phone": said["phone"],
            "date_of_birth": said["born"], "hs_email_optout": str(said["optout"]).lower(),
            "createdate": stamp, "lastmodifieddate": stamp,
        }  # fmt: skip
        return Row(number, {"id": number, "properties": properties})
    name = f"{said['given']} {said['family']}" if isinstance(said["family"], str) else said["family"]
    return Row(
        number,
        {
            "id": number, "role": "end-user", "name": name, "email": said["email"], "phone": said["phone"],
            "user_fields": {"birth_date": said["born"]}, "created_at": stamp, "updated_at": stamp,
        },
    )  # fmt: skip


def landed(engine: Engine, source: str, row: Row) -> None:
    with engine.begin() as connection:
        landing.write_page(connection, source, STREAMS[source], Page([row], {}), NOW)
        landing.save_watermark(connection, source, STREAMS[source], {})


def said_by(engine: Engine, number: int, ref: str, status: str, at: dt.datetime) -> None:
    """The source of a record says what its person allows, or no longer does."""
    source = ref.split(":", maxsplit=1)[0]
    said = Consent(
        ref=f"{source}:said:{number}", source=source, stream="said", source_id=str(number), party_ref=ref,
        channel="email", purpose="marketing", status=status, recorded_at=at,
    )  # fmt: skip
    with engine.begin() as connection:
        canonical_store.write(connection, Consent, [said])
        dirty.mark(connection, [ref])


def queried(engine: Engine, query: str, **given: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query), given))


def said_of_customers(engine: Engine) -> dict[str, Any]:
    """What is published of each customer, by its members; without what tells how that came about."""
    rows = queried(
        engine,
        """SELECT array_to_string(members, ' '),
                  to_jsonb(c) - CAST('{golden_id,version,publication,updated_at}' AS text[]) FROM golden.customer c""",
    )
    return {row[0]: row[1] for row in rows}


def released(engine: Engine) -> PublishReport:
    """All stages, from what landed to a publication."""
    for source in (MAIL, DESK):
        conform_source(engine, source, run_id="test")
    match_parties(engine, PartyKind.PERSON, BORDERS, progress=silent)
    resolve(engine, run_id="test", progress=silent)
    compose(engine, Settings(), run_id="test", as_of=NOW, progress=silent)
    return publish(engine, run_id="test", as_of=NOW)


def homes_of(engine: Engine) -> dict[str, str]:
    """The present golden id of each record."""
    return {
        r[0]: r[1]
        for r in queried(
            engine,
            """SELECT ref, CAST(golden_id AS text) FROM identity.membership JOIN canonical.party USING (party_id)
               WHERE until IS NULL""",
        )
    }


def published_by(engine: Engine, *, whole: bool = False) -> dict[str, Any]:
    """All golden records by id; without what tells when they were published unless `whole`."""
    left_out = "{}" if whole else "{version,publication,updated_at}"
    return {
        r[0]: r[1]
        for r in queried(
            engine,
            f"""SELECT CAST(golden_id AS text), to_jsonb(c) - CAST('{left_out}' AS text[])
                FROM golden.customer c""",
        )
    }


def retold(engine: Engine, other: Engine) -> None:
    """Let another hub see all records at once, in another order, with the same model and the same words of people."""
    rows = queried(
        engine,
        """SELECT source, source_id, payload, deleted_at FROM landing.source_record
           ORDER BY source_id DESC, source""",
    )
    for source, number, payload, deleted_at in rows:
        if deleted_at is not None:
            landed(other, source, Row(number, {**payload}))
        landed(other, source, Row(number, payload, deleted=deleted_at is not None))
    with other.begin() as connection, engine.connect() as own:
        newest = models.in_use(own, PartyKind.PERSON)
        models.save(connection, PartyKind.PERSON, newest, BORDERS)
    for source in (MAIL, DESK):
        conform_source(other, source, run_id="test")
    for number, ref, status, at in queried(
        engine,
        """SELECT CAST(source_id AS int), party_ref, status, recorded_at FROM canonical.consent WHERE stream = 'said'
           ORDER BY 1 DESC""",
    ):
        said_by(other, number, ref, status, at)
    said = queried(
        engine,
        """SELECT a.ref, b.ref, verdict FROM identity.judgement
           JOIN canonical.party a ON a.party_id = party_a JOIN canonical.party b ON b.party_id = party_b
           WHERE ended_at IS NULL AND author_kind = 'person' ORDER BY judgement_id""",
    )
    with other.begin() as connection:
        for a, b, verdict in said:
            ledger.judge(connection, a, b, Verdict(verdict), **WHY)
        for each in queried(
            engine,
            """SELECT manual_id, ref, attributes, said, replaced, author, reason, until, made_at
               FROM golden.manual_value WHERE ended_at IS NULL ORDER BY manual_id""",
        ):
            connection.execute(
                text(
                    """INSERT INTO golden.manual_value
                           (manual_id, ref, attributes, said, replaced, author, reason, until, made_at)
                       OVERRIDING SYSTEM VALUE VALUES (:a, :b, :c, :d, :e, :f, :g, :h, :i)"""
                ),
                dict(zip("abcdefghi", [*each[:3], Jsonb(each[3]), Jsonb(each[4]), *each[5:]], strict=True)),
            )
    released(other)
