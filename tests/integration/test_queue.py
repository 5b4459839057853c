"""Working through the queue with others: claims, later, questions, bulk acts, saved filters, over real HTTP."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from hub.identity import ledger, models
from hub.identity.matching import match_parties
from hub.model.kinds import PartyKind, Verdict
from hub.progress import silent
from hub.sections.review import ReviewSettings, TwoPeopleSettings
from hub.settings import MatchSettings
from tests.integration.test_web_review import fields, links
from tests.waiting import PATIENCE
from tests.webworld import WAITING, Hub, Visitor, token

LIVE = "SELECT count(*) FROM identity.judgement WHERE author_kind = 'person' AND ended_at IS NULL"


def ids(link: str) -> tuple[int, int]:
    a, b = link.split("/")[2:4]
    return int(a), int(b)


def tick(*some: str) -> list[str]:
    return ["{}-{}".format(*ids(link)) for link in some]


def previewed(visitor: Visitor, verdict: str, **data) -> str:
    answer = visitor.post("/review/bulk", data={"csrf": token(visitor.get("/review").text), "verdict": verdict, **data})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_open_pair_is_left_to_who_opened_it_until_the_claim_is_over(hub: Hub, signed_in):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    link, second = links(ann.get("/review").text)[:2]
    ann.get(link)
    assert "ann looks at it" in bob.get("/review").text
    assert "You can look, but not decide" in bob.get(link).text
    refused = bob.submit(link, link, verdict="same")
    assert refused.status_code == 409
    assert "is open with ann until" in refused.text
    assert bob.submit(link, f"{link}/later", until="2026-12-24").status_code == 409
    skipped = re.search(
        r'<a class="button" href="([^"]+)"[^>]*>Skip', bob.get(links(bob.get("/review?sort=unlikely").text)[0]).text
    )
    assert skipped[1] == second, "behind the last pair comes the first that nobody has"
    assert bob.submit(link, f"{link}/take-over").status_code == 303
    assert (
        hub.scalar("SELECT details ->> 'from' FROM ops.audit WHERE act = 'take over claim' AND actor = 'bob'") == "ann"
    )
    assert ann.submit(link, link, verdict="same").status_code == 409
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE identity.claim SET claimed_until = now() - interval '1 second'")
    assert ann.submit(link, link, verdict="same").status_code == 303
    assert hub.scalar(LIVE) == 1


def test_no_decision_is_lost_or_doubled_when_all_work_at_once(hub: Hub, signed_in):
    leads = [signed_in("review", name=f"lead{n}") for n in range(4)]
    for lead in leads:
        lead.timeout = 60  # an answer that nobody waited for would be counted as none
    start = threading.Barrier(len(leads))

    def work(lead: Visitor) -> int:
        start.wait(PATIENCE)
        made = 0
        for _ in range(6):
            link = links(lead.get("/review").text)[0]  # all want the same pair
            made += lead.submit(link, link, verdict="different").status_code == 303
        return made

    with ThreadPoolExecutor(len(leads)) as pool:
        made = sum(pool.map(work, leads))
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author_kind = 'person'") == made > 0
    assert hub.scalar(LIVE) == made
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'judge different'") == made
    assert hub.scalar("SELECT count(*) FROM identity.waiting_pair") == WAITING - made


def test_a_pair_that_was_put_off_or_asked_about_waits_elsewhere_and_comes_back(hub: Hub, lead):
    ann = lead("ann", "sales", "support", "marketing")
    link, other = links(ann.get("/review").text)[:2]
    assert ann.submit(link, f"{link}/later", until="2001-01-01").status_code == 400
    until = hub.scalar("SELECT CAST(CURRENT_DATE + 3 AS text)")
    assert ann.submit(link, f"{link}/later", until=until).status_code == 303
    assert link not in links(ann.get("/review").text)
    assert links(ann.get("/review?view=later").text) == [link]
    with hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE identity.waiting_pair SET later_until = CURRENT_DATE WHERE later_until IS NOT NULL"
        )
    assert link in links(ann.get("/review").text), "its day has come"
    assert ann.submit(other, f"{other}/ask", department="finance", question="  ").status_code == 400
    asked = ann.submit(other, f"{other}/ask", department="finance", question="Is <b>this</b> your payer?")
    assert asked.status_code == 303
    assert other not in links(ann.get("/review").text)
    assert links(ann.get("/review?view=asked").text) == [other]
    fay = lead("fay", "finance")
    assert "A question for finance" in fay.get("/review").text
    page = fay.get(other).text
    assert "Is &lt;b&gt;this&lt;/b&gt; your payer?" in page
    said = {"csrf": token(page), "answer": "Yes, since 2019."}
    assert fay.post(f"{other}/answer", data=said).status_code == 303
    assert fay.post(f"{other}/answer", data=said).status_code == 409
    assert other in links(ann.get("/review").text)
    assert "Yes, since 2019." in ann.get(other).text
    acts = "SELECT count(*) FROM ops.audit WHERE act IN ('ask', 'answer', 'put off') AND subject = :subject"
    assert hub.scalar(acts, subject="{}/{}".format(*ids(other))) == 2
    assert hub.scalar(acts, subject="{}/{}".format(*ids(link))) == 1


def test_what_is_for_another_department_is_refused_by_address_too(hub: Hub, signed_in, lead):
    ann = signed_in("review")
    (news,) = links(ann.get("/review?source=newsletter").text)
    theirs = next(link for link in links(ann.get("/review?source=billing").text) if link != news)
    mara = lead("mara", "marketing")
    assert links(mara.get("/review").text) == [news], "the others are between sales and finance"
    csrf = {"csrf": token(mara.get(news).text)}
    assert mara.get(theirs).status_code == 403
    for act, data in {
        "": {"verdict": "same"},
        "/later": {"until": "2026-12-24"},
        "/now": {},
        "/ask": {"department": "sales", "question": "x"},
        "/answer": {"answer": "x"},
        "/withdraw": {},
        "/take-over": {},
    }.items():
        assert mara.post(theirs + act, data={**csrf, **data}).status_code == 403, act
    forbidden = mara.post("/review/bulk", data={**csrf, "verdict": "same", "pair": tick(news, theirs)})
    assert forbidden.status_code == 403
    assert mara.post(news, data={**csrf, "verdict": "unsure"}).status_code == 303
    assert len(links(mara.get("/review").text)) == 0
    assert hub.scalar(LIVE) == 1


def test_a_bulk_act_is_previewed_refused_when_the_picture_changed_and_undone_as_one(hub: Hub, signed_in):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    ticked = links(ann.get("/review").text)[:5]
    bob.get(ticked[0])
    a, b = ids(ticked[1])
    with hub.engine.begin() as connection:
        # What bob said of two other records of these customers forbids the second pair.
        ref = dict(connection.execute(text("SELECT party_id, ref FROM canonical.party")).all())
        third = hub.scalar(
            "SELECT ref FROM canonical.party WHERE party_id NOT IN (SELECT party_a FROM identity.waiting_pair UNION SELECT party_b FROM identity.waiting_pair) AND kind = 'person' LIMIT 1"
        )
        ledger.judge(connection, ref[a], third, Verdict.SAME, author="bob", reason="x")
        ledger.judge(connection, third, ref[b], Verdict.DIFFERENT, author="bob", reason="x")
    before = hub.scalar(LIVE)
    page = previewed(ann, "same", pair=tick(*ticked))
    assert "<h1>3 pairs: the same</h1>" in page
    assert "1 pair is left out" in page
    assert "1 pair is open with others" in page
    assert "3 customers</strong> go into others" in page
    assert hub.scalar(LIVE) == before, "a preview changes nothing"
    bob.submit(ticked[2], f"{ticked[2]}/take-over")
    assert ann.post("/review/bulk/apply", data={**fields(page), "reason": "same address"}).status_code == 409
    assert hub.scalar(LIVE) == before
    page = previewed(ann, "same", pair=tick(*ticked))
    applied = ann.post("/review/bulk/apply", data={**fields(page), "reason": "same address"})
    assert applied.status_code == 303
    assert hub.scalar(LIVE) == before + 2
    shown = ann.get(applied.headers["location"]).text
    assert "<strong>2 pairs</strong> judged in one act" in shown
    undo = re.search(r'href="(/review/history/bulk/\d+/undo)"', shown)[1]
    assert undo in ann.get("/review/history").text
    assert bob.get(undo).status_code == 403
    preview = ann.get(undo).text
    assert "2 customers</strong> come out of others again" in preview
    assert ann.post(undo, data=fields(preview)).status_code == 303
    assert hub.scalar(LIVE) == before
    assert set(ticked[3:]) <= set(links(ann.get("/review").text)) | set(links(ann.get("/review?sort=unlikely").text))
    assert ann.post(undo, data=fields(preview)).status_code == 409
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act IN ('judge in bulk', 'undo judgement')") == 2


def test_all_that_match_a_filter_are_judged_at_once_and_the_model_learns_from_them(hub: Hub, signed_in):
    ann = signed_in("review")
    page = ann.post(
        "/review/bulk?source=billing",
        data={"csrf": token(ann.get("/review").text), "verdict": "same", "chosen": "all"},
    ).text
    assert f"<h1>{WAITING - 1} pairs: the same</h1>" in page
    applied = ann.post("/review/bulk/apply?source=billing", data=fields(page))
    assert applied.headers["location"].startswith("/review?source=billing&bulk=")
    assert len(links(ann.get("/review").text)) == 1
    match_parties(hub.engine, PartyKind.PERSON, MatchSettings(learn_after=20), progress=silent)
    with hub.engine.connect() as connection:
        model = models.newest(connection, PartyKind.PERSON)
    assert model.report["learned"]["judgements"] == WAITING - 1


@pytest.mark.parametrize("pair", ["1-x", "1-2-3", "1", "-1-2", "1-9999999999999999999"])
def test_a_form_that_names_no_pairs_is_refused(signed_in, pair):
    ann = signed_in("review")
    csrf = token(ann.get("/review").text)
    assert ann.post("/review/bulk", data={"csrf": csrf, "verdict": "same", "pair": pair}).status_code == 400
    assert ann.post("/review/bulk", data={"csrf": csrf, "verdict": "same"}).status_code == 400
    assert ann.post("/review/bulk", data={"verdict": "same", "pair": "1-2"}).status_code == 403


def test_records_that_wait_together_are_decided_together(hub: Hub, signed_in):
    ann = signed_in("review")
    with hub.engine.begin() as connection:
        row = connection.execute(
            text(
                """SELECT w.party_a, w.party_b, c.party_id AS c FROM identity.waiting_pair w
                   CROSS JOIN (SELECT party_id FROM canonical.party WHERE ref = 'crm:Contact:150') c
                   ORDER BY probability DESC OFFSET 1 LIMIT 1"""
            )
        ).one()
        pair = sorted((row.party_b, row.c))
        connection.execute(
            text(
                """INSERT INTO identity.pair SELECT :a, :b, kind, band, weight, probability, blocking_rule, model_version
                   FROM identity.pair WHERE party_a = :x AND party_b = :y"""
            ),
            {"a": pair[0], "b": pair[1], "x": row.party_a, "y": row.party_b},
        )
        connection.execute(text("INSERT INTO identity.to_resolve VALUES (:c)"), {"c": row.c})
    from hub.identity.resolve import resolve

    resolve(hub.engine, run_id="again", progress=silent)
    listed = ann.get("/review").text
    link = re.search(r'class="pair" href="(/review/together/\d+)"', listed)[1]
    assert "3 records, 2 pairs together" in listed
    ticked = re.search(r'name="pair" value="(\d+-\d+ \d+-\d+)"', listed)[1]
    assert "<h1>2 pairs: different</h1>" in previewed(ann, "different", pair=ticked), "a tick takes all of them"
    page = ann.get(link).text
    assert "3 records that wait together" in page
    csrf = token(page)
    one, two, three = row.party_a, row.party_b, row.c
    assert ann.post(link, data={"csrf": csrf, "belongs": [f"{one}=1", f"{two}=2"]}).status_code == 400
    shown = ann.post(link, data={"csrf": csrf, "belongs": [f"{one}=1", f"{two}=2", f"{three}=1"]}).text
    applied = ann.post(f"{link}/apply", data=fields(shown))
    assert applied.status_code == 303
    said = "SELECT verdict FROM identity.judgement WHERE party_a = :a AND party_b = :b AND ended_at IS NULL"
    expected = {(one, two): "different", (two, three): "different", (one, three): "same"}
    for (a, b), verdict in expected.items():
        assert hub.scalar(said, a=min(a, b), b=max(a, b)) == verdict
    assert ann.get(link).status_code == 404


def test_filters_are_saved_by_name_per_person_and_deleted(hub: Hub, signed_in):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    where = "/review/filters?source=billing&least=60&sort=unlikely"
    assert ann.submit("/review", where, name="Doubtful <payers>").status_code == 303
    page = ann.get("/review").text
    assert "Doubtful &lt;payers&gt;" in page
    saved = re.search(r'class="chip"><a href="([^"]+)"', page)[1].replace("&amp;", "&")
    chances = [float(n) for n in re.findall(r'class="figure">([\d.]+) %', ann.get(saved).text)]
    assert chances == sorted(chances)
    assert min(chances) >= 60
    assert "Doubtful" not in bob.get("/review").text
    bob.submit("/review", "/review/filters/delete", name="Doubtful <payers>")
    assert "Doubtful" in ann.get("/review").text, "nobody deletes what is another's"
    with hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ops.saved_filter (owner, name, query) SELECT 'ann', 'f' || n, '' FROM generate_series(1, 19) n"
        )
    assert ann.submit("/review", where, name="one more").status_code == 409
    delete = re.search(r'action="([^"]+filters/delete[^"]*)"', ann.get("/review?q=bruno").text)[1]
    left = ann.submit("/review", delete, name="Doubtful <payers>")
    assert left.headers["location"] == "/review?q=bruno", "what one looks at stays"
    assert ann.submit("/review", where, name="one more").status_code == 303


def test_filters_by_age_value_and_department_and_what_is_no_filter(signed_in):
    ann = signed_in("review")
    assert len(links(ann.get("/review?department=marketing").text)) == 1
    assert links(ann.get("/review?age=1").text) == []
    assert len(links(ann.get("/review?value=1000&sort=impact").text)) == 1, "37,500 EUR are open with one of them"
    html = ann.get("/review?sort=impact").text
    assert html.index("EUR 37,500.00 in open opportunities, EUR 1,200.00 unpaid") < html.index("no open value")
    assert "Same family name" in html
    assert "Similar first name and street" in html
    assert f"0 of {WAITING} this week" in html
    assert len(links(ann.get("/review?least=&most=&age=&value=&kind=&department=").text)) == 25, "an empty form is none"
    for wrong in ("least=101", "age=-1", "department=legal", "value=x", "view=all", f"value={10**40}"):
        assert ann.get(f"/review?{wrong}").status_code == 422, wrong
    assert ann.get("/review?q=%00").status_code == 400


def test_what_needs_two_people_is_left_out_of_a_bulk_act(hub: Hub, signed_in):
    hub.settings.review = ReviewSettings(two_people_above=TwoPeopleSettings(records=1))
    ann = signed_in("review")
    some = tick(*links(ann.get("/review").text)[:2])
    page = previewed(ann, "same", pair=some)
    assert "2 pairs need two people" in page
    assert "Nothing is left to judge" in page
    assert "need two people" not in previewed(ann, "different", pair=some)


def test_who_saw_which_pairs_in_the_list_is_written_down_once(hub: Hub, signed_in):
    ann = signed_in("review")
    shown = links(ann.get("/review").text)
    ann.get("/review")
    looks = "SELECT count(*) FROM ops.audit WHERE act = 'look' AND actor = 'ann' AND subject = :pair"
    assert [hub.scalar(looks, pair="pair:" + link.removeprefix("/review/")) for link in shown] == [1] * len(shown)
