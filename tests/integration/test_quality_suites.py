"""The suites on a real database: healthy data passes, and each fault is caught by the check that is named for it.

Great Expectations takes 8 s to import, so everything that needs it is in this module.
"""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from hub.errors import BrokenCheckError, NotFoundError
from hub.model.kinds import Severity
from hub.settings import GateSettings, Settings, SourceSettings
from quality_checks import gate, suites
from quality_checks.check import Check, CheckOutcome
from quality_checks.runner import parameters, run_suite

AS_OF = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
ANN, BOB, ACME = (f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))

HEALTHY = f"""
INSERT INTO ops.run (run_id, as_of) VALUES ('r1', '2026-06-30 12:00Z');
INSERT INTO landing.sync_run (run_id, source, stream, finished_at) VALUES
    ('r1', 'crm', 'Contact', now()), ('r1', 'desk', 'users', now());
INSERT INTO landing.watermark (source, stream, cursor) VALUES ('crm', 'Contact', '{{}}'), ('desk', 'users', '{{}}');
INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash)
    SELECT 'crm', 'Contact', n::text, '{{}}', md5(n::text) FROM generate_series(1, 40) n;
INSERT INTO landing.quarantine (source, stream, source_id, stage, reason) VALUES ('crm', 'Contact', '40', 'conform', 'no name');
INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash) VALUES
    ('desk', 'users', '1', '{{}}', 'h'), ('desk', 'users', '2', '{{}}', 'h'), ('crm', 'Opp', '1', '{{}}', 'h'),
    ('crm', 'Opp', '2', '{{}}', 'h'), ('crm', 'H', '1', '{{}}', 'h'), ('c', 'S', '1', '{{}}', 'h'),
    ('c', 'S', '2', '{{}}', 'h'), ('c', 'S', '3', '{{}}', 'h');
INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name) VALUES
    ('crm:Contact:1', 'crm', 'Contact', '1', 'person', 'sales', 'Ann Lee'),
    ('desk:users:1', 'desk', 'users', '1', 'person', 'support', 'A. Lee'),
    ('crm:Contact:2', 'crm', 'Contact', '2', 'person', 'sales', 'Bob Ray'),
    ('crm:Contact:3', 'crm', 'Contact', '3', 'organization', 'sales', 'Acme');
INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name, deleted_at) VALUES
    ('desk:users:2', 'desk', 'users', '2', 'person', 'support', 'Gone', now());
INSERT INTO identity.golden_id (golden_id, number, kind) VALUES
    ('{ANN}', 1, 'person'), ('{BOB}', 2, 'person'), ('{ACME}', 3, 'organization');
INSERT INTO identity.membership (party_id, golden_id) VALUES (1, '{ANN}'), (2, '{ANN}'), (3, '{BOB}'), (4, '{ACME}');
INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason) VALUES
    (1, 3, 'different', 'person', 'eve', 'two people'), (1, 2, 'different', 'rule', 'r', 'other phone'),
    (1, 2, 'same', 'person', 'eve', 'she moved');
INSERT INTO canonical.consent (ref, source, stream, source_id, party_ref, channel, purpose, status, recorded_at) VALUES
    ('c:S:1', 'c', 'S', '1', 'crm:Contact:1', 'email', 'news', 'withdrawn', '2026-01-01Z'),
    ('c:S:2', 'c', 'S', '2', 'crm:Contact:1', 'email', 'news', 'granted', '2026-02-01Z'),
    ('c:S:3', 'c', 'S', '3', 'crm:Contact:2', 'phone', 'news', 'withdrawn', '2026-02-01Z');
INSERT INTO golden.composed_customer (golden_id, kind, name, email, tax_id, employer_id, members, finance, support, marketing,
    sales, consents, provenance, content_hash)
SELECT id::uuid, kind, name, email, tax_id, employer::uuid, members::text[], '{{}}', '{{}}', '{{}}', '{{}}', consents::jsonb,
    jsonb_build_object('name', s, 'email', s, 'tax_id', s, 'employer_id', s), 'h'
FROM (VALUES
    ('{ANN}', 'person', 'Ann Lee', 'ann@acme.example', NULL, '{ACME}', '{{crm:Contact:1,desk:users:1}}',
        '[{{"channel": "email", "purpose": "news", "status": "granted"}}]'),
    ('{BOB}', 'person', 'Bob Ray', NULL, NULL, NULL, '{{crm:Contact:2}}',
        '[{{"channel": "phone", "purpose": "news", "status": "withdrawn"}}]'),
    ('{ACME}', 'organization', 'Acme', NULL, 'DE1', NULL, '{{crm:Contact:3}}', '[]')
) v (id, kind, name, email, tax_id, employer, members, consents), (VALUES ('{{"ref": "crm:Contact:1"}}'::jsonb)) w (s);
INSERT INTO canonical.opportunity (ref, source, stream, source_id, party_ref, name, stage, status, amount, currency,
    close_date, next_step, owner_id, source_created_at, deleted_at) VALUES
    ('crm:Opp:1', 'crm', 'Opp', '1', 'crm:Contact:3', 'New', 'Offer', 'open', 5, 'EUR', '2026-07-30', 'call', '7', '2026-06-20Z', NULL),
    ('crm:Opp:2', 'crm', 'Opp', '2', NULL, 'Old', 'Offer', 'open', NULL, NULL, '2026-01-01', NULL, NULL, '2025-06-20Z', now());
INSERT INTO canonical.opportunity_change (ref, source, stream, source_id, opportunity_ref, field, new_value, changed_at) VALUES
    ('crm:H:1', 'crm', 'H', '1', 'crm:Opp:1', 'stage', 'Offer', '2026-06-21Z');
"""

