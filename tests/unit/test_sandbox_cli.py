"""`onerecord sandbox ...`: what it prints, and what it does to a running server."""

import re

from typer.testing import CliRunner

from connectors import sandbox
from hub.errors import OneRecordError
from orchestration.sandbox import app
from tests.contracts.sandbox_clients import STRIPE, get


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_world_is_made_and_moved_on(tmp_path):
    folder = tmp_path / "world"
    assert "simulated" in run("create", "--size", "300", "--seed", "2", "--folder", str(folder))
    assert re.search(r"2026-11-04T08:00:00", run("tick", "--days", "2", "--folder", str(folder)))


def test_a_fault_reaches_the_running_server(tmp_path):
    sandbox.create(tmp_path, size=300, seed=2)
    with sandbox.running(tmp_path) as address:
        assert "500" in run("fault", "stripe", "500", "--folder", str(tmp_path))
        assert get(f"{address}/stripe/v1/customers", auth=STRIPE).status_code == 500
        assert get(f"{address}/stripe/v1/customers", auth=STRIPE).status_code == 200


def test_a_fault_without_a_server_says_what_to_do(tmp_path):
    result = CliRunner().invoke(app, ["fault", "stripe", "500", "--folder", str(tmp_path)])
    assert isinstance(result.exception, OneRecordError)
    assert "onerecord sandbox" in str(result.exception)


def test_the_sources_are_ready_to_be_used_by_the_hub():
    found = {source.name: source for source in sandbox.sources("http://127.0.0.1:1")}
    assert {name: source.department.value for name, source in found.items()} == {
        "salesforce": "sales", "hubspot": "marketing", "zendesk": "support", "stripe": "finance",
    }  # fmt: skip
    assert found["zendesk"].base_url == "http://127.0.0.1:1/zendesk"
    assert set(found["zendesk"].credentials) == {"email", "api_token"}
