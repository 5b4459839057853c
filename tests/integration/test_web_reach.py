"""What a lead reaches of records that are not theirs, and what they find of work that is theirs in part."""

import re

from sqlalchemy import text

from hub.identity.resolve import resolve
from hub.progress import silent
from tests.webworld import Hub, token

NEWS, SOLD = "newsletter:contacts:9002", "crm:Contact:7"


def party(hub: Hub, ref: str) -> int:
    return hub.scalar("SELECT party_id FROM canonical.party WHERE ref = :ref", ref=ref)


def test_a_record_of_ones_own_opens_no_record_of_others(hub: Hub, lead):
    """Two records that nothing ties are no work: else any customer could be seen, and taken, beside one's own."""
    a, b = sorted((party(hub, NEWS), party(hub, SOLD)))
    mara, both = lead("mara", "marketing"), lead("bo", "marketing", "sales")
    assert mara.get(f"/review/{a}/{b}").status_code == 403
    csrf = token(mara.get("/account").text)
    assert mara.post(f"/review/{a}/{b}", data={"csrf": csrf, "verdict": "same"}).status_code == 403
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author = 'mara'") == 0
    assert both.get(f"/review/{a}/{b}").status_code == 200, (
        "who answers for both customers may merge them, and compares"
    )
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO identity.judgement (party_a, party_b, verdict, author, author_kind, reason)
                   VALUES (:a, :b, 'different', 'bo', 'person', 'met both')"""
            ),
            {"a": a, "b": b},
        )
    assert mara.get(f"/review/{a}/{b}").status_code == 200, "what was said of it is for both departments"


def test_every_page_that_shows_a_customer_writes_the_look_down(hub: Hub, signed_in):
    """Splitting and merging by hand show addresses and birth dates before anything is previewed."""
    boss, golden_id = signed_in("admin", name="boss"), hub.golden_id(SOLD)
    assert "@mail" in boss.get("/review/merge", params={"pick": SOLD}).text
    assert "@mail" in boss.get(f"/customers/{golden_id}/split").text
    with hub.engine.connect() as connection:
        looked = connection.execute(
            text("SELECT details ->> 'page' FROM ops.audit WHERE act = 'look' AND subject = :subject"),
            {"subject": f"customer:{golden_id}"},
        ).scalars()
        assert {"/review/merge", "/customers/{golden_id}/split"} <= set(looked)


def test_work_that_is_another_departments_in_part_is_done_pair_by_pair(hub: Hub, signed_in, lead):
    """A cluster of which one pair is not theirs opened with a 403, so that the others could not be reached either."""
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO identity.pair SELECT least(a.party_id, b.party_id), greatest(a.party_id, b.party_id),
                       'person', 'review', 3, 0.5, 'name', model.version
                   FROM canonical.party a, canonical.party b, identity.match_model model
                   WHERE a.ref IN ('newsletter:contacts:9002', 'billing:customers:3')
                     AND b.ref = 'crm:Contact:150' AND model.kind = 'person'"""
            )
        )
        connection.execute(
            text("INSERT INTO identity.to_resolve SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING")
        )
    resolve(hub.engine, run_id="again", progress=silent)
    mara = lead("mara", "marketing")
    listed = mara.get("/review").text
    links = re.findall(r'class="pair" href="([^"]+)"', listed)
    assert links
    assert all(mara.get(link).status_code == 200 for link in links)
    assert "together" not in listed
    ticks = re.findall(r'name="pair" value="([^"]+)"', listed)
    chosen = mara.post("/review/bulk", data={"csrf": token(listed), "verdict": "different", "pair": ticks})
    assert chosen.status_code == 200
    assert "/review/together/" in signed_in("admin", name="root").get("/review").text, (
        "one piece of work for who may judge all"
    )