_PUBLISHED = """
INSERT INTO golden.publication (number, run_id, as_of, published_at, customers, created, changed, retired, warnings)
    VALUES (1, 'r0', now(), now() + interval '1 day', 0, 0, 0, 0, 0);
INSERT INTO golden.customer_row (golden_id, version, publication, valid_from, kind, name, finance, support, marketing, sales,
    consents, provenance, content_hash)
SELECT gen_random_uuid(), 1, 1, now(), 'person', 'P', '{}', '{}', '{}', '{}', '[]', '{}', 'h' FROM generate_series(1, 10);
INSERT INTO identity.golden_id (golden_id, number, kind, status) SELECT golden_id, 100 + row_number() OVER (), kind, 'retired'
    FROM golden.customer_row;
"""

# Ten customers of whom each lost its only record to another one that is composed.
_MOVED = (
    _PUBLISHED
    + f"""
UPDATE golden.customer_row r SET members = ARRAY['x:y:' || g.number] FROM identity.golden_id g
    WHERE g.golden_id = r.golden_id;
UPDATE identity.golden_id SET status = 'merged', survivor = '{ANN}' WHERE number > 100;
UPDATE golden.composed_customer SET members = members || (SELECT array_agg(members[1]) FROM golden.customer_row)
    WHERE golden_id = '{ANN}';
"""
)

_FLAGGED = """INSERT INTO quality.flag (opportunity_ref, rule, severity, evidence, first_seen, last_seen, raised_at,
                  shared_from, public) VALUES ('crm:Opp:1', '{}', 'warning', '{{}}', now(), now(), now(), now(), true)"""

