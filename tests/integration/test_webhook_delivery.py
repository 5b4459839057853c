"""Deliveries of webhooks: a real feed, a real receiver that verifies, and everything that can go wrong between them."""

import datetime as dt
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Engine, text
from standardwebhooks import WebhookVerificationError

from hub.announcements import announce
from hub.errors import ConfigurationError
from hub.webhooks import delivery, state, subscriptions
from hub.webhooks.delivery import Sender, take_turn
from hub.webhooks.subscriptions import Wanted
from hub.webhooks.worker import Worker
from tests.integration.golden_world import World, golden
from tests.receiver import Received, Receiver, receiving
from tests.waiting import PATIENCE, wait_until

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
KEY = "the hub's secret key"


class Feed(World):
    """A world that publishes, and webhooks on it."""

    sender = Sender(KEY, LOOPBACK)

    def add(self, receiver: Receiver, name: str = "crm", **wanted: Any) -> str:
        with self.engine.begin() as connection:
            given = Wanted(name, wanted.pop("url", receiver.url), **{"after": 0, **wanted})
            return subscriptions.add(connection, given, KEY, LOOPBACK, actor="ann")

    def act(self, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        with self.engine.begin() as connection:
            return act(connection, "crm", *given, actor="ann", **more)

    def turn(self, name: str = "crm") -> int:
        return take_turn(self.engine, self.sender, self.hook(name).webhook_id, threading.Event())

    def hook(self, name: str = "crm") -> state.Hook:
        with self.engine.connect() as connection:
            return state.named(connection, name)

    def attempts(self, name: str = "crm") -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return list(state.deliveries(connection, self.hook(name).webhook_id, limit=1_000))[::-1]

    def waits(self) -> float:
        """Seconds from the last attempt until the next."""
        until = self.rows("SELECT extract(epoch FROM next_attempt_at - now()) AS seconds FROM ops.webhook")
        return float(until[0]["seconds"])


@pytest.fixture
def feed(db: Engine) -> Feed:
    """Three changes: customers 1, 2 and 3 are created."""
    feed = Feed(db)
    feed.customer(1, [feed.party("crm:Account:1", name="Acme")])
    feed.customer(2, [feed.party("bank:customer:1", name="Acme GmbH")])
    feed.customer(3, [feed.party("desk:user:1", name="Other")])
    feed.release()
    return feed


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


def changed(feed: Feed, name: str) -> None:
    """One more change: customer 1 is called something else."""
    feed.party("crm:Account:1", name=name)
    feed.changed(["crm:Account:1"])
    feed.release()


def test_every_change_comes_once_in_order_and_signed(feed: Feed, receiver: Receiver):
    secret = feed.add(receiver)
    assert feed.turn() == 3
    assert [one.verified(secret)["type"] for one in receiver.received] == ["onerecord.customer.created"] * 3
    assert receiver.sequences == [1, 2, 3]
    assert {one.headers["content-type"] for one in receiver.received} == {"application/cloudevents+json; charset=UTF-8"}
    assert len({one.peer for one in receiver.received}) == 1, "one connection for all"
    assert feed.turn() == 0
    changed(feed, "Acme Ltd")
    assert feed.turn() == 1
    assert receiver.sequences == [1, 2, 3, 4]
    assert [(one["sequence"], one["status"], one["problem"]) for one in feed.attempts()] == [
        (number, 204, None) for number in (1, 2, 3, 4)
    ]


def test_a_consumer_can_rebuild_the_golden_customers(feed: Feed, receiver: Receiver):
    secret = feed.add(receiver)
    changed(feed, "Acme Ltd")
    feed.merge(2, 1, ["crm:Account:1", "bank:customer:1"])
    feed.rows("DELETE FROM identity.membership WHERE golden_id = :id RETURNING 1", id=golden(3))
    feed.rows("INSERT INTO golden.to_compose VALUES (:id) RETURNING 1", id=golden(3))
    feed.release()
    feed.turn()
    copy: dict[str, Any] = {}
    for one in receiver.received:
        data = one.verified(secret)["data"]
        copy[data["golden_id"]] = data["after"]
    assert {key: value for key, value in copy.items() if value} == {
        str(row["golden_id"]): row["content"]
        for row in feed.rows("SELECT golden_id, to_jsonb(c) AS content FROM golden.customer c")
    }
    assert {one.event["type"].rsplit(".", 1)[1] for one in receiver.received} >= {
        "created",
        "changed",
        "merged",
        "erased",
    }


def test_what_fails_is_tried_again_under_the_same_id_and_nothing_overtakes_it(feed: Feed, receiver: Receiver):
    secret = feed.add(receiver)
    receiver.answers.extend([204, 500])
    assert feed.turn() == 1
    assert feed.turn() == 0, "it has to wait"
    assert 3.5 < feed.waits() < 6.1
    assert (feed.hook().state, feed.hook().failures) == ("retrying", 1)
    feed.act(subscriptions.enable)
    assert feed.turn() == 2
    assert [one.id for one in receiver.received] == ["change-1", "change-2", "change-2", "change-3"]
    assert receiver.received[1].body == receiver.received[2].body
    assert receiver.received[2].verified(secret)
    assert [(one["sequence"], one["attempt"], one["problem"]) for one in feed.attempts()][1] == (2, 1, "status 500")
    assert (feed.hook().state, feed.hook().failures) == ("live", 0)


def test_attempts_are_counted_until_the_last_and_then_it_is_disabled(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    receiver.answers.extend([500] * 20)
    for number in range(1, 11):
        feed.turn()
        assert feed.hook().failures == number
        feed.rows("UPDATE ops.webhook SET next_attempt_at = now() RETURNING 1")
    assert feed.hook().state == "disabled"
    assert "10 attempts at one change failed; the last: status 500" in str(feed.hook().disabled_why)
    feed.turn()
    assert len(receiver.received) == 10
    assert [one["attempt"] for one in feed.attempts()] == list(range(1, 11))
    receiver.answers.clear()
    feed.act(subscriptions.enable)
    assert feed.turn() == 3


@pytest.mark.parametrize(
    ("status", "header", "seconds"), [(429, "3600", 3600), (503, "120", 120), (503, "nonsense", 5)]
)
def test_a_receiver_can_ask_for_patience(feed: Feed, receiver: Receiver, status: int, header: str, seconds: int):
    feed.add(receiver)
    receiver.answers.append((status, {"Retry-After": header}))
    feed.turn()
    assert seconds * 0.79 < feed.waits() < seconds * 1.21


def test_410_disables_at_once_and_says_so(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    receiver.answers.append(410)
    assert feed.turn() == 0
    assert (feed.hook().state, feed.hook().position) == ("disabled", 0)
    assert "410" in str(feed.hook().disabled_why)
    assert feed.turn() == 0
    assert len(receiver.received) == 1


def test_a_redirect_is_a_failure_and_is_not_followed(feed: Feed, receiver: Receiver):
    with receiving() as elsewhere:
        feed.add(receiver)
        receiver.answers.append((307, {"Location": elsewhere.url}))
        assert feed.turn() == 0
        assert elsewhere.received == []
    assert feed.attempts()[0]["problem"] == "status 307"


def test_replay_delivers_again_under_the_same_ids(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    feed.turn()
    assert feed.act(subscriptions.replay, 2, reason="lost a disk") == 2
    feed.turn()
    assert [one.id for one in receiver.received] == ["change-1", "change-2", "change-3", "change-2", "change-3"]


def test_replay_can_leave_out_what_cannot_be_taken(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    receiver.answers.extend([204, 422])
    feed.turn()
    feed.act(subscriptions.replay, 3)
    feed.turn()
    assert receiver.sequences == [1, 2, 3]
    assert feed.hook().state == "live"


def test_a_replay_that_is_asked_for_during_a_delivery_wins(feed: Feed, receiver: Receiver):
    feed.add(receiver)

    def rewind(received: Received) -> None:
        if received.id == "change-3" and receiver.sequences.count(3) == 1:
            feed.act(subscriptions.replay, 1)

    receiver.hold = rewind
    feed.turn()
    feed.turn()
    assert receiver.sequences == [1, 2, 3, 1, 2, 3]


def test_filters_choose_operations_and_departments(feed: Feed, receiver: Receiver):
    feed.add(receiver, "sales", department="sales")
    feed.add(receiver, "moves", operations=("merged", "erased"))
    feed.merge(2, 1, ["crm:Account:1", "bank:customer:1"])
    feed.release()
    feed.turn("sales")
    known = [one.event["data"]["golden_id"] for one in receiver.received]
    assert set(known) == {str(golden(1))}, "the customer that sales knows"
    receiver.received.clear()
    feed.turn("moves")
    assert [one.event["type"] for one in receiver.received] == ["onerecord.customer.merged"]
    assert feed.hook("sales").position == feed.hook("moves").position == 5, "what is left out is behind them"


def test_a_feed_longer_than_one_reading_is_delivered_whole(feed: Feed, receiver: Receiver, monkeypatch):
    monkeypatch.setattr(delivery, "WINDOW", 2)
    feed.add(receiver)
    feed.add(receiver, "none", operations=("split",))
    for number in range(4):
        changed(feed, f"Acme {number}")
    assert feed.turn() == 7
    assert receiver.sequences == [1, 2, 3, 4, 5, 6, 7]
    assert feed.turn("none") == 0
    assert feed.hook("none").position == 7


def test_both_secrets_sign_after_a_rotation_until_the_old_one_is_over(feed: Feed, receiver: Receiver):
    old = feed.add(receiver)
    new = feed.act(subscriptions.rotate, KEY, dt.timedelta(hours=24))
    feed.turn()
    assert old != new
    assert receiver.received[0].verified(old) == receiver.received[0].verified(new)
    feed.rows("UPDATE ops.webhook SET previous_key_until = now() RETURNING 1")
    feed.act(subscriptions.replay, 3)
    feed.turn()
    assert receiver.received[-1].verified(new)
    with pytest.raises(WebhookVerificationError):
        receiver.received[-1].verified(old)


def test_with_another_key_of_the_hub_nothing_is_sent_that_cannot_be_verified(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    feed.sender = Sender("another key", LOOPBACK)
    assert feed.turn() == 0
    assert receiver.received == []
    assert "secret_key" in str(feed.hook().disabled_why)
    with feed.engine.begin() as connection:
        secret = subscriptions.rotate(connection, "crm", "another key", dt.timedelta(), actor="ann")
    feed.act(subscriptions.enable)
    assert feed.turn() == 3
    assert receiver.received[0].verified(secret)


def test_the_secret_is_nowhere_in_the_database(feed: Feed, receiver: Receiver):
    secret = feed.add(receiver).removeprefix("whsec_")
    (row,) = feed.rows("SELECT to_jsonb(w)::text AS row FROM ops.webhook w")
    (audit,) = feed.rows("SELECT jsonb_agg(to_jsonb(a))::text AS rows FROM ops.audit a")
    assert secret not in row["row"] + audit["rows"]


def test_a_disabled_webhook_gets_nothing_and_misses_nothing(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    feed.act(subscriptions.disable, reason="moving house")
    assert feed.turn() == 0
    assert feed.hook().disabled_why == "by ann: moving house"
    feed.act(subscriptions.enable)
    assert feed.turn() == 3


def test_disabling_takes_effect_in_the_middle_of_a_turn(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    receiver.hold = lambda received: feed.act(subscriptions.disable) if received.id == "change-2" else None
    assert feed.turn() == 2
    assert receiver.sequences == [1, 2]


def test_removing_in_the_middle_of_a_turn_ends_it(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    receiver.hold = lambda received: feed.act(subscriptions.remove) if received.id == "change-2" else None
    hook = feed.hook()
    take_turn(feed.engine, feed.sender, hook.webhook_id, threading.Event())
    assert receiver.sequences == [1, 2]
    assert feed.rows("SELECT * FROM ops.webhook_attempt") == []


def test_a_new_webhook_begins_with_what_is_published_next(feed: Feed, receiver: Receiver):
    feed.add(receiver, after=None)
    assert feed.turn() == 0
    changed(feed, "Acme Ltd")
    assert feed.turn() == 1
    assert receiver.sequences == [4]


def test_old_attempts_are_forgotten_but_not_recent_failures(feed: Feed, receiver: Receiver, monkeypatch):
    monkeypatch.setattr(delivery, "KEPT_ATTEMPTS", 2)
    feed.add(receiver)
    receiver.answers.append(500)
    feed.turn()
    feed.act(subscriptions.enable)
    feed.turn()
    assert [(one["sequence"], one["attempt"]) for one in feed.attempts()] == [(1, 1), (2, 1), (3, 1)]
    feed.rows("UPDATE ops.webhook_attempt SET attempted_at = now() - interval '31 days' RETURNING 1")
    changed(feed, "Acme Ltd")
    feed.turn()
    assert [one["sequence"] for one in feed.attempts()] == [3, 4]


def test_two_workers_deliver_every_change_once(feed: Feed, receiver: Receiver):
    feed.add(receiver)
    both_look = threading.Barrier(2)

    def turn() -> None:
        both_look.wait()
        feed.turn()

    receiver.hold = lambda _received: time.sleep(0.05)
    threads = [threading.Thread(target=turn) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receiver.sequences == [1, 2, 3]


def test_a_receiver_that_hangs_does_not_hold_up_the_others(feed: Feed):
    release = threading.Event()
    with ExitStack() as stack:
        slow, quick = stack.enter_context(receiving()), stack.enter_context(receiving())
        slow.hold = lambda _received: bool(release.wait(PATIENCE))  # type: ignore[assignment,return-value]
        feed.add(slow, "slow")
        feed.add(quick, "quick")
        worker = Worker(feed.engine, feed.sender)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            quick.wait_for(3)
            changed(feed, "Acme Ltd")
            quick.wait_for(4)
            assert slow.sequences == [1]
        finally:
            release.set()
            worker.stop()
            thread.join()
    assert quick.sequences == [1, 2, 3, 4]


def test_a_worker_shows_that_it_is_there_and_delivers_once_where_asked(feed: Feed, receiver: Receiver):
    feed.add(receiver)

    def running() -> bool:
        with feed.engine.connect() as connection:
            return state.worker_is_running(connection)

    seen: list[bool] = []
    receiver.hold = lambda _received: seen.append(running())
    assert not running()
    Worker(feed.engine, feed.sender).run_once()
    assert seen == [True] * 3
    wait_until(lambda: not running(), "its session, which has ended, is cleared away by the server")


def test_every_act_of_a_person_is_in_the_audit_log(feed: Feed, receiver: Receiver):
    feed.add(receiver, url=receiver.url + "?code=token")
    feed.act(subscriptions.disable, reason="moving house")
    feed.act(subscriptions.enable)
    feed.act(subscriptions.replay, 2)
    feed.act(subscriptions.rotate, KEY, dt.timedelta(hours=1))
    feed.act(subscriptions.remove, reason="not needed")
    rows = feed.rows("SELECT * FROM ops.audit WHERE subject = 'crm' ORDER BY audit_id")
    assert [row["act"].removesuffix(" webhook") for row in rows] == [
        "add",
        "disable",
        "enable",
        "replay",
        "rotate",
        "remove",
    ]
    assert {row["actor"] for row in rows} == {"ann"}
    assert "token" not in str(rows)
    with feed.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ops.webhook")).scalar_one() == 0


def test_what_becomes_of_publications_is_told_to_those_who_ask(feed: Feed, receiver: Receiver):
    secret = feed.add(receiver, "ops", feed="publications", operations=("held",))
    with feed.engine.begin() as connection:
        announce(connection, "held", "run-9", {"checks": ["golden.name_present"]})
    assert feed.turn("ops") == 1, "what was published before is left out"
    event = receiver.received[-1].verified(secret)
    assert (event["type"], event["subject"]) == ("onerecord.publication.held", "run-9")
    assert event["data"] == {"checks": ["golden.name_present"]}
    assert feed.turn("ops") == 0
    changed(feed, "Acme 2")
    assert feed.turn("ops") == 0
    with pytest.raises(ConfigurationError, match="no operation of the feed publications"):
        feed.add(receiver, "wrong", feed="publications", operations=("merged",))


def test_a_receiver_of_publications_that_fails_is_tried_again(feed: Feed, receiver: Receiver):
    secret = feed.add(receiver, "ops", feed="publications")
    receiver.answers.append(500)
    assert feed.turn("ops") == 0
    with feed.engine.begin() as connection:
        subscriptions.enable(connection, "ops", actor="ann")
    assert feed.turn("ops") == 1
    first, second = receiver.received[-2:]
    assert first.id == second.id == "publication-1"
    assert second.verified(secret)["data"]["created"] == 3
