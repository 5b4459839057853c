"""Kill -9 in the middle of a delivery: the next worker goes on with the change that nobody wrote down as delivered."""

import ipaddress
import os
import signal
import threading
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from hub.webhooks import subscriptions
from hub.webhooks.subscriptions import Wanted
from tests.hubrun import onerecord, start_command
from tests.integration.golden_world import World
from tests.receiver import Received, receiving
from tests.waiting import PATIENCE

KEY = "the hub's secret key"


def test_a_killed_worker_misses_nothing_and_repeats_at_most_one_under_its_id(
    db: Engine, database_url: URL, tmp_path: Path
):
    feed = World(db)
    for number in range(1, 6):
        feed.customer(number, [feed.party(f"crm:Account:{number}")])
    feed.release()
    variables = {
        "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "ONERECORD_DATA_DIR": str(tmp_path / "data"),
        "ONERECORD_SECRET_KEY": KEY,
        "ONERECORD_WEBHOOK__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    }
    with receiving() as receiver:
        loopback = [ipaddress.ip_network("127.0.0.0/8")]
        with db.begin() as connection:
            wanted = Wanted("crm", receiver.url, after=0)
            secret = subscriptions.add(connection, wanted, KEY, loopback, actor="ann")
        worker = start_command(variables, "webhook", "deliver", cwd=tmp_path)
        killed = threading.Event()

        def kill(received: Received) -> None:
            """The receiver has taken it, and the worker dies before it hears so."""
            if received.id == "change-3" and not killed.is_set():
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()
                killed.set()

        receiver.hold = kill
        assert killed.wait(PATIENCE), worker.communicate(timeout=5)
        assert feed.rows("SELECT position FROM ops.webhook") == [{"position": 2}]
        answer = onerecord("webhook", "deliver", "--once", **variables)
        assert answer.code == 0, answer.told
        assert [one.id for one in receiver.received] == [f"change-{n}" for n in (1, 2, 3, 3, 4, 5)]
        assert receiver.received[2].body == receiver.received[3].body
        assert all(one.verified(secret) for one in receiver.received)
    worker.communicate()