FAULTS = {
    "landing.synced_without_error": """
        INSERT INTO landing.sync_run (run_id, source, stream, finished_at, error) VALUES ('r1', 'crm', 'Contact', now(), '401')""",
    "landing.sync_finished": "INSERT INTO landing.sync_run (run_id, source, stream) VALUES ('r1', 'desk', 'users')",
    "landing.every_stream_was_read": "DELETE FROM landing.sync_run WHERE source = 'desk'",
    "landing.stream_fresh": "UPDATE landing.sync_run SET started_at = now() - interval '27 hours' WHERE source = 'crm'",
    "landing.stream_not_empty": "UPDATE landing.source_record SET deleted_at = now() WHERE source = 'desk'",
    "landing.values_known": """
        INSERT INTO landing.quarantine (source, stream, source_id, stage, reason, field)
            SELECT 'crm', 'Contact', 'v' || n, 'conform', 'is not one of those known', 'Status' FROM generate_series(1, 10) n""",
    "landing.source_id_is_a_key": "UPDATE landing.source_record SET source_id = 'None' WHERE source_id = '39'",
    "landing.content_hash_present": "UPDATE landing.source_record SET content_hash = '' WHERE source_id = '39'",
    "landing.payload_is_an_object": "UPDATE landing.source_record SET payload = '[]' WHERE source_id = '39'",
    "landing.quarantined_share": """
        INSERT INTO landing.quarantine (source, stream, source_id, stage, reason) VALUES
            ('desk', 'users', 'unkeyed-1', 'land', 'no key'), ('desk', 'users', '1', 'conform', 'no name')""",
    "landing.quarantined_share_of_stream": """
        UPDATE landing.source_record SET deleted_at = now() WHERE source = 'crm' AND source_id::int > 10;
        INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash)
            SELECT 'web', 'form', n::text, '{}', 'h' FROM generate_series(1, 90) n""",
    "landing.stream_fits": """
        INSERT INTO landing.quarantine (source, stream, source_id, stage, reason)
            SELECT 'web', 'form', n::text, 'conform', 'no name' FROM generate_series(1, 10) n;
        INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash)
            SELECT 'web', 'form', n::text, '{}', 'h' FROM generate_series(1, 19) n""",
    "landing.stream_volume": """
        INSERT INTO golden.publication (number, run_id, as_of, customers, created, changed, retired, warnings)
            VALUES (1, 'r0', now(), 0, 0, 0, 0, 0);
        UPDATE landing.source_record SET deleted_at = now(), last_changed_at = now() + interval '1 minute'
            WHERE source = 'crm' AND source_id::int > 19""",
    "landing.party_has_source_record": "DELETE FROM landing.source_record WHERE source = 'crm' AND source_id = '1'",
    "landing.delete_arrived": "UPDATE landing.source_record SET deleted_at = now() WHERE source = 'crm' AND source_id = '1'",
    "opportunities.stale": _FLAGGED.format("no_progress"),
    "opportunities.past_close_date": _FLAGGED.format("past_close_date"),
    "opportunities.required_fields": _FLAGGED.format("required_fields"),
    "opportunities.status_known": "UPDATE canonical.opportunity SET status = 'parked' WHERE ref = 'crm:Opp:1'",
    "opportunities.stage_present": "UPDATE canonical.opportunity SET stage = ' ' WHERE ref = 'crm:Opp:1'",
    "opportunities.amount_not_negative": "UPDATE canonical.opportunity SET amount = -1 WHERE ref = 'crm:Opp:1'",
    "opportunities.currency_of_amount": "UPDATE canonical.opportunity SET currency = NULL",
    "opportunities.created_in_the_past": "UPDATE canonical.opportunity SET source_created_at = '2026-07-01 12:00:01Z'",
    "opportunities.customer_known": "UPDATE canonical.opportunity SET party_ref = 'crm:Contact:999'",
    "opportunities.history_has_opportunity": "UPDATE canonical.opportunity_change SET opportunity_ref = 'crm:Opp:9'",
    "golden.name_present": f"UPDATE golden.composed_customer SET name = ' ' WHERE golden_id = '{ANN}'",
    "golden.kind_known": f"UPDATE golden.composed_customer SET kind = 'pet' WHERE golden_id = '{BOB}'",
    "golden.email_shape": f"UPDATE golden.composed_customer SET email = 'ann at acme' WHERE golden_id = '{ANN}'",
    "golden.tax_id_unique": f"UPDATE golden.composed_customer SET tax_id = 'DE1' WHERE golden_id = '{ANN}'",
    "golden.golden_id_once": f"""
        ALTER TABLE golden.composed_customer DROP CONSTRAINT pk_composed_customer;
        INSERT INTO golden.composed_customer SELECT * FROM golden.composed_customer WHERE golden_id = '{ANN}'""",
    "golden.golden_id_active": f"UPDATE identity.golden_id SET status = 'merged', survivor = '{ANN}' WHERE golden_id = '{BOB}'",
    "golden.every_customer_composed": f"DELETE FROM golden.composed_customer WHERE golden_id = '{BOB}'",
    "golden.party_has_customer": "UPDATE identity.membership SET until = now() WHERE party_id = 3",
    "golden.different_not_bridged": f"UPDATE identity.membership SET golden_id = '{ANN}' WHERE party_id = 3",
    "golden.members_belong": f"UPDATE golden.composed_customer SET members = '{{crm:Contact:1,desk:users:1,crm:Contact:2}}' WHERE golden_id = '{ANN}'",
    "golden.members_complete": f"UPDATE golden.composed_customer SET members = '{{crm:Contact:1}}' WHERE golden_id = '{ANN}'",
    "golden.one_kind": "UPDATE canonical.party SET kind = 'organization' WHERE party_id = 1",
    "golden.consent_not_widened": """
        INSERT INTO canonical.consent (ref, source, stream, source_id, party_ref, channel, purpose, status, recorded_at) VALUES
            ('c:S:9', 'c', 'S', '9', 'desk:users:1', 'email', 'news', 'withdrawn', '2025-01-01Z')""",
    "golden.values_traced": f"UPDATE golden.composed_customer SET provenance = provenance - 'email' WHERE golden_id = '{ANN}'",
    "golden.employer_known": f"UPDATE golden.composed_customer SET employer_id = '{BOB}' WHERE golden_id = '{ANN}'",
    "golden.parent_known": f"UPDATE golden.composed_customer SET parent_id = '{BOB}' WHERE golden_id = '{ANN}'",
    "golden.nothing_left_to_compose": f"INSERT INTO golden.to_compose VALUES ('{ANN}')",
    "golden.customer_volume": _PUBLISHED,
    "golden.id_churn": _MOVED,
    "published.customer_once": _PUBLISHED
    + """
        DROP INDEX golden.uq_customer_row_current; UPDATE golden.customer_row SET valid_to = NULL;
        INSERT INTO golden.customer_row (golden_id, version, publication, valid_from, kind, name, finance, support, marketing,
            sales, consents, provenance, content_hash)
        SELECT golden_id, 2, 1, now(), kind, name, finance, support, marketing, sales, consents, provenance, 'i'
        FROM golden.customer_row LIMIT 1""",
    "published.history_without_overlap": _PUBLISHED
    + """
        UPDATE golden.customer_row SET valid_to = now() + interval '2 days';
        INSERT INTO golden.customer_row (golden_id, version, publication, valid_from, kind, name, finance, support, marketing,
            sales, consents, provenance, content_hash)
        SELECT golden_id, 2, 1, now() + interval '1 day', kind, name, finance, support, marketing, sales, consents, provenance, 'i'
        FROM golden.customer_row LIMIT 1""",
    "published.feed_tells_everybody": _PUBLISHED,
    "published.feed_without_gaps": f"""
        INSERT INTO golden.change (sequence, golden_id, version, op, publication) VALUES
            (1, '{ANN}', 1, 'created', 1), (3, '{BOB}', 1, 'created', 1)""",
    "published.crosswalk_one_to_one": f"""
        DROP INDEX golden.uq_crosswalk_row_now;
        INSERT INTO golden.crosswalk_row (ref, golden_id, since) VALUES ('a:b:1', '{ANN}', now()), ('a:b:1', '{BOB}', now())""",
    "published.crosswalk_leads_to_customer": f"""
        INSERT INTO golden.crosswalk_row (ref, golden_id, since) VALUES ('a:b:1', '{ANN}', now())""",
    "published.merge_log_leads_on": f"""
        INSERT INTO golden.publication (number, run_id, as_of, customers, created, changed, retired, warnings, lineage_id)
            VALUES (1, 'r0', now(), 0, 0, 0, 0, 0, 100);
        INSERT INTO identity.lineage (event, golden_id, other_golden_id, reason, run_id)
            VALUES ('merged', '{ANN}', '{BOB}', 'same', 'r0');
        INSERT INTO golden.change (sequence, golden_id, version, op, publication) VALUES (1, '{ANN}', 1, 'merged', 1)""",
    "published.opportunity_customer_published": f"""
        INSERT INTO golden.opportunity_row (ref, golden_id, name, stage, status, publication)
            VALUES ('crm:Opp:1', '{ANN}', 'New', 'Offer', 'open', 1)""",
}

