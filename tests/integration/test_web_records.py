"""The overview, the golden record, flags and quarantine."""

import os
import re
import signal
import subprocess
import sys
import uuid

import httpx
from sqlalchemy import text

from hub.review import words
from tests.waiting import PATIENCE
from tests.webworld import Visitor

HERO = "crm:Contact:1"


def merge(hub, ref: str) -> uuid.UUID:
    """Give a golden id to history: a published one that was merged into the customer of `ref`."""
    old = uuid.uuid4()
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO identity.golden_id (golden_id, number, kind, status, survivor)"
                " VALUES (:old, 999999, 'person', 'merged', :survivor)"
            ),
            {"old": old, "survivor": hub.golden_id(ref)},
        )
    return old


def test_the_overview_counts_what_there_is(signed_in):
    html = signed_in("admin").get("/").text
    assert "Publication <strong>2</strong>" in html
    assert re.search(r'class="figure">31<', html)
    assert "No flag is shared" in html
    assert re.search(r"Crm|CRM", html)
    assert "published nothing" not in html


def test_the_overview_says_why_a_run_published_nothing(hub, signed_in):
    with hub.engine.begin() as connection:
        connection.execute(text("INSERT INTO ops.run (run_id, as_of, status) VALUES ('run-3', now(), 'held')"))
        connection.execute(
            text(
                """INSERT INTO quality.check_result (run_id, suite, name, severity, passed, checked, failed, description,
                       looks_at, waivable, state, as_of)
                   SELECT 'run-3', 'golden', name, severity, false, 236, 4, 'what must hold', 'golden.composed_customer',
                       true, 's', now()
                   FROM (VALUES ('every_customer_has_a_name', 'critical'), ('language_known', 'warning'))
                       AS v (name, severity)"""
            )
        )
    html = signed_in("read").get("/").text
    assert "The last run published nothing: 1 critical check failed" in html
    assert "Every customer has a name" in html
    assert "Language known" not in html


def test_an_empty_hub_says_what_comes(db, tmp_path):
    from hub import users
    from hub.settings import Settings
    from tests.webworld import PASSWORD, serving

    with db.begin() as connection:
        users.add(connection, "ann", "admin", (), PASSWORD, actor="test")
    with serving(db, Settings(data_dir=tmp_path)) as address, Visitor(base_url=address) as visitor:
        visitor.sign_in("ann")
        assert "Nothing has been published yet" in visitor.get("/").text
        assert "Nothing is published yet" in visitor.get("/customers").text
        assert "No deals are known as yours" in visitor.get("/flags").text
        assert "There is no flag to see" in visitor.get("/flags/team").text
        assert "Nothing is in quarantine" in visitor.get("/quarantine").text
        assert "The pipeline has not run yet" in visitor.get("/review").text


def test_customers_are_found_by_name_address_record_and_id(hub, signed_in):
    visitor = signed_in("review")
    golden_id = hub.golden_id(HERO)
    for typed in ("bruno alb", "BRUNO.ALBERS@mail1", HERO):
        assert f"/customers/{golden_id}" in visitor.get("/customers", params={"q": typed}).text, typed
    assert visitor.get("/customers", params={"q": golden_id}).headers["location"] == f"/customers/{golden_id}"
    assert "No customer matches" in visitor.get("/customers", params={"q": "%"}).text
    assert (
        "No customer matches" in visitor.get("/customers", params={"q": "'; DROP TABLE golden.customer_row; --"}).text
    )


def test_the_list_of_customers_is_complete_over_its_pages(hub, signed_in):
    visitor = signed_in("read")
    found, page = [], "/customers"
    while page:
        html = visitor.get(page).text
        found += re.findall(r'href="/customers/([0-9a-f-]{36})"', html)
        more = re.search(r'rel="next" href="([^"]+)"', html)
        page = more[1].replace("&amp;", "&") if more else None
    assert len(found) == len(set(found)) == hub.scalar("SELECT count(*) FROM golden.customer")


