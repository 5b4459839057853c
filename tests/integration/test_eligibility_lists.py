"""A list of customers is answered as each of them alone, whatever holds them back and wherever its chunks end."""

import uuid

from hub.eligibility import ask
from hub.eligibility.question import Purpose, Question
from hub.model.kinds import Channel
from tests.integration.golden_world import day
from tests.integration.test_eligibility import KINDS, asked, hold, person, ticket, world  # noqa: F401  # the fixture

QUESTIONS = [
    Question(Channel.EMAIL, Purpose.MARKETING),
    Question(Channel.PHONE, Purpose.UPSELL, offer="Spring", product_line="Cranes"),
    Question(Channel.EMAIL, Purpose.COLLECTIONS),
    Question(Channel.POST, Purpose.SERVICE),
]


def customers(world):  # noqa: F811
    """With each kind of fact, new and old, of its own record or another's; solved, overdue, unknown, and one twice."""
    ids = []
    for number, kind in enumerate(KINDS, 1):
        other = world.party(f"desk:users:{number}", kind="person")
        ids.append(person(world, number, other))
        for party, days in ((other, -2), (f"mail:contacts:{number}", -20), (other, -85)):
            hold(world, kind, party, day(days))
    free, away = person(world, 50), person(world, 51)
    ticket(world, "desk:tickets:late", "mail:contacts:50", day(-90), day(-1))
    due = {"issued_at": day(-60), "due_at": day(-30)}
    world.invoice("bank:invoices:due", "mail:contacts:51", "9.00", **due)
    return [*ids, free, away, uuid.uuid4(), ids[3]]


def test_a_list_is_answered_as_each_alone(world, monkeypatch):  # noqa: F811
    ids = customers(world)
    for question in QUESTIONS:
        alone = [asked(world, one, question=question)[0] for one in ids]
        assert asked(world, *ids, question=question) == alone
        monkeypatch.setattr(ask, "CHUNK", 4)
        assert asked(world, *ids, question=question) == alone
        monkeypatch.undo()
    reasons = {answer.reason for answer in asked(world, *ids)}
    assert len(reasons) > 5, "the list holds something for most rules"