# Twelve rows of each kind of fact whose record and customer nobody knows, and all else about them wrong as well.
_FACTS = {
    "opportunity": "name, stage, status, source_created_at) SELECT 'N', 'S', 'open', now()",
    "opportunity_change": "opportunity_ref, field, changed_at) SELECT 'x:y:1', 'stage', now()",
    "opportunity_contact": "opportunity_ref) SELECT 'x:y:1'",
    "ticket": "status, is_complaint, source_created_at, solved_at) SELECT 'lost', false, '2026-07-05Z'::timestamptz, '2026-07-04Z'::timestamptz",
    "rating": "score, rated_at) SELECT 'superb', '2026-07-05Z'::timestamptz",
    "invoice": "status, currency, total, paid, remaining, issued_at, paid_at) SELECT 'sent', 'EUR', 1, -1, 2, '2026-07-05Z'::timestamptz, '2026-07-04Z'::timestamptz",
    "payment": "status, currency, amount, refunded, paid_at) SELECT 'made', 'EUR', -5, -1, '2026-07-05Z'::timestamptz",
    "subscription": "status, amount, started_at, ended_at) SELECT 'on', -1, '2026-07-05Z'::timestamptz, '2026-07-04Z'::timestamptz",
    "touch": "channel, outcome, touched_at) SELECT 'pigeon', 'landed', '2026-07-05Z'::timestamptz",
    "consent": "channel, purpose, status, recorded_at) SELECT 'pigeon', 'news', 'maybe', '2026-07-05Z'::timestamptz",
}
CANONICAL_FAULTS = """
INSERT INTO golden.publication (number, run_id, as_of, customers, created, changed, retired, warnings)
    VALUES (1, 'r0', now(), 0, 0, 0, 0, 0);
INSERT INTO quality.fill_rate (run_id, source, stream, field, rows, filled) VALUES ('r0', 'x', 'y', 'party.email', 20, 20);
INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name)
    SELECT 'x:y:' || n, 'x', 'y', n::text, 'pet', 'garage', 'N' FROM generate_series(1, 20) n;
""" + ";".join(
    f"""INSERT INTO canonical.{name} (ref, source, stream, source_id, party_ref, {columns.replace(") SELECT ", ") SELECT 'x:z:' || n, 'x', 'z', n::text, 'x:gone:' || n, ")}
        FROM generate_series(1, 12) n"""
    for name, columns in _FACTS.items()
)  # fmt: skip


