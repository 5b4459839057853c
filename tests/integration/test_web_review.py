"""The queue, the compare page, judgements and their undoing, over real HTTP."""

import re
from xml.etree import ElementTree as ET

import pytest

from hub.identity import ledger
from hub.model.kinds import Verdict
from hub.review import words
from tests.webworld import WAITING, XSS, token


def links(html: str) -> list[str]:
    return re.findall(r'class="pair" href="(/review/\d+/\d+)', html)


def fields(html: str) -> dict[str, str]:
    """What the main form of a page sends: its hidden fields."""
    form = html[html.index('<form class="verdict"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def heading(html: str) -> str:
    return re.sub(r"<[^>]+>", "", re.search(r'<p class="lead">(.*?)</p>', html, re.DOTALL)[1]).strip()


@pytest.mark.parametrize("sort", ["likely", "teaching"])
def test_the_queue_shows_each_waiting_pair_once_over_its_pages(signed_in, sort):
    visitor = signed_in("review")
    found, page = [], f"/review?sort={sort}"
    while page:
        html = visitor.get(page).text
        found += links(html)
        more = re.search(r'rel="next" href="([^"]+)"', html)
        page = more[1].replace("&amp;", "&") if more else None
    assert len(found) == len(set(found)) == WAITING


def test_the_queue_is_sorted_and_filtered(signed_in):
    visitor = signed_in("review")
    chances = [float(n) for n in re.findall(r'class="figure">([\d.]+) %', visitor.get("/review").text)]
    assert chances == sorted(chances, reverse=True)
    chances = [float(n) for n in re.findall(r'class="figure">([\d.]+) %', visitor.get("/review?sort=unlikely").text)]
    assert chances == sorted(chances)
    chances = [float(n) for n in re.findall(r'class="figure">([\d.]+) %', visitor.get("/review?sort=teaching").text)]
    assert chances == sorted(chances, key=lambda chance: abs(chance - 50))
    assert len(links(visitor.get("/review?source=newsletter").text)) == 1
    assert len(links(visitor.get("/review?q=bruno").text)) == 2
    assert "No waiting pair matches" in visitor.get("/review", params={"q": "100%"}).text, (
        "what is typed is no wildcard"
    )
    assert "No waiting pair matches" in visitor.get("/review?kind=organization").text
    assert visitor.get("/review?sort=backwards").status_code == 422
    assert visitor.get("/review?cursor=nonsense").status_code == 400


def test_a_judgement_leaves_the_queue_and_undo_brings_it_back(hub, signed_in):
    visitor = signed_in("review")
    link = links(visitor.get("/review").text)[0]
    answer = visitor.submit(link, link, verdict="different", reason="two brothers")
    assert answer.status_code == 303
    after = visitor.get(answer.headers["location"]).text
    assert "Recorded" in after, "the next pair says what was recorded, with undo"
    assert link not in links(visitor.get("/review").text)
    assert f"{WAITING - 1}" in heading(visitor.get("/review").text)
    judgement = hub.scalar("SELECT judgement_id FROM identity.judgement WHERE author = 'ann' AND verdict = 'different'")
    audited = hub.scalar("SELECT reason FROM ops.audit WHERE act = 'judge different' AND actor = 'ann'")
    assert audited == "two brothers"
    assert hub.scalar("SELECT count(*) FROM identity.to_resolve") == 2
    undo = f"/review/history/{judgement}/undo"
    assert undo in visitor.get("/review/history").text
    preview = visitor.get(undo).text
    assert "No record changes its customer" in preview
    undone = visitor.post(undo, data=fields(preview))
    assert undone.status_code == 303
    assert "was taken back" in visitor.get(undone.headers["location"]).text
    assert link in links(visitor.get("/review").text)
    assert hub.scalar("SELECT ended_by FROM identity.judgement WHERE judgement_id = :id", id=judgement) == "ann"
    assert "taken back before" in visitor.get(undo).text
    assert visitor.post(undo, data=fields(preview)).status_code == 409


def test_one_takes_back_ones_own_judgement_only(hub, signed_in):
    ann, bob, boss = signed_in("review"), signed_in("review", name="bob"), signed_in("admin", name="boss")
    link = links(ann.get("/review").text)[0]
    ann.submit(link, link, verdict="same")
    judgement = hub.scalar("SELECT judgement_id FROM identity.judgement WHERE author = 'ann'")
    undo = f"/review/history/{judgement}/undo"
    assert "No decisions yet" in bob.get("/review/history").text
    assert undo not in bob.get("/review/history?by=all").text
    assert bob.get(undo).status_code == 403
    assert bob.submit("/review/history?by=all", undo, seen="0").status_code == 403
    assert hub.scalar("SELECT ended_at FROM identity.judgement WHERE judgement_id = :id", id=judgement) is None
    assert undo in boss.get("/review/history?by=all").text
    assert boss.post(undo, data=fields(boss.get(undo).text)).status_code == 303


def test_of_two_people_on_one_pair_the_second_hears_what_the_first_decided(hub, signed_in):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    link = links(ann.get("/review").text)[0]
    page = bob.get(link).text
    ann.submit(link, f"{link}/take-over")
    assert ann.submit(link, link, verdict="same").status_code == 303
    late = bob.post(link, data={"csrf": token(page), "verdict": "different"})
    assert late.status_code == 409
    assert "was judged same by ann in between" in late.text
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author_kind = 'person' AND ended_at IS NULL") == 1
    page = bob.get(link).text
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    assert bob.post(link, data={"csrf": token(page), "verdict": "different", "seen": seen}).status_code == 303
    assert (
        hub.scalar("SELECT author FROM identity.judgement WHERE ended_at IS NULL AND author_kind = 'person'") == "bob"
    )


def test_judgements_that_cannot_all_hold_are_work_until_one_is_taken_back(hub, signed_in):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    assert "Nothing contradicts itself" in ann.get("/review/conflicts").text
    a, b, c = "crm:Contact:3", "billing:customers:3", "crm:Contact:4"
    with hub.engine.begin() as connection:
        ledger.judge(connection, a, b, Verdict.SAME, author="bob", reason="one address")
        ledger.judge(connection, b, c, Verdict.SAME, author="bob", reason="one phone")
        number = ledger.judge(connection, a, c, Verdict.DIFFERENT, author="ann", reason="<i>father and son</i>")
    assert "/review/conflicts" in ann.get("/review").text
    page = ann.get("/review/conflicts").text
    assert "1</strong> contradiction:" in page
    assert "&lt;i&gt;father and son" in page
    assert page.count("Take back</a>") == 1, "one takes back one's own only"
    assert bob.get("/review/conflicts").text.count("Take back</a>") == 2
    undo = f"/review/history/{number}/undo"
    ann.post(undo, data=fields(ann.get(undo).text))
    assert "Nothing contradicts itself" in ann.get("/review/conflicts").text


def test_not_sure_leaves_the_queue_too(signed_in):
    visitor = signed_in("review")
    link = links(visitor.get("/review").text)[0]
    visitor.submit(link, link, verdict="unsure")
    assert link not in links(visitor.get("/review").text)


def test_filters_stay_while_one_works_through_the_queue(signed_in):
    visitor = signed_in("review")
    link = links(visitor.get("/review?q=bruno").text)[0]
    first = visitor.submit(link, f"{link}?q=bruno", verdict="same")
    assert "q=bruno" in first.headers["location"]
    second = first.headers["location"].split("?")[0]
    last = visitor.submit(second, f"{second}?q=bruno", verdict="same")
    assert last.headers["location"].startswith("/review?q=bruno")


def test_the_compare_page_shows_both_records_and_the_evidence(hub, signed_in):
    visitor = signed_in("review")
    a, b = (
        hub.scalar("SELECT party_id FROM canonical.party WHERE ref = :ref", ref=ref)
        for ref in ("crm:Contact:3", "billing:customers:3")
    )
    html = visitor.get(f"/review/{min(a, b)}/{max(a, b)}").text
    assert "david.albers@mail3.example" in html
    assert "4 Harbo<mark>u</mark>r R<mark>oa</mark>d" in html
    assert re.search(r"[+−]\d+\.\d bits", html)
    assert "strong, for the same" in html
    assert visitor.get(f"/review/{max(a, b)}/{min(a, b)}").headers["location"] == f"/review/{min(a, b)}/{max(a, b)}"
    assert visitor.get(f"/review/{a}/{a}").status_code == 404
    assert visitor.get("/review/1/999999").status_code == 404


def test_the_compare_page_draws_how_the_evidence_adds_up(hub, signed_in):
    visitor = signed_in("review")
    (link,) = links(visitor.get("/review?source=newsletter").text)
    answer = visitor.get(link)
    (svg,) = re.findall(r"<svg[^>]*pic-waterfall.*?</svg>", answer.text, re.DOTALL)
    root = ET.fromstring(svg)  # noqa: S314
    words = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"same", "different"} <= set(words), "the bands are named"
    assert any(XSS[:15] in word for word in words), "names are text in the picture too"
    together = re.search(r"<strong>Together</strong>.*?([+−][\d.]+) bits", answer.text, re.DOTALL)
    assert together[1] in words
    assert "style=" not in svg, "the page's policy would drop it"
    assert "<style" not in answer.text
    sheet = visitor.get("/static/records.css").text
    used = {name for classes in re.findall(r'class="(pic-[^"]+)"', svg) for name in classes.split()}
    assert {name for name in used if f".{name} " not in sheet} == set()


def test_records_that_became_one_customer_do_not_wait(hub, signed_in):
    visitor = signed_in("review")
    a, b = "crm:Contact:9001", "newsletter:contacts:9002"
    with hub.engine.begin() as connection:
        judgement = ledger.judge(connection, a, b, Verdict.SAME, author="rule", reason="test")
        ids = connection.exec_driver_sql("SELECT party_a, party_b FROM identity.judgement").one()
        connection.exec_driver_sql("UPDATE identity.membership SET until = now() WHERE party_id = %s", (ids.party_b,))
        connection.exec_driver_sql(
            "INSERT INTO identity.membership (party_id, golden_id) SELECT %s, golden_id FROM identity.membership WHERE party_id = %s",
            (ids.party_b, ids.party_a),
        )
        ledger.undo(connection, judgement, author="rule", reason="test")
    assert "newsletter" not in str(links(visitor.get("/review?source=newsletter").text))
    assert links(visitor.get("/review?source=newsletter").text) == []


def test_a_name_is_text_and_nothing_else(hub, signed_in):
    visitor = signed_in("admin")
    link = links(visitor.get("/review?source=newsletter").text)[0]
    pages = ["/review", link, "/customers", f"/customers/{hub.golden_id('crm:Contact:9001')}"]
    shown = {page: visitor.get(page).text for page in pages}
    visitor.submit(link, link, verdict="unsure", reason="<img src=x onerror=alert(1)>")
    shown |= {page: visitor.get(page).text for page in ("/review/history", f"{link}?")}
    for page, html in shown.items():
        assert "&lt;script&gt;" in html, page
        assert "<script>" not in html
        assert set(re.findall(r"<script[^>]*>", html)) <= {
            '<script src="/static/queue.js" defer>', '<script src="/static/keys.js" defer>',
            '<script src="/static/once.js" defer>',
        }  # fmt: skip
        assert "<img src=x" not in html
    echoed = visitor.get("/customers", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script>" not in echoed
    assert XSS not in echoed


def test_an_empty_queue_says_what_happens_next(hub, signed_in):
    visitor = signed_in("review")
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM identity.pair WHERE band = 'review'")
    html = visitor.get("/review").text
    assert "Nothing waits for you" in html
    assert "when the pipeline runs next" in html


@pytest.mark.parametrize(
    ("a", "b", "marked_a", "marked_b"),
    [("Jon", "John", "", "h"), ("ANN", "ann", "", ""), (None, "x", "", "x"), ("", "", "", "")],
)
def test_differences_are_marked_to_the_character(a, b, marked_a, marked_b):
    left, right = words.differences(a, b)
    assert "".join(s.text for s in left) == (a or "")
    assert "".join(s.text for s in right) == (b or "")
    assert "".join(s.text for s in left if not s.same) == marked_a
    assert "".join(s.text for s in right if not s.same) == marked_b
