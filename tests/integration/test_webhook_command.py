"""`onerecord webhook` and the API beside it, as an operator uses them."""

import json
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from hub.settings import Settings
from orchestration.processes import child, free_port
from tests.hubrun import Answer, onerecord, start_command
from tests.integration.golden_world import World
from tests.receiver import Receiver, receiving
from tests.waiting import PATIENCE, wait_until
from tests.webworld import Visitor, serving

ROOT = Path(__file__).parents[2]


@dataclass
class Operator:
    """The command line on a hub with two published customers, which may deliver to the loopback."""

    variables: dict[str, str]
    world: World

    def __call__(self, *arguments: str, **more: str) -> Answer:
        return onerecord("webhook", *arguments, **{**self.variables, **more})

    def added(self, receiver: Receiver, *options: str) -> str:
        answer = self("add", "crm", receiver.url, *options)
        assert answer.code == 0, answer.told
        return answer.out.strip()


@pytest.fixture
def operator(db: Engine, database_url: URL, tmp_path: Path) -> Operator:
    world = World(db)
    for number in (1, 2):
        world.customer(number, [world.party(f"crm:Account:{number}")])
    world.release()
    variables = {
        "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "ONERECORD_DATA_DIR": str(tmp_path / "data"),
        "ONERECORD_WEBHOOK__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    }
    return Operator(variables, world)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


def test_add_prints_the_secret_alone_on_stdout_and_test_sends_a_ping(operator: Operator, receiver: Receiver):
    secret = operator.added(receiver)
    assert secret.startswith("whsec_")
    answer = operator("test", "crm")
    assert (answer.code, "status 204" in answer.told) == (0, True)
    assert receiver.received[0].verified(secret)["type"] == "onerecord.ping"
    receiver.answers.append(404)
    answer = operator("test", "crm")
    assert (answer.code, "status 404" in answer.told) == (1, True)
    assert json.loads(operator("list", "--json").out)["webhooks"][0]["state"] == "live", "a ping is no delivery"
    assert secret not in operator("list", "--json").out + operator("deliveries", "crm", "--json").out


def test_list_and_deliveries_tell_what_happened_and_what_to_do(operator: Operator, receiver: Receiver):
    assert "webhook add" in operator("list").told
    operator.added(receiver, "--from", "1")
    told = operator("list").told
    assert "nobody delivers" in told
    receiver.answers.extend([204, (500, {"Retry-After": "60"})])
    operator("deliver", "--once")
    found = json.loads(operator("list", "--json").out)["webhooks"][0]
    assert (found["state"], found["position"], found["behind"], found["failures"]) == ("retrying", 1, 1, 1)
    assert "crm: attempt 1 failed: status 500; the next is at" in operator("list").told
    assert "status 500" in operator("deliveries", "crm", "--failed").told
    assert "delivered" not in operator("deliveries", "crm", "--failed").out
    receiver.answers.append(410)
    operator("enable", "crm")
    operator("deliver", "--once")
    assert "410 Gone" in operator("list").told
    operator("enable", "crm")
    assert operator("replay", "crm", "--from", "1").code == 0
    operator("deliver", "--once")
    assert receiver.sequences == [1, 2, 2, 1, 2]
    assert json.loads(operator("list", "--json").out)["webhooks"][0]["behind"] == 0
    assert operator("disable", "crm", "--why", "moving").code == 0
    assert "moving" in operator("list").told
    assert operator("remove", "crm").code == 0
    assert operator("deliveries", "crm").code == 4


def test_a_worker_stops_when_it_is_told_to(operator: Operator, receiver: Receiver, tmp_path: Path):
    operator.added(receiver, "--from", "1")
    worker = start_command(operator.variables, "webhook", "deliver", cwd=tmp_path)
    receiver.wait_for(2)
    assert "nobody delivers" not in operator("list").told
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate(timeout=PATIENCE)
    assert worker.returncode == 0, errors
    assert "Traceback" not in errors
    assert receiver.url not in errors


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("add", "CRM", "http://127.0.0.1/"), 2, "lower-case"),
        (("add", "crm", "ftp://127.0.0.1/"), 2, "https://host/path"),
        (("add", "crm", "http://127.0.0.1/", "--operation", "updated"), 2, "created, changed, merged, split, erased"),
        (("add", "crm", "http://127.0.0.1/", "--department", "kitchen"), 2, "finance"),
        (("add", "crm", "http://127.0.0.1/", "--from", "9"), 2, "from 1 to 2"),
        (("add", "crm", "http://127.0.0.1/", "--from", "0"), 2, "from 1 to 2"),
        (("add", "crm", "https://no-such-host.invalid/"), 2, "does not resolve"),
        (("add", "crm", "https://[fd00::1]/"), 2, "webhook.allowed_networks"),
        (("replay", "crm", "--from", "1"), 4, "'crm'"),
        (("test", "crm"), 4, "'crm'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_is_right(operator: Operator, arguments, code, words):
    answer = operator(*arguments)
    assert (answer.code, words in answer.told) == (code, True), answer.told
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_names_are_used_once_and_replay_stays_within_the_feed(operator: Operator, receiver: Receiver):
    operator.added(receiver)
    assert operator("add", "crm", receiver.url).code == 5
    assert operator("replay", "crm", "--from", "4").code == 2
    assert operator("replay", "crm", "--from", "3").code == 0, "behind the newest: nothing is delivered again"


def test_a_private_receiver_is_refused_unless_its_network_is_allowed(operator: Operator, receiver: Receiver):
    answer = operator("add", "crm", receiver.url, ONERECORD_WEBHOOK__ALLOWED_NETWORKS="[]")
    assert (answer.code, "127.0.0.1 is not public (loopback)" in answer.told) == (2, True)
    operator.added(receiver, "--from", "1")
    operator("deliver", "--once", ONERECORD_WEBHOOK__ALLOWED_NETWORKS="[]")
    assert receiver.received == [], "what was allowed once is checked again at every delivery"
    assert "not public" in operator("deliveries", "crm").told


def test_the_api_shows_deliveries_to_admins_only(operator: Operator, receiver: Receiver, tmp_path: Path):
    operator.added(receiver, "--from", "1")
    operator("deliver", "--once")
    keys = {
        scope: onerecord("key", scope, "--scope", scope, **operator.variables).out.strip()
        for scope in ("read", "admin")
    }
    with (
        serving(operator.world.engine, Settings(data_dir=tmp_path / "data")) as address,
        Visitor(base_url=address, headers={"Authorization": f"Bearer {keys['admin']}"}) as admin,
    ):
        found = admin.get("/v1/webhooks").json()
        assert found["worker_is_running"] is False
        (hook,) = found["items"]
        assert (hook["name"], hook["url"], hook["state"], hook["position"]) == ("crm", receiver.url, "live", 2)
        assert "key" not in " ".join(hook)
        first = admin.get("/v1/webhooks/crm/deliveries", params={"limit": 1}).json()
        assert [one["sequence"] for one in first["items"]] == [2]
        rest = admin.get("/v1/webhooks/crm/deliveries", params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert ([one["sequence"] for one in rest["items"]], rest["next_cursor"]) == ([1], None)
        assert admin.get("/v1/webhooks/crm/deliveries", params={"failed": True}).json()["items"] == []
        assert admin.get("/v1/webhooks/none/deliveries").status_code == 404
        for path in ("/v1/webhooks", "/v1/webhooks/crm/deliveries"):
            assert admin.get(path, headers={"Authorization": f"Bearer {keys['read']}"}).status_code == 403
            assert admin.get(path, headers={"Authorization": ""}).status_code == 401


def test_the_receiver_of_the_handbook_takes_what_is_delivered(operator: Operator, tmp_path: Path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)
    port = free_port(0)
    (tmp_path / "receiver.py").write_text(code.replace("8000", str(port)))
    secret = operator("add", "crm", f"http://127.0.0.1:{port}/", "--from", "1").out.strip()
    with child(
        [sys.executable, str(tmp_path / "receiver.py")],
        environment={"WEBHOOK_SECRET": secret},
        log=tmp_path / "receiver.log",
    ) as receiver:
        wait_until(
            lambda: operator("test", "crm").code == 0, "the receiver answers", going_on=lambda: receiver.poll() is None
        )
        operator("deliver", "--once")
    found = json.loads(operator("deliveries", "crm", "--json").out)
    assert [(one["sequence"], one["status"]) for one in found][:3] == [(2, 204), (1, 204), (None, 204)]