def run(db: Engine, suite: str, settings: Settings | None = None) -> dict[str, CheckOutcome]:
    outcomes = run_suite(db, suite, settings or Settings(), run_id="r1", as_of=AS_OF)
    return {outcome.name: outcome for outcome in outcomes}


def failed(db: Engine, suite: str) -> set[str]:
    return {name for name, outcome in run(db, suite).items() if not outcome.passed}


@pytest.fixture
def db(db: Engine) -> Iterator[Engine]:
    execute(db, HEALTHY)
    return db


def execute(db: Engine, statements: str) -> None:
    with db.begin() as connection:
        connection.exec_driver_sql(statements)


def test_every_suite_passes_on_healthy_data_and_opens_the_gate(db: Engine) -> None:
    for suite in suites.SUITES:
        assert failed(db, suite) == set(), suite
    with db.connect() as connection:
        outcomes = gate.outcomes_of_run(connection, "r1")
    assert {(o.suite, o.name) for o in outcomes} == {(check.suite, check.name) for check in suites.CHECKS}
    assert gate.decide(outcomes) == gate.GateDecision(held=False, critical=(), warnings=0)


def test_every_fault_of_parties_and_facts_is_caught_by_the_check_that_is_named_for_it(db: Engine) -> None:
    execute(db, CANONICAL_FAULTS)
    assert failed(db, "canonical") == {check.name for check in suites.suite("canonical")}


