"""What goes wrong in a lead's hands, and how they get on from there."""

import re
from html import unescape

from sqlalchemy import text

from hub.identity.resolve import resolve
from hub.progress import silent
from tests.webworld import Hub, Visitor, token

LIVE = """SELECT string_agg(verdict || ' ' || author, ', ') FROM identity.judgement
          WHERE party_a = :a AND party_b = :b AND author_kind = 'person' AND ended_at IS NULL"""
NAVIGATED = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


def waiting(visitor: Visitor) -> str:
    """The address of the first pair in the queue."""
    return re.findall(r'class="pair" href="([^"]+)"', visitor.get("/review").text)[0]


def held(hub: Hub, link: str) -> str | None:
    a, b = map(int, link.split("/")[-2:])
    return hub.scalar(LIVE, a=a, b=b)


def judge(visitor: Visitor, link: str, verdict: str) -> str:
    """Judge as the page shows it; returns the number of the judgement."""
    page = visitor.get(link).text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    fields = {"csrf": token(page), "verdict": verdict, **({"seen": seen[1]} if seen else {})}
    return re.search(r"done=(\d+)", visitor.post(link, data=fields).headers["location"])[1]


def take_back(visitor: Visitor, number: str) -> tuple[str, int]:
    """What the preview says, and the status of doing it."""
    page = visitor.get(f"/review/history/{number}/undo").text
    fields = dict(re.findall(r'name="(csrf|seen)" value="([^"]+)"', page.split("<main")[1]))
    return page, visitor.post(f"/review/history/{number}/undo", data=fields).status_code


def test_a_form_that_is_sent_twice_is_one_answer(hub: Hub, signed_in):
    """The browser shows the answer to the second click: it must not be an error."""
    ann = signed_in("review")
    link = waiting(ann)
    fields = {"csrf": token(ann.get(link).text), "verdict": "same"}
    first, second = (ann.post(link, data=fields) for _ in range(2))
    done = [re.search(r"done=\d+", answer.headers["location"])[0] for answer in (first, second)]
    assert done[0] == done[1]
    assert ann.post(link, data={**fields, "verdict": "different"}).status_code == 409, "another answer is no double"
    assert held(hub, link) == "same ann"


def test_taking_back_an_answer_gives_back_the_one_it_replaced(hub: Hub, signed_in):
    """Else a slip on a pair that a colleague had decided parts the customer, and undo does not mend it."""
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    link = waiting(ann)
    judge(ann, link, "same")
    slip = judge(bob, link, "different")
    page, status = take_back(bob, slip)
    assert "What was said before holds again" in page
    assert (status, held(hub, link)) == (303, "same bob")
    a, b = link.split("/")[-2:]
    homes = "SELECT count(DISTINCT golden_id) FROM identity.membership WHERE party_id IN (:a, :b) AND until IS NULL"
    assert hub.scalar(homes, a=int(a), b=int(b)) == 1
    assert link not in bob.get("/review").text


def test_taking_back_puts_nothing_together_that_needs_two_people(hub: Hub, signed_in, monkeypatch):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    link = waiting(ann)
    judge(ann, link, "same")
    slip = judge(bob, link, "different")
    monkeypatch.setattr(hub.settings.review.two_people_above, "records", 1)
    answer = bob.get(f"/review/history/{slip}/undo")
    assert (answer.status_code, "needs two people" in answer.text) == (409, True)
    assert held(hub, link) == "different bob"


def test_a_refusal_leads_back_and_speaks_to_people(signed_in):
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    link = waiting(ann)
    ann.get(link)
    fields = {"csrf": token(bob.get(link).text), "verdict": "same"}
    refused = bob.post(link, data=fields, headers={"referer": f"http://hub.example{link}?sort=oldest"})
    assert refused.status_code == 409
    assert f'href="{link}?sort=oldest"' in refused.text
    assert "Nothing was changed" in refused.text
    behind = {"referer": "http://hub.example/review/bulk?sort=oldest"}
    tickless = bob.post("/review/bulk", data=fields, headers=behind).text
    assert 'href="/review?sort=oldest"' in tickless, "to what was before the preview, which has no page of its own"
    elsewhere = bob.post(link, data=fields, headers={"referer": "http://hub.example//evil.example/x"}).text
    assert "evil.example" not in elsewhere
    assert "Not valid: least." in ann.get("/review?least=101").text
    forbidden = ann.get("/people").text
    assert "You may not do that" in forbidden
    assert "key" not in re.findall(r"<main.*</main>", forbidden, re.DOTALL)[0]


