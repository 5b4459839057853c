"""Landed rows become parties and facts: by the real mappings, on the real store."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from connectors import conform, landing, registry
from connectors.base import Connector, Page, Record, Row
from connectors.conform import ConformReport, conform_source
from hub.rebuild import queue_everything
from hub.settings import SourceSettings
from tests.support import party_ids

AS_OF = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
STAMP = "2026-05-04T08:30:00.000Z"
HUBSPOT = SourceSettings(name="hubspot", system="hubspot", department="marketing", base_url="http://unused.example")
STRIPE = SourceSettings(name="stripe", system="stripe", department="finance", base_url="http://unused.example")


def contact(source_id: str, **properties: Any) -> Row:
    given = {
        "firstname": "Ann",
        "lastname": f"Lee{source_id}",
        "email": None,
        "createdate": STAMP,
        "lastmodifieddate": STAMP,
    }
    return Row(source_id, {"id": source_id, "properties": {**given, **properties}})


def unsubscribed(source_id: str, recipient: str) -> Row:
    changes = [{"change": "UNSUBSCRIBED", "subscriptionId": 7}]
    payload = {"id": source_id, "timestamp": 1777883400000, "recipient": recipient, "changes": changes}
    return Row(source_id, payload)


def event(source_id: str, recipient: str) -> Row:
    return Row(source_id, {"id": source_id, "type": "OPEN", "created": 1777883400000, "recipient": recipient})


def charge(source_id: str, customer: str | None, **more: Any) -> Row:
    return Row(source_id, {"id": source_id, "customer": customer, "status": "succeeded", "currency": "eur", "amount": 100,
                           "created": 1777883400, **more})  # fmt: skip


def customer(source_id: str, **values: Any) -> Row:
    return Row(source_id, {"id": source_id, "name": f"Lee {source_id} Ltd", "created": 1777883400} | values)


def land(db: Engine, source: SourceSettings, stream: str, *rows: Row) -> None:
    with db.begin() as connection:
        landing.write_page(connection, source.name, stream, Page(list(rows), {}), AS_OF)
        landing.save_watermark(connection, source.name, stream, {})


def run(db: Engine, source: SourceSettings) -> dict[str, ConformReport]:
    return {report.stream: report for report in conform_source(db, source, run_id="test")}


def rows(db: Engine, query: str) -> list[Any]:
    with db.connect() as connection:
        return list(connection.execute(text(query)))


def test_what_changed_is_mapped_once_and_queued_for_matching(db: Engine):
    land(db, HUBSPOT, "contacts", contact("1"), contact("2"))
    assert (run(db, HUBSPOT)["contacts"].parties, len(rows(db, "SELECT * FROM canonical.to_match"))) == (2, 2)
    assert run(db, HUBSPOT)["contacts"] == ConformReport("hubspot", "contacts")
    with db.begin() as connection:
        connection.execute(text("DELETE FROM canonical.to_match"))
    land(db, HUBSPOT, "contacts", contact("1"), contact("2", phone="1"))
    assert (run(db, HUBSPOT)["contacts"].records, len(rows(db, "SELECT * FROM canonical.to_match"))) == (1, 1)


def test_batches_cover_everything(db: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conform, "BATCH", 3)
    land(db, HUBSPOT, "contacts", *(contact(str(n)) for n in range(10)))
    assert run(db, HUBSPOT)["contacts"].parties == 10
    assert rows(db, "SELECT * FROM landing.to_conform") == []


def test_a_failing_batch_keeps_its_rows_queued(db: Engine, monkeypatch: pytest.MonkeyPatch):
    land(db, HUBSPOT, "contacts", contact("1"))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(conform.dirty, "mark", crash)
        with pytest.raises(KeyboardInterrupt):
            run(db, HUBSPOT)
    assert len(rows(db, "SELECT * FROM landing.to_conform")) == 1
    assert rows(db, "SELECT * FROM canonical.party") == []
    assert run(db, HUBSPOT)["contacts"].parties == 1


def test_what_is_conformed_is_told_by_the_newest_sync_that_led_to_it(db: Engine, monkeypatch: pytest.MonkeyPatch):
    told = "SELECT conformed_sync FROM landing.watermark WHERE stream = 'contacts'"
    synced = "INSERT INTO landing.sync_run (run_id, source, stream) SELECT 'r', source, stream FROM landing.watermark"
    land(db, HUBSPOT, "contacts", contact("1", email="a@x.example"))
    with db.begin() as connection:
        connection.execute(text(synced))
    run(db, HUBSPOT)
    (first,) = rows(db, told)
    assert [first] == rows(db, "SELECT max(sync_run_id) FROM landing.sync_run")
    with db.begin() as connection:
        connection.execute(text(synced))
    land(db, HUBSPOT, "contacts", contact("1", email="b@x.example"))
    monkeypatch.setattr("connectors.conform.canonical_store.write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(db, HUBSPOT)
    assert rows(db, told) == [first]


def test_a_row_that_stops_fitting_keeps_its_last_truth_and_is_shown(db: Engine):
    land(db, HUBSPOT, "contacts", contact("1"), contact("2"))
    run(db, HUBSPOT)
    land(db, HUBSPOT, "contacts", contact("1", lastname={"odd": 1}))
    report = run(db, HUBSPOT)["contacts"]
    assert (report.quarantined, report.failures) == (1, {"lastname": 1})
    (entry,) = rows(db, "SELECT source_id, stage, field, reason, payload FROM landing.quarantine")
    assert (entry.source_id, entry.stage, entry.field) == ("1", "conform", "lastname")
    assert entry.payload["properties"]["lastname"] == {"odd": 1}
    assert [r.name for r in rows(db, "SELECT name FROM canonical.party ORDER BY ref")] == ["Ann Lee1", "Ann Lee2"]
    land(db, HUBSPOT, "contacts", contact("1", lastname="Fitting"))
    run(db, HUBSPOT)
    assert rows(db, "SELECT * FROM landing.quarantine WHERE resolved_at IS NULL") == []
    assert [r.name for r in rows(db, "SELECT name FROM canonical.party ORDER BY ref")] == ["Ann Fitting", "Ann Lee2"]


def test_a_new_mapping_version_maps_everything_again_and_tries_quarantine(db: Engine, monkeypatch: pytest.MonkeyPatch):
    land(db, HUBSPOT, "contacts", contact("1"), contact("2", lastname=["odd"]))
    assert run(db, HUBSPOT)["contacts"].quarantined == 1
    known = registry.connector("hubspot")
    forgiving = tuple(
        replace(stream, mapping_version=stream.mapping_version + 1, map=_without_odd_names(stream))
        if stream.name == "contacts"
        else stream
        for stream in known.streams
    )
    changed: Connector = replace(known, streams=forgiving)
    monkeypatch.setitem(registry.CONNECTORS, "hubspot", changed)
    report = run(db, HUBSPOT)["contacts"]
    assert (report.records, report.parties, report.unchanged, report.quarantined) == (2, 1, 1, 0)
    assert rows(db, "SELECT * FROM landing.quarantine WHERE resolved_at IS NULL") == []
    assert run(db, HUBSPOT)["contacts"].records == 0


def _without_odd_names(stream: Any) -> Any:
    def forgiving(record: Record) -> Any:
        properties = {key: value for key, value in record.payload["properties"].items() if not isinstance(value, list)}
        return stream.map(replace(record, payload={**record.payload, "properties": properties}))

    return forgiving


def test_a_deleted_row_is_deleted_in_canonical_even_where_it_no_longer_fits(db: Engine):
    land(db, HUBSPOT, "contacts", contact("1"), contact("2"))
    run(db, HUBSPOT)
    unfit = contact("2", lastname=["odd"])
    land(db, HUBSPOT, "contacts", Row("1", {"id": "1"}, deleted=True), replace(unfit, deleted=True))
    report = run(db, HUBSPOT)["contacts"]
    assert (report.quarantined, report.ended) == (1, 1)
    assert all(row.deleted_at for row in rows(db, "SELECT deleted_at FROM canonical.party"))


def test_a_mail_event_finds_its_recipient_now_or_when_the_contact_arrives(db: Engine):
    land(db, HUBSPOT, "contacts", contact("1", email="Ann@Lee.example"))
    land(db, HUBSPOT, "email_events", event("e1-1", "ann@lee.EXAMPLE"), event("e2-1", "bob@lee.example"))
    assert run(db, HUBSPOT)["email_events"].unresolved == 1
    found = "SELECT source_id, party_ref FROM canonical.touch ORDER BY source_id"
    assert rows(db, found) == [("e1-1", "hubspot:contacts:1"), ("e2-1", None)]
    assert run(db, HUBSPOT)["email_events"].records == 0, "waiting costs nothing while nobody new arrives"
    land(db, HUBSPOT, "contacts", contact("2", email="bob@lee.example"))
    assert run(db, HUBSPOT)["email_events"].facts == 1
    assert rows(db, found) == [("e1-1", "hubspot:contacts:1"), ("e2-1", "hubspot:contacts:2")]


def test_an_opt_out_that_is_taken_back_ends(db: Engine):
    land(db, HUBSPOT, "contacts", contact("1", hs_email_optout="true"))
    run(db, HUBSPOT)
    assert rows(db, "SELECT status, deleted_at FROM canonical.consent") == [("withdrawn", None)]
    land(db, HUBSPOT, "contacts", contact("1", hs_email_optout="false"))
    assert run(db, HUBSPOT)["contacts"].ended == 1
    assert rows(db, "SELECT deleted_at FROM canonical.consent")[0].deleted_at is not None
    land(db, HUBSPOT, "contacts", contact("1", hs_email_optout="true"))
    run(db, HUBSPOT)
    assert rows(db, "SELECT status, deleted_at FROM canonical.consent") == [("withdrawn", None)]


def test_a_fact_that_moves_changes_the_customer_it_leaves_and_the_one_it_joins(db: Engine):
    land(db, STRIPE, "customers", customer("cus_1"), customer("cus_2"), customer("cus_3"))
    land(db, STRIPE, "charges", charge("ch_1", "cus_1"))
    run(db, STRIPE)
    golden = _belong(db)
    land(db, STRIPE, "charges", charge("ch_1", "cus_2"))
    run(db, STRIPE)
    queued = {row.golden_id for row in rows(db, "SELECT golden_id FROM golden.to_compose")}
    assert queued == {golden["stripe:customers:cus_1"], golden["stripe:customers:cus_2"]}


def _belong(db: Engine) -> dict[str, Any]:
    """Make each party a customer of its own, and forget what was queued before."""
    with db.begin() as connection:
        for party_id in party_ids(connection).values():
            statement = """WITH made AS (INSERT INTO identity.golden_id (golden_id, number, kind)
                             VALUES (gen_random_uuid(), :id, 'organization') RETURNING golden_id)
                           INSERT INTO identity.membership (party_id, golden_id) SELECT :id, golden_id FROM made"""
            connection.execute(text(statement), {"id": party_id})
        connection.execute(text("DELETE FROM golden.to_compose"))
        members = connection.execute(
            text("SELECT ref, golden_id FROM identity.membership JOIN canonical.party USING (party_id)")
        )
        return {row.ref: row.golden_id for row in members}


def test_a_withdrawal_by_mailbox_concerns_the_customers_of_other_sources_who_have_it(db: Engine):
    land(db, STRIPE, "customers", customer("cus_1", email="Info@Lee.example"), customer("cus_2"))
    run(db, STRIPE)
    golden = _belong(db)
    land(db, HUBSPOT, "subscription_changes", unsubscribed("e1-1", "info@LEE.example"))
    assert run(db, HUBSPOT)["subscription_changes"].unresolved == 1
    assert rows(db, "SELECT party_ref, mailbox FROM canonical.consent") == [(None, "info@lee.example")]
    queued = {row.golden_id for row in rows(db, "SELECT golden_id FROM golden.to_compose")}
    assert queued == {golden["stripe:customers:cus_1"]}
    with db.begin() as connection:
        connection.execute(text("DELETE FROM golden.to_compose"))
    land(db, HUBSPOT, "subscription_changes", unsubscribed("e1-1", "other@lee.example"))
    run(db, HUBSPOT)
    queued = {row.golden_id for row in rows(db, "SELECT golden_id FROM golden.to_compose")}
    assert queued == {golden["stripe:customers:cus_1"]}, "the source corrected whom it named"


def test_what_was_said_by_a_mailbox_stays_with_whose_it_was_then(db: Engine):
    """A mailbox changes hands: what its former owner withdrew is withdrawn still, also where everything is read again."""
    gone = unsubscribed("e1-1", "info@lee.example")
    land(db, HUBSPOT, "contacts", contact("1", email="info@lee.example"), contact("2"))
    land(db, HUBSPOT, "subscription_changes", gone)
    run(db, HUBSPOT)
    withdrawn = "SELECT party_ref, status FROM canonical.consent"
    assert rows(db, withdrawn) == [("hubspot:contacts:1", "withdrawn")]
    land(db, HUBSPOT, "contacts", contact("1", email="ann@lee.example"), contact("2", email="info@lee.example"))
    with db.begin() as connection:
        queue_everything(connection, actor="ann", reason="to be sure")
    assert run(db, HUBSPOT)["subscription_changes"].records == 1
    assert rows(db, withdrawn) == [("hubspot:contacts:1", "withdrawn")]