def test_what_is_usual_is_what_the_last_publications_had(db: Engine) -> None:
    """The share of 20 rows of which all were filled: 16 are told below 16.0001, and held below 10."""
    execute(db, CANONICAL_FAULTS.split("INSERT INTO canonical.opportunity ", maxsplit=1)[0].rstrip(";\n "))
    for filled, wrong in (
        (16, set()),
        (15, {"fill_rates_usual"}),
        (10, {"fill_rates_usual"}),
        (9, {"fill_rates_usual", "fill_rates_hold"}),
    ):
        execute(
            db,
            f"UPDATE canonical.party SET email = CASE WHEN source_id::int <= {filled} THEN 'a@b.example' END WHERE source = 'x'",
        )
        assert failed(db, "canonical") & {"fill_rates_usual", "fill_rates_hold"} == wrong, filled


def test_a_source_may_be_older_than_others(db: Engine) -> None:
    execute(db, FAULTS["landing.stream_fresh"])
    assert not run(db, "landing")["stream_fresh"].passed
    crm = {"name": "crm", "system": "salesforce", "department": "sales", "base_url": "https://crm.example"}
    for hours, passed in ((27.1, True), (26.9, False)):
        settings = Settings(sources=(SourceSettings(**crm, max_age_hours=hours),))
        assert run(db, "landing", settings)["stream_fresh"].passed is passed


@pytest.mark.parametrize("name", [check.title for check in suites.CHECKS if check.suite != "canonical"])
def test_each_fault_is_caught_by_the_check_that_is_named_for_it(db: Engine, name: str) -> None:
    from quality_checks import gx

    execute(db, FAULTS[name])
    check = next(check for check in suites.CHECKS if name == check.title)
    (outcome,) = gx.evaluate(db, [check], parameters(Settings(), run_id="r1", as_of=AS_OF)).outcomes
    assert not outcome.passed
    assert outcome.failed
    assert outcome.failing


def test_ids_that_people_moved_are_no_churn(db: Engine) -> None:
    execute(db, _MOVED)
    allowed = Settings(gate=GateSettings(max_id_churn=1.0))
    assert not run(db, "golden")["id_churn"].passed
    assert run(db, "golden", allowed)["id_churn"].passed
    execute(
        db,
        """INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name)
               SELECT members[1], 'x', 'y', members[1], 'person', 'sales', 'P' FROM golden.customer_row;
           INSERT INTO identity.judgement (party_a, party_b, verdict, author_kind, author, reason)
               SELECT 1, party_id, 'same', 'person', 'ann', 'met them' FROM canonical.party WHERE source = 'x'""",
    )
    assert run(db, "golden")["id_churn"].passed


def test_a_queued_party_is_not_lost(db: Engine) -> None:
    execute(db, FAULTS["golden.party_has_customer"] + "; INSERT INTO canonical.to_match VALUES (3)")
    assert "party_has_customer" not in failed(db, "golden")


