"""Whatever is asked, the API answers as its description says: schemathesis asks, over real HTTP."""

from ipaddress import ip_network
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from sqlalchemy import text

from hub.secret_key import secret_key
from hub.webhooks import subscriptions
from tests.integration.test_web_records import HERO, merge

LOOPBACK = [ip_network("127.0.0.0/8")]
# A cursor is a text to the description, but only those that the API made are one: others are answered by 400.
MADE_BY_US = {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404"]}}
# All checks of all phases, with as many examples as take seconds.
CONFIG: dict[str, Any] = {
    "seed": 1,
    "generation": {"deterministic": True, "max-examples": 8, "database": "none", "no-shrink": True},
    "operations": [
        {"include-path": "/v1/customers", "checks": MADE_BY_US},
        {"include-path": "/v1/customers/{golden_id}/history", "checks": MADE_BY_US},
        {"include-path": "/v1/customers/{golden_id}/facts/{department}", "checks": MADE_BY_US},
        {"include-path": "/v1/webhooks/{name}/deliveries", "checks": MADE_BY_US},
        {"include-path": "/v1/flags", "checks": MADE_BY_US},
    ],
    "phases": {"stateful": {"generation": {"max-examples": 5}}},
}


def test_schemathesis_finds_nothing(hub):
    merge(hub, HERO)
    with hub.engine.begin() as connection:  # of the name that the description has for an example
        wanted = subscriptions.Wanted("crm", "https://127.0.0.1/hooks")
        subscriptions.add(connection, wanted, secret_key(hub.settings), LOOPBACK, actor="ann")
        connection.execute(text("UPDATE quality.flag SET shared_from = '2026-11-01'"))
    headers = {"Authorization": f"Bearer {hub.key('admin')}"}
    config = SchemathesisConfig.from_dict({**CONFIG, "headers": headers})
    schema = schemathesis.openapi.from_url(f"{hub.address}/openapi.json", headers=headers, config=config)
    problems, answered = [], set[str]()
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            problems += failures(event.recorder)
            answered |= successes(event.recorder)
    assert not problems, "\n\n".join(dict.fromkeys(problems))
    assert answered == {operation.ok().label for operation in schema.get_all_operations()}, "else little was looked at"


def successes(recorder: Any) -> set[str]:
    """The operations that gave what they are for."""
    return {
        node.value.operation.label
        for name, node in recorder.cases.items()
        if (one := recorder.interactions.get(name)) and one.response and one.response.status_code == 200
    }


def failures(recorder: Any) -> list[str]:
    return [
        f"{check.name}: {check.failure_info.failure.title}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
        for checks in recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]
