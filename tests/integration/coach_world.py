"""The world of the tests of the coach: who owns the deals, what time it is, and what runs and people do.

The world's flags were raised on Friday 20 November 2026 at 9:30 UTC, so managers see them from Thursday 26 November on.
"""

import datetime as dt
import re

import pytest
from sqlalchemy import text

from hub.coach import owners
from hub.coach.following import follow
from hub.coach.settings import CoachSettings
from hub.golden.publish import publish
from tests.webworld import NOW, token

COACH = CoachSettings()
LAST_SECOND = dt.datetime(2026, 11, 25, 23, 59, 59, tzinfo=dt.UTC)
SHARED = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
PAST_CLOSE = "SELECT flag_id FROM quality.flag WHERE rule = 'past_close_date'"


@pytest.fixture
def at(hub, tmp_path):
    """Sets the clock of the hub; it begins when the flags were raised."""
    hub.settings.clock_file = tmp_path / "clock"

    def set_to(moment: dt.datetime) -> None:
        hub.settings.clock_file.write_text(moment.isoformat())

    set_to(NOW + dt.timedelta(minutes=1))
    return set_to


@pytest.fixture
def flag(hub) -> int:
    return int(hub.scalar(PAST_CLOSE))


@pytest.fixture
def sven(hub, at, signed_in):
    """The owner of all deals, signed in; a reader otherwise."""
    visitor = signed_in("read", name="sven.holm")
    with hub.engine.begin() as connection:
        owners.own(connection, "sven.holm", "crm", "U1", actor="test")
    return visitor


def run(hub, as_of: dt.datetime, *, released: bool = True) -> None:
    """What a run does to flags; what rules find stays as it is."""
    with hub.engine.begin() as connection:
        follow(connection, hub.settings.coach, as_of)
    if released:
        publish(hub.engine, run_id=f"run-{as_of:%d}", as_of=as_of)


def say(visitor, flag: int, answer: str, **fields: str):
    html = visitor.get(f"/flags/{flag}").text
    fingerprint = re.search(r'name="fingerprint" value="(\w+)"', html)[1]
    return visitor.post(
        f"/flags/{flag}", data={"csrf": token(html), "fingerprint": fingerprint, "answer": answer, **fields}
    )


def published(hub) -> dict[str, list[str]]:
    with hub.engine.connect() as connection:
        rows = connection.execute(text("SELECT ref, flags FROM golden.opportunity WHERE cardinality(flags) > 0"))
        return {row.ref: row.flags for row in rows}


def raise_on_others(hub) -> tuple[int, int]:
    """A flag on a customer, of whom finance knows more than sales, and one on sales as a whole."""
    with hub.engine.begin() as connection:
        return tuple(
            connection.execute(
                text(
                    """INSERT INTO quality.flag (golden_id, department, rule, severity, evidence, first_seen, last_seen,
                           raised_at, shared_from)
                       SELECT golden_id, department, rule, 'warning', evidence, :now, :now, :now, CAST(:now AS date)
                       FROM (VALUES ((SELECT min(golden_id::text)::uuid FROM golden.customer), NULL, 'hidden_sale',
                                     CAST('{"records": ["billing:invoices:R-1"]}' AS jsonb)),
                                    (NULL, 'sales', 'late_wins', '{}')) f (golden_id, department, rule, evidence)
                       RETURNING flag_id"""
                ),
                {"now": NOW},
            ).scalars()
        )