def test_a_permission_that_nobody_granted_is_caught(db: Engine) -> None:
    execute(
        db,
        "UPDATE canonical.consent SET deleted_at = now() WHERE ref = 'c:S:2'; DELETE FROM canonical.consent WHERE ref = 'c:S:1'",
    )
    assert run(db, "golden")["consent_not_widened"].failing == (ANN,)


def test_a_permission_that_the_mailbox_of_a_record_took_back_is_caught(db: Engine) -> None:
    said = """INSERT INTO canonical.consent
                  (ref, source, stream, source_id, channel, purpose, status, recorded_at, mailbox)
              SELECT 'c:S:' || n, 'c', 'S', n, 'email', 'news', status, CAST(at AS timestamptz), lower(p.email)
              FROM canonical.party p CROSS JOIN (VALUES (8, 'withdrawn', '2020-01-01Z'), (9, 'granted', '2021-01-01Z'))
                  AS told (n, status, at) WHERE p.party_id = 1 AND n = ANY(ARRAY[{}])"""
    execute(db, "UPDATE canonical.party SET email = 'Ann@Lee.example' WHERE party_id = 1;" + said.format("8"))
    assert run(db, "golden")["consent_not_widened"].failing == (ANN,)
    execute(db, said.format("9"))
    assert run(db, "golden")["consent_not_widened"].passed, "it consented again"


def test_the_limits_of_the_gate_are_settings(db: Engine) -> None:
    execute(db, FAULTS["landing.quarantined_share"])  # 3 of 49 rows
    assert not run(db, "landing", Settings(gate=GateSettings(max_quarantined_share=0.061)))["quarantined_share"].passed
    assert run(db, "landing", Settings(gate=GateSettings(max_quarantined_share=0.062)))["quarantined_share"].passed


def test_a_sync_that_succeeded_when_it_was_tried_again_is_no_error(db: Engine) -> None:
    execute(db, FAULTS["landing.synced_without_error"])
    execute(
        db, "INSERT INTO landing.sync_run (run_id, source, stream, finished_at) VALUES ('r1', 'crm', 'Contact', now())"
    )
    assert failed(db, "landing") == set()