def test_a_customer_page_tells_values_origins_facets_and_history(hub, signed_in):
    html = signed_in("review").get(f"/customers/{hub.golden_id(HERO)}").text
    for expected in (
        "Bruno Albers", "bruno.albers@mail1.example", "<code>crm:Contact:1</code>", "helpdesk:users:1",
        "Open complaints", "Lifetime value", "1,200.00", "Spring fair", "granted", "Harbour cranes, lot 0",
        "<del>Buyer</del> <ins>Head of buying</ins>", "First published.",
    ):  # fmt: skip
        assert expected in html, expected


def test_a_merged_id_shows_its_survivor_and_says_so(hub, signed_in):
    visitor = signed_in("read")
    old = merge(hub, HERO)
    answer = visitor.get(f"/customers/{old}")
    assert answer.status_code == 200
    assert f"{old}</code> was merged" in answer.text
    assert "Bruno Albers" in answer.text
    assert visitor.get(f"/customers/{uuid.uuid4()}").status_code == 404
    assert visitor.get("/customers/nonsense").status_code == 422


def test_flags_are_listed_critical_first_and_filtered(signed_in):
    visitor = signed_in("lead")
    html = visitor.get("/flags/team").text
    assert re.findall(r'class="pill (critical|warning)"', html) == ["critical", "warning", "warning"]
    assert len(re.findall(r'class="pill warning"', visitor.get("/flags/team?rule=no_progress").text)) == 2


def test_quarantine_shows_the_reason_to_all_and_the_row_to_admins(hub, signed_in):
    reader, boss = signed_in("read"), signed_in("admin", name="boss")
    listed = reader.get("/quarantine").text
    assert "is not an e-mail address" in listed
    assert "private@@secret" not in listed
    entry = hub.scalar("SELECT quarantine_id FROM landing.quarantine WHERE source_id = 'bad-1'")
    assert reader.get(f"/quarantine/{entry}").status_code == 403
    assert "private@@secret" in boss.get(f"/quarantine/{entry}").text
    looked = hub.scalar("SELECT subject FROM ops.audit WHERE actor = 'boss' AND act = 'look at quarantined row'")
    assert looked == "crm:Contact:bad-1"
    assert "bad-2" not in reader.get("/quarantine?source=crm").text


def test_values_are_written_for_people():
    facts = {"fresh_at": 1, "last_rating_at": 2, "last_rating": 3, "last_touch_at": 4}
    assert words.ordered(facts) == [("Last rating", 3), ("Last rating at", 2), ("Last touch", 4), ("Fresh", 1)]
    assert words.plain("2026-11-20T09:30:00+01:00") == "20 Nov 2026, 08:30 UTC"
    assert words.plain("2026-13-45T99:99:99") == "2026-13-45T99:99:99"
    assert [words.plain(value) for value in (True, None, 3, 2.5)] == ["yes", "—", "3", "2.50"]
    assert words.sentence("no such thing") == "No such thing"
    assert words.sentence("zendesk:users:1 is gone") == "zendesk:users:1 is gone"
    assert words.money("1234.5", "EUR") == "EUR 1,234.50"
    assert words.is_money({"EUR": 1, "USD": 2})
    assert not words.is_money({"EUR": {"open": 1}})
    assert words.percent(0.999999) == "99.99 %"
    assert words.counted(2, "opportunity") == "2 opportunities"
    assert words.strength(-7).side == "against"


def test_the_server_starts_says_where_and_stops_at_a_signal(database_url, tmp_path):
    environment = {**os.environ, "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
                   "ONERECORD_WEB_PORT": "0", "ONERECORD_DATA_DIR": str(tmp_path)}  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "hub.web"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        address = re.search(r"http://\S+", process.stdout.readline())[0]
        assert httpx.get(f"{address}/healthz", timeout=PATIENCE).status_code == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in errors
