"""Merging, splitting, undoing and confirming in the browser's words: over real HTTP, by people of all rights."""

import re

from hub.identity import ledger
from hub.model.kinds import Verdict
from hub.sections.review import ReviewSettings, TwoPeopleSettings
from tests.webworld import Hub, Visitor, run, token

HERO, BILLED = "crm:Contact:1", "billing:customers:1"
WORDS = {"reason": "one desk"}


def pair(hub: Hub, a: str, b: str) -> str:
    ids = [hub.scalar("SELECT party_id FROM canonical.party WHERE ref = :ref", ref=ref) for ref in (a, b)]
    return f"/review/{min(ids)}/{max(ids)}"


def home(hub: Hub, ref: str) -> str:
    query = """SELECT m.golden_id FROM identity.membership m JOIN canonical.party USING (party_id)
               WHERE ref = :ref AND until IS NULL"""
    return str(hub.scalar(query, ref=ref))


def fields(html: str) -> dict[str, list[str]]:
    """The hidden fields of the page, as a form would send them."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html):
        found.setdefault(name, []).append(value.replace("&#34;", '"').replace("&amp;", "&"))
    return found


def previewed(visitor: Visitor, *refs: str) -> str:
    begin = visitor.get("/review/merge").text
    answer = visitor.post("/review/merge/preview", data={"csrf": token(begin), "pick": list(refs)})
    assert answer.status_code == 200, answer.text
    return answer.text


def merge(visitor: Visitor, *refs: str, **more: str) -> str:
    """Merge as the page would; returns where it leads."""
    answer = visitor.post("/review/merge", data={**fields(previewed(visitor, *refs)), **WORDS, **more})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_customers_are_found_by_all_that_one_may_know_of_them(hub, signed_in):
    visitor = signed_in("review")
    page = visitor.get("/review/merge").text
    asked = ("Bruno Albers", "bruno.albers@mail1.example", "+49151 00000001", HERO, hub.golden_id(HERO))
    for typed in asked:
        found = visitor.post("/review/merge/find", data={"csrf": token(page), "q": typed}).text
        assert HERO in found, typed
    nobody = visitor.post("/review/merge/find", data={"csrf": token(page), "q": "100%"})
    assert "Nobody else is found" in nobody.text
    kept = visitor.post("/review/merge/find", data={"csrf": token(page), "q": "Clara", "pick": HERO}).text
    assert re.search(rf'value="{HERO}" checked', kept), "what was chosen stays while one searches on"


def test_a_merge_is_seen_done_undone_and_done_again(hub, signed_in):
    visitor = signed_in("review", "read")
    before = home(hub, HERO), home(hub, BILLED)
    html = previewed(visitor, HERO, BILLED)
    assert "2 customers come together" in html
    assert "3 opportunities" in html
    assert home(hub, BILLED) == before[1], "a preview changes nothing"
    location = merge(visitor, HERO, BILLED)
    done = visitor.get(location).text
    assert "Merged." in done
    assert home(hub, HERO) == home(hub, BILLED)
    assert "one desk" in done
    for act, together in (("Undo", False), ("Undo", True)):
        undo = re.search(rf'toast.*?href="(/review/acts/\d+/undo)">{act}', done, re.DOTALL)[1]
        seen = visitor.get(undo).text
        assert "Nothing is changed yet" in seen
        answer = visitor.post(undo, data=fields(seen))
        done = visitor.get(answer.headers["location"]).text
        assert "Taken back." in done
        assert (home(hub, HERO) == home(hub, BILLED)) is together
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'undo' AND actor = 'ann'") == 2
    assert hub.scalar("SELECT count(*) FROM identity.act") == 3


def test_a_value_is_chosen_with_a_merge(hub, signed_in):
    visitor = signed_in("review", "read")
    html = previewed(visitor, HERO, BILLED)
    street = re.search(r'name="choose:address" value="([a-z]+:[^"]+)"[^>]*>\s*<span>([^<]+)', html)
    merge(visitor, HERO, BILLED, **{"choose:address": street[1]})
    run(hub.engine, hub.settings, "run-3")
    row = visitor.get(f"/customers/{hub.golden_id(HERO)}").text
    assert street[2].split(",")[0] in row
    assert hub.scalar("SELECT reason FROM golden.manual_value") == "one desk"
    bad = visitor.post(
        "/review/merge", data={**fields(previewed(visitor, HERO, "crm:Contact:7")), **WORDS, "choose:phone": "x:y:z"}
    )
    assert bad.status_code == 400


def test_a_stale_preview_is_refused_with_what_changed_and_shows_the_new_one(hub, signed_in):
    visitor, other = signed_in("review"), signed_in("review", name="bob")
    stale = fields(previewed(visitor, HERO, BILLED))
    merge(other, BILLED, "crm:Contact:7")
    refused = visitor.post("/review/merge", data={**stale, **WORDS})
    assert refused.status_code == 409
    assert "crm:Contact:7 would come along now" in refused.text
    assert home(hub, HERO) != home(hub, BILLED)
    again = visitor.post("/review/merge", data={**fields(refused.text), **WORDS})
    assert again.status_code == 303
    assert home(hub, HERO) == home(hub, "crm:Contact:7")
    for shown in ("{}", "[1]", '{"x": {"records": 1}}', "not json"):
        odd = visitor.post("/review/merge", data={**stale, **WORDS, "shown": shown})
        assert odd.status_code in {400, 409}, shown


def test_a_wrong_merge_is_split_record_by_record(hub, signed_in):
    visitor = signed_in("review", "read")
    merge(visitor, HERO, BILLED)
    split = f"/customers/{home(hub, HERO)}/split"
    html = visitor.get(split).text
    refs = re.findall(r'name="part:([^"]+)"', html)
    assert {HERO, BILLED, "helpdesk:users:1"} == set(refs)
    parts = {f"part:{ref}": "2" if ref == BILLED else "1" for ref in refs}
    seen = visitor.post(f"{split}/preview", data={"csrf": token(html), **parts})
    assert seen.status_code == 200
    assert seen.text.count("Golden id") == 2
    answer = visitor.post(split, data={**fields(seen.text), **WORDS})
    assert answer.status_code == 303, answer.text
    assert home(hub, HERO) == home(hub, "helpdesk:users:1") != home(hub, BILLED)
    one_part = visitor.post(
        f"{split}/preview", data={"csrf": token(html), f"part:{HERO}": "1", "part:helpdesk:users:1": "1"}
    )
    assert one_part.status_code == 400
    assert visitor.post(f"{split}/preview", data={"csrf": token(html), f"part:{HERO}": "99"}).status_code == 400


def test_an_act_needs_a_reason_and_two_customers(signed_in):
    visitor = signed_in("review")
    seen = fields(previewed(visitor, HERO, BILLED))
    assert "Say why" in visitor.post("/review/merge", data={**seen, "reason": "  "}).text
    page = visitor.get("/review/merge").text
    for picks in ([], [HERO], [HERO, "helpdesk:users:1"], [HERO, "crm:Account:1"]):
        assert visitor.post("/review/merge/preview", data={"csrf": token(page), "pick": picks}).status_code == 400
    unknown = visitor.post("/review/merge/preview", data={"csrf": token(page), "pick": [HERO, "crm:Contact:none"]})
    assert unknown.status_code == 404


def test_leads_decide_only_where_every_customer_has_a_record_of_theirs(hub, lead):
    both, sales, marketing = lead("bo", "sales", "finance"), lead("sal", "sales"), lead("mark", "marketing")
    page = token(sales.get("/review/merge").text)
    assert sales.post("/review/merge/preview", data={"csrf": page, "pick": [HERO, BILLED]}).status_code == 403
    seen = fields(previewed(both, HERO, BILLED))
    stolen = {**seen, "csrf": page, **WORDS}
    assert sales.post("/review/merge", data=stolen).status_code == 403
    assert home(hub, HERO) != home(hub, BILLED)
    found = sales.post("/review/merge/find", data={"csrf": page, "q": BILLED}).text
    assert "Nobody else is found" in found
    assert sales.get("/review/merge", params={"pick": BILLED}).status_code == 403
    merge(both, HERO, BILLED)
    act = hub.scalar("SELECT act_id FROM identity.act")
    split = f"/customers/{home(hub, HERO)}/split"
    for address in (split, f"/review/acts/{act}/undo"):
        assert marketing.get(address).status_code == 403
        assert sales.get(address).status_code == 200
    csrf = {"csrf": token(marketing.get("/review/merge").text)}
    parts = {f"part:{HERO}": "1", f"part:{BILLED}": "2", "part:helpdesk:users:1": "1"}
    for address in (f"{split}/preview", split, f"/review/acts/{act}/undo"):
        assert marketing.post(address, data={**csrf, **parts, **WORDS, "seen": "x"}).status_code == 403
    assert home(hub, HERO) == home(hub, BILLED)


def test_a_proposal_is_shown_and_answered_by_those_who_answer_for_its_customers(hub, lead):
    hub.settings.review = ReviewSettings(two_people_above=TwoPeopleSettings(records=2))
    both, other, sales = lead("bo", "sales", "finance"), lead("fin", "support", "finance"), lead("sal", "sales")
    proposal = merge(both, HERO, BILLED)
    csrf = {"csrf": token(sales.get("/review/merge").text), "seen": "x"}
    assert sales.get(proposal).status_code == 403
    for answer in ("confirm", "refuse", "renew"):
        assert sales.post(f"{proposal}/{answer}", data=csrf).status_code == 403, answer
    assert hub.scalar("SELECT status FROM identity.proposal") == "waiting"
    assert other.submit(proposal, f"{proposal}/confirm").status_code == 303
    assert home(hub, HERO) == home(hub, BILLED)
    assert sales.get(proposal).status_code == 200, "now the customer has a record of sales"


def test_strangers_and_foreign_forms_are_refused(hub, visitor, signed_in):
    reader, reviewer = signed_in("read"), signed_in("review", name="rev")
    posts = ("/review/merge", "/review/merge/find", "/review/merge/preview", "/review/acts/1/undo",
             "/review/proposals/1/confirm", "/review/proposals/1/refuse", "/review/proposals/1/renew",
             f"/customers/{hub.golden_id(HERO)}/split", f"/customers/{hub.golden_id(HERO)}/split/preview")  # fmt: skip
    for address in posts:
        assert visitor.post(address, data={}).headers["location"].startswith("/sign-in")
        assert reader.post(address, data={}).status_code == 403
        assert reviewer.post(address, data={"pick": HERO, "seen": "x"}).status_code == 403, "no token"
    for address in ("/review/merge", "/review/acts", "/review/proposals", f"/customers/{hub.golden_id(HERO)}/split"):
        assert reader.get(address).status_code == 403
    for address in (
        "/review/acts/999/undo",
        "/review/proposals/999",
        f"/customers/{'0' * 8}-0000-0000-0000-{'0' * 12}/split",
    ):
        assert reviewer.get(address).status_code == 404


def test_a_large_merge_waits_for_somebody_else(hub, signed_in):
    hub.settings.review = ReviewSettings(two_people_above=TwoPeopleSettings(records=2))
    ann, bob = signed_in("review", "read"), signed_in("review", "read", name="bob")
    assert "This needs two people" in previewed(ann, HERO, BILLED)
    proposal = merge(ann, HERO, BILLED)
    assert re.fullmatch(r"/review/proposals/\d+", proposal)
    assert "waits for a second person" in ann.get(proposal).text
    assert "/confirm" not in ann.get(proposal).text
    assert ann.submit(proposal, f"{proposal}/confirm").status_code == 403
    assert home(hub, HERO) != home(hub, BILLED)
    assert "waits for a second person" in ann.get(pair(hub, HERO, BILLED)).text
    merge(ann, BILLED, "crm:Contact:8")
    changed = bob.get(proposal).text
    assert "crm:Contact:8 would come along now" in changed
    assert bob.submit(proposal, f"{proposal}/confirm").status_code == 409
    again = bob.post(f"{proposal}/renew", data=fields(changed))
    assert again.status_code == 303, again.text
    assert bob.submit(again.headers["location"], f"{again.headers['location']}/confirm").status_code == 403
    assert ann.submit(again.headers["location"], f"{again.headers['location']}/confirm").status_code == 303
    assert "confirmed" in ann.get(again.headers["location"]).text
    assert home(hub, HERO) == home(hub, BILLED)
    assert "confirmed by ann" in ann.get("/review/acts").text
    assert ann.submit("/review/merge", f"{proposal}/confirm").status_code == 409


def test_a_judgement_above_the_limit_is_proposed_and_may_be_refused(hub, signed_in):
    hub.settings.review = ReviewSettings(two_people_above=TwoPeopleSettings(money={"EUR": 100}))
    ann, bob = signed_in("review"), signed_in("review", name="bob")
    link = pair(hub, HERO, BILLED)
    answer = ann.submit(link, link, verdict="same")
    proposal = answer.headers["location"]
    assert proposal.startswith("/review/proposals/")
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author = 'ann'") == 0
    assert "Albers" in re.search(r"Proposal \d+</a>([^<]*)", bob.get("/review/proposals").text)[1]
    refused = bob.submit(proposal, f"{proposal}/refuse", reason="two brothers")
    assert "two brothers" in ann.get(refused.headers["location"]).text
    assert hub.scalar("SELECT actor FROM ops.audit WHERE act = 'refuse proposal'") == "bob"
    small = pair(hub, "crm:Contact:3", "billing:customers:3")
    assert "done=" in ann.submit(small, small, verdict="same").headers["location"]


def test_the_compare_page_tells_what_a_merge_makes_and_takes_choices(hub, signed_in):
    visitor = signed_in("review", "read")
    link = pair(hub, HERO, BILLED)
    html = visitor.get(link).text
    assert "2 customers come together" in html
    assert 'name="choose:address"' in html
    assert hub.scalar("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    answer = visitor.submit(link, link, verdict="same", reason="one desk", **{"choose:address": BILLED})
    judgement = re.search(r"done=(\d+)", answer.headers["location"])[1]
    undone = visitor.get(f"/review/history/{judgement}/undo")
    assert re.fullmatch(r"/review/acts/\d+/undo", undone.headers["location"]), "values go back with their judgement"
    seen = visitor.get(undone.headers["location"]).text
    visitor.post(undone.headers["location"], data=fields(seen))
    assert hub.scalar("SELECT count(*) FROM golden.manual_value WHERE ended_at IS NULL") == 0
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE ended_at IS NULL AND author = 'ann'") == 0


def test_the_compare_page_tells_who_is_close_and_what_was_said_before(hub, signed_in, lead):
    with hub.engine.begin() as connection:
        for ref, values in (
            (HERO, "employer_ref = 'crm:Account:1', email = 'b.albers@kranbau-nord.de'"),
            ("crm:Contact:8", "employer_ref = 'crm:Account:1'"),
            ("crm:Contact:9", "email = 'Jonas@KRANBAU-nord.de'"),
            ("crm:Contact:10", "email = 'x@gmail.com'"),
            ("crm:Contact:61", "street = '2 HARBOUR road'"),
        ):
            connection.exec_driver_sql(f"UPDATE canonical.party SET {values} WHERE ref = '{ref}'")
        ledger.judge(connection, HERO, "crm:Contact:61", Verdict.DIFFERENT, author="zoe", reason="<b>cousins</b>")
    html = signed_in("review").get(pair(hub, HERO, BILLED)).text
    close = html[html.index("Who is close") :]
    assert re.search(r"Irene Albers.*?works for the same company", close)
    assert re.search(r"Jonas Albers.*?has a mailbox of the same company", close)
    assert re.search(r"Bruno Dahl.*?lives or sits at the same address", close)
    assert "Katja Albers" not in close, "a mail provider ties nobody"
    assert "by zoe" in close
    assert "&lt;b&gt;cousins" in close
    assert "Who is close" not in lead("mark", "marketing").get(pair(hub, HERO, BILLED)).text