def test_all_failures_are_counted_and_some_are_named_without_their_values(
    db: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    execute(
        db,
        """INSERT INTO canonical.opportunity (ref, source, stream, source_id, name, stage, status, amount, source_created_at)
           SELECT 'x:O:' || n, 'x', 'O', n::text, 'Secret', 'Secret', 'secret', 1, '2026-06-29Z' FROM generate_series(1, 10000) n""",
    )
    execute(db, FAULTS["opportunities.past_close_date"])
    outcomes = run(db, "opportunities")
    for name, failures in (("status_known", 10_000), ("currency_of_amount", 10_000), ("customer_known", 0)):
        outcome = outcomes[name]
        assert (outcome.checked, outcome.failed, len(outcome.failing)) == (10_002, failures, min(failures, 1_000))
        assert all(key.startswith("x:O:") for key in outcome.failing)
    assert outcomes["past_close_date"].failing == ("crm",), "which deals are flagged is for those who lead sales"
    with db.connect() as connection:
        stored = connection.execute(
            text(
                """SELECT (SELECT string_agg(to_jsonb(r)::text, '') FROM quality.check_result r)
                       || (SELECT string_agg(to_jsonb(f)::text, '') FROM quality.failing_row f)"""
            )
        ).scalar_one()
    assert "secret" not in (stored + caplog.text).lower()
    assert "".join(capfd.readouterr()) == ""  # no progress bars


def test_what_fails_is_known_again_also_where_it_is_more_than_is_kept_by_name(db: Engine) -> None:
    """A waiver is for these rows: as many others are not let pass by it."""

    def state() -> str:
        return run(db, "opportunities")["currency_of_amount"].state

    execute(
        db,
        """INSERT INTO canonical.opportunity (ref, source, stream, source_id, name, stage, status, amount, currency, source_created_at)
           SELECT 'x:O:' || n, 'x', 'O', n::text, 'N', 'S', 'open', 1, CASE n WHEN 1 THEN 'EUR' END, '2026-06-29Z'
           FROM generate_series(1, 1003) n""",
    )
    found = state()
    execute(db, "UPDATE canonical.opportunity SET name = 'M'")  # they are found in another order
    assert state() == found
    execute(
        db, "UPDATE canonical.opportunity SET currency = CASE source_id WHEN '1003' THEN 'EUR' END WHERE source = 'x'"
    )
    assert state() != found
    with db.connect() as connection:
        stored = {one.name: one.state for one in gate.outcomes_of_run(connection, "r1")}
    assert stored["currency_of_amount"] == state()


def test_a_flag_that_is_its_owners_alone_fails_no_check(db: Engine) -> None:
    """Leads of all departments see how many rows fail, run by run."""
    execute(
        db,
        f"""UPDATE canonical.opportunity SET close_date = '2026-06-29', source_created_at = '2026-05-31 12:00Z';
            UPDATE canonical.opportunity_change SET changed_at = '2026-05-31 12:00Z';
            {_FLAGGED.format("past_close_date")}; {_FLAGGED.format("no_progress")}; UPDATE quality.flag SET public = false""",
    )
    assert failed(db, "opportunities") == set()


def test_a_suite_that_runs_again_replaces_its_outcomes(db: Engine) -> None:
    run(db, "landing")
    execute(db, FAULTS["landing.sync_finished"])
    run(db, "landing")
    with db.connect() as connection:
        decision = gate.decide(gate.outcomes_of_run(connection, "r1"), suites.suite("landing"))
    assert decision == gate.GateDecision(
        held=True, critical=("landing.sync_finished",), warnings=0, why="landing.sync_finished failed on 1 of 3"
    )


@pytest.mark.parametrize(
    ("statement", "suite", "reason"),
    [
        (
            "ALTER TABLE canonical.opportunity RENAME amount TO value",
            "opportunities",
            r"amount_not_negative: .*\"amount\"",
        ),
        (
            "ALTER TABLE canonical.consent RENAME status TO state",
            "golden",
            "consent_not_widened: .*status does not exist",
        ),
        ("DROP TABLE golden.to_compose", "golden", "golden_id_active: .*to_compose"),
    ],
)
def test_a_broken_check_is_an_error_and_no_verdict(db: Engine, statement: str, suite: str, reason: str) -> None:
    run(db, suite)
    execute(db, statement)
    with pytest.raises(BrokenCheckError, match=reason):
        run(db, suite)
    with db.connect() as connection:
        assert gate.outcomes_of_run(connection, "r1") == []
        assert gate.decide([]).held


def test_an_error_does_not_quote_the_data(db: Engine) -> None:
    from quality_checks import gx

    query = "SELECT CAST(name AS int) AS example FROM {batch}"
    broken = Check("cast", "s", Severity.WARNING, "", "canonical.party", (), gx.ROWS, {"unexpected_rows_query": query})
    with pytest.raises(BrokenCheckError) as caught:
        gx.evaluate(db, [broken], {})
    assert str(caught.value) == "check s.cast: InvalidTextRepresentation"


def test_an_unknown_suite_is_named(db: Engine) -> None:
    with pytest.raises(NotFoundError, match="no suite 'gold'"):
        run(db, "gold")


def test_literals_are_quoted() -> None:
    from quality_checks import gx

    query = "SELECT :run_id, :as_of, :share, x::text FROM {batch}"
    rendered = gx.with_literals(query, {"run_id": "o'r", "as_of": AS_OF, "share": 0.5, "other": object()})
    assert rendered == "SELECT 'o''r', '2026-06-30 12:00:00+00:00', 0.5, x::text FROM {batch}"
