"""Values by hand on the customer page: chosen or typed, previewed, saved, shown until published, and ended again."""

import re
import threading
from html import unescape
from types import SimpleNamespace

from sqlalchemy import text

from hub.access import Principal
from hub.review.pages.values import may_overrule
from tests.webworld import NOW, XSS, run, token

HERO = "crm:Contact:1"
PHONE = "+49 421 7654321"


def address(hub, group: str, ref: str = HERO) -> str:
    return f"/customers/{hub.golden_id(ref)}/values/{group}"


def previewed(visitor, path: str, **fields: str):
    return visitor.submit(path, f"{path}/preview", **fields)


def hidden(html: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)}


def saved(visitor, path: str, **fields: str):
    """Preview, and save what the preview shows."""
    answer = previewed(visitor, path, **fields)
    assert answer.status_code == 200, answer.text
    return visitor.post(path, data=hidden(answer.text))


def cells(html: str) -> dict[str, list[str]]:
    """Header of a row -> its cells, without markup."""
    rows = re.findall(r'<tr[^>]*><th scope="row">(.*?)</th>(.*?)</tr>', html, re.DOTALL)
    bare = {re.sub(r"<span class=.sr.>.*?</span>|<[^>]+>", "", head).strip(): body for head, body in rows}
    return {
        head: [" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in re.findall(r"<td>(.*?)</td>", body, re.DOTALL)]
        for head, body in bare.items()
    }  # fmt: skip


def test_a_typed_value_is_previewed_saved_waits_is_published_and_ends(hub, signed_in):
    visitor, path = signed_in("read", "review"), address(hub, "phone")
    page = path.split("/values")[0]
    assert "Not known" in visitor.get(path).text
    answer = previewed(visitor, path, choice="typed", value_phone=PHONE, reason="phoned her")
    assert cells(answer.text)["Phone"] == ["—", PHONE]
    assert hub.scalar("SELECT count(*) FROM golden.manual_value") == 0, "a preview changes nothing"
    assert hub.scalar("SELECT count(*) FROM golden.to_compose") == 0
    assert hub.scalar("SELECT count(*) FROM ops.audit WHERE act = 'say value'") == 0
    assert visitor.post(path, data=hidden(answer.text)).headers["location"] == f"{page}#golden"
    assert hub.scalar("SELECT reason FROM ops.audit WHERE act = 'say value' AND actor = 'ann'") == "phoned her"
    assert "A value by hand waits for the next publication" in visitor.get(page).text
    run(hub.engine, hub.settings, "run-3")
    html = visitor.get(page).text
    assert PHONE in html
    assert "waits for the next publication" not in html
    assert "phoned her" in html
    assert saved(visitor, path, choice="sources", reason="wrong number").status_code == 303
    assert "It is shown until the next publication" in visitor.get(page).text
    run(hub.engine, hub.settings, "run-4")
    assert "Phone" not in cells(visitor.get(page).text)
    assert hub.scalar("SELECT ended_by FROM golden.manual_value") == "ann"


def test_what_another_record_says_can_be_chosen_and_moves_as_a_whole(hub, signed_in):
    visitor, path = signed_in("read", "review"), address(hub, "address")
    html = visitor.get(path).text
    helpdesk = next(ref for ref in re.findall(r'name="choice" value="([^"]+)"', html) if ref.startswith("helpdesk"))
    answer = previewed(visitor, path, choice=helpdesk, reason="moved")
    assert cells(answer.text)["Street"] == ["2 Harbour Road", "—"], "the street goes with its address"
    assert cells(answer.text)["City"] == ["Graz", "the same"]
    visitor.post(path, data=hidden(answer.text))
    run(hub.engine, hub.settings, "run-3")
    golden = visitor.get(path.split("/values")[0]).text
    assert "The sources say: <strong>2 Harbour Road</strong>" in golden
    assert hub.scalar("SELECT ref FROM golden.manual_value") == "helpdesk:users:1", "it stays with who says so"


def test_a_second_value_takes_the_place_of_the_first(hub, signed_in):
    visitor, path = signed_in("read", "review"), address(hub, "phone")
    saved(visitor, path, choice="typed", value_phone=PHONE, reason="first")
    saved(visitor, path, choice="typed", value_phone="+49 421 1111222", reason="second", until="2099-01-31")
    assert hub.scalar("SELECT count(*) FROM golden.manual_value WHERE ended_at IS NULL") == 1
    html = visitor.get(path).text
    assert "until 31 Jan 2099" in html
    assert "first" in html, "what people said before stays to be read"


def test_saving_is_refused_where_it_would_do_something_else_than_the_preview_showed(hub, signed_in):
    ann, bob, path = signed_in("read", "review"), signed_in("review", name="bob"), address(hub, "phone")
    shown = hidden(previewed(ann, path, choice="typed", value_phone=PHONE, reason="phoned").text)
    saved(bob, path, choice="typed", value_phone="+49 421 1111222", reason="phoned as well")
    assert ann.post(path, data=shown).status_code == 409
    assert ann.post(path, data=shown | {"seen": ""}).status_code == 409, "without a preview nothing is saved"
    assert hub.scalar("SELECT author FROM golden.manual_value WHERE ended_at IS NULL") == "bob"


def test_of_two_who_save_at_once_one_is_told(hub, signed_in):
    path, answers = address(hub, "phone"), []
    people = [signed_in("review", name=name) for name in ("ann", "bob")]
    shown = [hidden(previewed(p, path, choice="typed", value_phone=PHONE, reason="phoned").text) for p in people]
    threads = [
        threading.Thread(target=lambda p=p, data=data: answers.append(p.post(path, data=data).status_code))
        for p, data in zip(people, shown, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
    assert hub.scalar("SELECT count(*) FROM golden.manual_value") == 1


REFUSED = [
    ("phone", {"value_phone": "call me"}, "Phone: this is no telephone number"),
    ("phone", {"value_phone": "12"}, "Phone: this is no telephone number"),
    ("phone", {"value_phone": "0000000"}, "Phone: this is a placeholder"),
    ("email", {"value_email": "anna at example"}, "Email: this is no e-mail address"),
    ("website", {"value_website": "javascript:alert(1)"}, "Website: this is no address"),
    ("birth_date", {"value_birth_date": "yesterday"}, "Date of birth: this is no date"),
    ("birth_date", {"value_birth_date": "2099-01-01"}, "Date of birth: nobody was born"),
    ("name", {"value_name": ""}, "a customer cannot be without it"),
    ("name", {"value_name": "Anna\r\nLee"}, "write it on one line"),
    ("phone", {"value_phone": PHONE, "reason": " "}, "say why"),
    ("phone", {"value_phone": PHONE, "until": "2020-01-01"}, "must be later than today"),
    ("phone", {"value_phone": PHONE, "until": "soon"}, "is no date"),
    ("phone", {"choice": ""}, "choose a value"),
]  # fmt: skip


def test_what_is_none_of_its_kind_is_refused_in_words_beside_what_was_typed(hub, signed_in):
    visitor = signed_in("review")
    for group, fields, problem in REFUSED:
        answer = previewed(visitor, address(hub, group), **{"choice": "typed", "reason": "because", **fields})
        assert answer.status_code == 422, fields
        assert problem in re.search(r'role="alert">(.*?)</p>', answer.text)[1], fields
    assert hub.scalar("SELECT count(*) FROM golden.manual_value") == 0


def test_bytes_that_no_text_holds_and_oversized_input_are_refused(hub, signed_in):
    visitor, path = signed_in("review"), address(hub, "phone")
    for fields, status in (
        ({"value_phone": "+49\x00421"}, 400),
        ({"reason": "a\x00b"}, 400),
        ({"choice": "crm:\x00"}, 400),
        ({"value_phone": "+49\x07421"}, 422),
        ({"reason": "x" * 2_001}, 422),
    ):
        answer = previewed(visitor, path, **{"choice": "typed", "value_phone": PHONE, "reason": "r", **fields})
        assert answer.status_code == status, fields
    assert previewed(visitor, path, choice="typed", reason="r", value_phone="9" * 70_000).status_code == 413
    assert visitor.get(f"{path}%00").status_code == 400
    assert visitor.get(path.replace("phone", "x" * 50)).status_code == 422
    assert visitor.get(path.replace("phone", "shoe_size")).status_code == 404
    assert visitor.get(path.replace("phone", "parent")).status_code == 404


def test_only_reviewers_with_a_token_of_their_own_page_change_values(hub, signed_in, visitor):
    reader, lead, path = signed_in("read", name="reader"), signed_in("review"), address(hub, "phone")
    assert reader.get(path).status_code == 403
    assert f'href="{path}"' not in reader.get(path.split("/values")[0]).text
    fields = {"choice": "typed", "value_phone": PHONE, "reason": "phoned"}
    own = token(reader.get("/customers").text)
    assert reader.post(path, data={"csrf": own, **fields}).status_code == 403
    assert reader.post(f"{path}/preview", data={"csrf": own, **fields}).status_code == 403
    assert lead.post(path, data=fields).status_code == 403
    assert lead.post(f"{path}/preview", data={"csrf": own, **fields}).status_code == 403
    assert visitor.post(path, data=fields).headers["location"].startswith("/sign-in")
    assert hub.scalar("SELECT count(*) FROM golden.manual_value") == 0


def test_a_lead_changes_values_of_customers_that_the_department_knows():
    members = [SimpleNamespace(department="sales"), SimpleNamespace(department="support")]
    review, admin = frozenset({"review"}), frozenset({"admin"})
    assert may_overrule(Principal("ann", review, frozenset({"support"})), members)
    assert may_overrule(Principal("boss", admin, frozenset({"finance"})), members)
    assert may_overrule(Principal("all", review), members)
    assert not may_overrule(Principal("fin", review, frozenset({"finance"})), members)
    assert not may_overrule(Principal("reader", frozenset({"read"}), frozenset({"sales"})), members)


def test_a_record_of_another_customer_cannot_be_slipped_in(hub, signed_in):
    visitor, path = signed_in("review"), address(hub, "email")
    answer = previewed(visitor, path, choice="crm:Contact:2", reason="r")
    assert answer.status_code == 409
    assert "clara" not in answer.text.casefold()


def test_markup_in_values_reasons_and_names_is_text(hub, signed_in):
    visitor = signed_in("read", "review")
    path = address(hub, "name", "crm:Contact:9001")
    answer = previewed(visitor, path, choice="typed", value_name=XSS + "\"'><b>", reason="<img src=x onerror=alert(1)>")
    for html in (answer.text, visitor.get(path).text):
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    visitor.post(path, data=hidden(answer.text))
    run(hub.engine, hub.settings, "run-3")
    html = visitor.get(path.split("/values")[0]).text
    assert "<b>" not in html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_merged_customer_is_changed_under_its_survivor(hub, signed_in):
    from tests.integration.test_web_records import merge

    visitor, old = signed_in("review"), merge(hub, HERO)
    path = address(hub, "phone")
    former = f"/customers/{old}/values/phone"
    assert visitor.get(former).headers["location"] == path
    answer = visitor.submit(path, f"{former}/preview", choice="typed", value_phone=PHONE, reason="r")
    assert answer.status_code == 409


def test_records_that_moved_since_the_publication_are_waited_for(hub, signed_in):
    visitor, path = signed_in("review"), address(hub, "phone")
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """UPDATE identity.membership m SET golden_id = (SELECT m2.golden_id FROM identity.membership m2
                       JOIN canonical.party p2 USING (party_id) WHERE p2.ref = 'crm:Contact:2')
                   FROM canonical.party p WHERE p.party_id = m.party_id AND p.ref = :ref"""
            ),
            {"ref": HERO},
        )
    answer = previewed(visitor, path, choice=HERO, reason="r")
    assert answer.status_code == 409
    assert "wait for the next publication" in answer.text


def test_a_value_that_is_over_is_told_until_it_is_published(hub, signed_in):
    visitor, path = signed_in("read", "review"), address(hub, "phone")
    saved(visitor, path, choice="typed", value_phone=PHONE, reason="phoned", until="2099-01-31")
    run(hub.engine, hub.settings, "run-3")
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE golden.manual_value SET until = :then"), {"then": NOW})
    assert "It is shown until the next publication" in visitor.get(path.split("/values")[0]).text
