"""The pipeline derives everything anew, again and again, while leads clear the queue over HTTP: neither stops the other."""

import re
from concurrent.futures import Future, ThreadPoolExecutor

from hub import rebuild
from hub.identity.matching import match_parties
from hub.model.kinds import PartyKind
from hub.progress import silent
from tests.support import customers
from tests.webworld import Hub, Visitor, run

LEADS = ("ann", "bob", "cleo")


def test_neither_stops_the_other_and_no_word_is_lost(hub, signed_in):
    before = hub.scalar("SELECT count(*) FROM golden.publication")
    visitors = [signed_in("review", name=name) for name in LEADS]
    with ThreadPoolExecutor(len(LEADS)) as pool:
        working = [pool.submit(clear, visitor, number) for number, visitor in enumerate(visitors)]
        rounds = derive_until(hub, working)
        said = {link: verdict for work in working for link, verdict in work.result()}
    derive(hub, rounds + 1)
    assert rounds > 1, "the pipeline ran while they worked"
    assert len(said) > 20
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE author_kind = 'person'") == len(said)
    assert hub.scalar("SELECT count(*) FROM golden.publication") > before
    together = customers(hub.engine)
    for link, verdict in said.items():
        again = hub.scalar(
            "SELECT 1 FROM identity.waiting_pair WHERE (party_a, party_b) = (:a, :b)", a=link[0], b=link[1]
        )
        assert again is None, "what was judged waits no more, however often it is derived anew"
        a, b = (hub.scalar("SELECT ref FROM canonical.party WHERE party_id = :id", id=id_) for id_ in link)
        assert (together[a] == together[b]) == (verdict == "same"), (a, b, verdict)


def clear(visitor: Visitor, number: int) -> list[tuple[tuple[int, int], str]]:
    """Judge whatever waits and nobody else has, until nothing waits; the pairs that the hub took the answer for."""
    said = []
    while found := re.findall(r'class="pair" href="/review/(\d+)/(\d+)"', visitor.get("/review").text):
        a, b = map(int, found[number % len(found)])
        verdict = "same" if (a + b) % 2 else "different"
        answer = visitor.submit(f"/review/{a}/{b}", f"/review/{a}/{b}", verdict=verdict)
        assert answer.status_code in {303, 409}, answer.text
        if answer.status_code == 303:
            said.append(((a, b), verdict))
    return said


def derive_until(hub: Hub, working: list[Future[list[tuple[tuple[int, int], str]]]]) -> int:
    """Run the pipeline until everybody is done; how often."""
    rounds = 0
    while not all(work.done() for work in working):
        rounds += 1
        derive(hub, rounds)
    return rounds


def derive(hub: Hub, number: int) -> None:
    with hub.engine.begin() as connection:
        rebuild.queue_everything(connection, actor="engineer", reason="while leads work")
    for kind in PartyKind:
        match_parties(hub.engine, kind, hub.settings.match, progress=silent)
    run(hub.engine, hub.settings, f"meanwhile-{number}")
