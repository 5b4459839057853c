"""The page of checks: who sees it, what it tells of a held run, and letting one check pass."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from hub import waivers
from hub.errors import ConflictError
from tests.webworld import Hub, Visitor

SEED = """
INSERT INTO ops.run (run_id, as_of, started_at, releases) VALUES ('{run}', now(), clock_timestamp(), {releases});
INSERT INTO quality.check_result (run_id, suite, name, severity, passed, checked, failed, description, looks_at, waivable, state, as_of)
VALUES
    ('{run}', 'landing', 'stream_volume', 'critical', false, 200, 2, 'no stream <b>lost</b> rows', 'landing.source_record', true, 's1', now()),
    ('{run}', 'golden', 'different_not_bridged', 'critical', {bridged}, 9, 1, 'two stay two', 'identity.judgement', false, 's2', now()),
    ('{run}', 'golden', 'email_shape', 'warning', false, 200, 3, 'addresses', 'golden.composed_customer', true, 's3', now());
INSERT INTO quality.failing_row SELECT check_result_id, place, key FROM quality.check_result,
    (VALUES (1, 'crm:Contact:1'), (2, 'crm:Contact:bad-1')) v (place, key) WHERE run_id = '{run}' AND name = 'stream_volume';
"""


def seed(engine: Engine, run: str = "held-1", *, releases: str = "NULL", bridged: str = "true") -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(SEED.format(run=run, releases=releases, bridged=bridged))


WAIVE = {"run": "held-1", "check": "landing.stream_volume", "reason": "they cleaned up"}


def test_readers_do_not_see_checks_and_leads_only_read(hub: Hub, signed_in: Callable[..., Visitor]):
    seed(hub.engine)
    reader, lead = signed_in("reader", name="rita"), signed_in("lead", name="lea")
    assert reader.get("/checks").status_code == 403
    assert "/checks" not in reader.get("/").text
    page = lead.get("/checks")
    assert page.status_code == 200
    assert "Held: nothing was published" in page.text
    assert "no stream &lt;b&gt;lost&lt;/b&gt; rows" in page.text
    assert "/checks/waive" not in page.text
    assert lead.submit("/account", "/checks/waive", **WAIVE).status_code == 403
    assert lead.get("/checks/docs/golden").status_code == 403
    assert hub.scalar("SELECT count(*) FROM quality.waiver") == 0


def test_an_engineer_lets_one_check_pass_and_it_is_written_down(hub: Hub, signed_in: Callable[..., Visitor]):
    seed(hub.engine)
    engineer = signed_in("engineer", name="emil")
    without = engineer.submit("/checks", "/checks/waive", **{**WAIVE, "reason": " "})
    assert without.status_code == 400
    assert "say why" in without.text
    assert engineer.post("/checks/waive", data=WAIVE).status_code == 403, "no token"
    assert engineer.submit("/checks", "/checks/waive", **WAIVE).status_code == 303
    assert "emil lets it pass for this run: they cleaned up" in engineer.get("/checks").text
    assert hub.scalar("SELECT actor || subject || reason FROM ops.audit WHERE act = 'waive check'") == (
        "emillanding.stream_volumethey cleaned up"
    )
    again = engineer.submit("/checks", "/checks/waive", **WAIVE)
    assert "waived for this run already" in again.text
    with hub.engine.connect() as connection:
        ((root, _),) = waivers.to_release(connection)
        assert root == "held-1"


def test_what_protects_people_is_not_waived_and_holds_the_rest(hub: Hub, signed_in: Callable[..., Visitor]):
    seed(hub.engine, bridged="false")
    engineer = signed_in("engineer", name="emil")
    assert "Nobody can let it pass" in engineer.get("/checks").text
    refused = engineer.submit("/checks", "/checks/waive", **{**WAIVE, "check": "golden.different_not_bridged"})
    assert "nobody can waive it" in refused.text
    assert (
        "holds nothing" in engineer.submit("/checks", "/checks/waive", **{**WAIVE, "check": "golden.email_shape"}).text
    )
    engineer.submit("/checks", "/checks/waive", **WAIVE)
    with hub.engine.connect() as connection:
        assert waivers.to_release(connection) == []


def test_a_later_run_ends_what_was_waived(hub: Hub, signed_in: Callable[..., Visitor]):
    seed(hub.engine)
    engineer = signed_in("engineer", name="emil")
    engineer.submit("/checks", "/checks/waive", **WAIVE)
    seed(hub.engine, "release-1", releases="'held-1'")
    with hub.engine.connect() as connection:
        waivers.refuse_later(connection, "held-1")
        assert [one.check for one in waivers.of_run(connection, "release-1")] == ["landing.stream_volume"]
    seed(hub.engine, "held-2")
    with hub.engine.connect() as connection:
        assert waivers.of_run(connection, "held-2") == []
        with pytest.raises(ConflictError, match="another run began since"):
            waivers.refuse_later(connection, "held-1")
        assert waivers.to_release(connection) == []
    assert "another run began since" in engineer.submit("/checks", "/checks/waive", **WAIVE).text


def test_failing_rows_lead_to_the_customer_and_the_quarantined_row(hub: Hub, signed_in: Callable[..., Visitor]):
    seed(hub.engine)
    page = signed_in("engineer").get("/checks/landing/stream_volume?run=held-1").text
    assert f"/customers/{hub.golden_id('crm:Contact:1')}" in page
    quarantined = hub.scalar("SELECT quarantine_id FROM landing.quarantine WHERE source_id = 'bad-1'")
    assert f"/quarantine/{quarantined}" in page
    assert "<svg" in page
    assert "kept by name" not in page
    other = signed_in("engineer", name="bo")
    assert other.get("/checks/landing/nothing").status_code == 404
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE quality.check_result SET failed = 1200 WHERE name = 'stream_volume'"))
    assert "Of 1,200 rows the first 2 are kept by name" in other.get("/checks/landing/stream_volume?run=held-1").text


def test_data_docs_run_no_script_and_belong_to_no_origin(hub: Hub, signed_in: Callable[..., Visitor]):
    with hub.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO quality.data_docs (suite, run_id, page) VALUES ('golden', 'r', '<p>docs</p>')")
        )
    engineer = signed_in("engineer")
    answer = engineer.get("/checks/docs/golden")
    assert answer.text == "<p>docs</p>"
    assert answer.headers.get_list("content-security-policy") == [
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    ]
    assert "script-src 'self'" in engineer.get("/checks").headers["content-security-policy"]
    assert engineer.get("/checks/docs/none").status_code == 404