def test_a_link_from_another_site_signs_nobody_out(hub: Hub, visitor: Visitor):
    """Their strict cookie stays behind; a sign-in page would put another in its place."""
    answer = visitor.get("/review?q=Bo%22&sort=oldest", headers=NAVIGATED)
    assert "set-cookie" not in answer.headers
    onward = unescape(re.search(r'content="0; url=([^"]+)"', answer.text)[1])
    assert onward == "/review?q=Bo%22&sort=oldest"
    assert visitor.get(onward).headers["location"] == "/sign-in?next=/review", "from here it is as ever"
    assert 'url=/"' in visitor.get("//evil.example", headers=NAVIGATED).text
    assert visitor.sign_in(hub.account("read")).status_code == 303
    assert visitor.get("/customers", headers=NAVIGATED).status_code == 200, "with a cookie there is nothing to wait for"


def test_records_that_are_one_customer_already_are_asked_about_once(hub: Hub, signed_in):
    """Different numbers for them were taken, and did nothing."""
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO identity.pair SELECT least(a.party_id, b.party_id), greatest(a.party_id, b.party_id),
                       'person', 'review', 3, 0.5, 'name', model.version
                   FROM canonical.party a, canonical.party b, identity.match_model model
                   WHERE a.ref = 'newsletter:contacts:9002' AND b.ref IN ('crm:Contact:151', 'helpdesk:users:151')
                     AND model.kind = 'person'"""
            )
        )
        connection.execute(
            text("INSERT INTO identity.to_resolve SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING")
        )
    resolve(hub.engine, run_id="again", progress=silent)
    ids = {
        ref: hub.scalar("SELECT party_id FROM canonical.party WHERE ref = :ref", ref=ref)
        for ref in ("crm:Contact:9001", "newsletter:contacts:9002", "crm:Contact:151", "helpdesk:users:151")
    }
    sons, news, sold, helped = ids.values()
    boss = signed_in("admin")
    link = f"/review/together/{news}"
    page = boss.get(link).text
    assert page.count("<select") == 3
    assert "already</span>" in page
    assert re.search(r'<tr class="different"><th scope="row">Email', page)
    said = [f"{sons}=1", f"{news}=1", f"{min(sold, helped)}=2"]
    apart = boss.post(link, data={"csrf": token(page), "belongs": [*said, f"{max(sold, helped)}=3"]})
    assert apart.status_code == 400
    shown = boss.post(link, data={"csrf": token(page), "belongs": said}).text
    fields = {
        name: unescape(value)
        for name, value in re.findall(r'name="(csrf|seen|pairs)" value="([^"]*)"', shown.split("<main")[1])
    }
    assert boss.post(f"{link}/apply", data=fields).status_code == 303
    assert [held(hub, f"/x/{min(news, one)}/{max(news, one)}") for one in (sons, sold, helped)] == [
        "same ann", "different ann", "different ann",
    ]  # fmt: skip


def test_who_reads_a_pair_that_waits_for_others_leaves_it_to_them(hub: Hub, lead):
    sal, fay = lead("sal", "sales"), lead("fay", "finance")
    link = re.findall(r'class="pair" href="([^"]+)"', sal.get("/review?source=billing").text)[0]
    asked = sal.get(link).text
    options = re.findall(r'<option value="(\w+)"', asked.split('id="ask"')[1])
    assert "finance" in options
    assert "sales" not in options, "nobody asks themselves"
    fields = {"csrf": token(asked), "department": "support", "question": "whose is it?"}
    assert sal.post(f"{link.split('?')[0]}/ask", data=fields).status_code == 303
    assert sal.get(link).status_code == fay.get(link).status_code == 200
    assert hub.scalar("SELECT count(*) FROM identity.claim WHERE claimed_until > now()") == 0
    sal.submit(link, f"{link.split('?')[0]}/withdraw")
    page = (sal.get(link), fay.get(link))[1].text
    assert page.count(" disabled>") == 3, "who may only look is offered no answer"
