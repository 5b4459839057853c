"""The digest against a real SMTP server: who gets what, once a day, and what happens where the server is down."""

import datetime as dt
import ssl

import dagster as dg
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from pydantic import ValidationError
from sqlalchemy import text

from hub import mail, users
from hub.access import Principal, Scope
from hub.coach import answers, digest, flags, owners
from hub.coach.following import follow
from hub.coach.settings import CoachSettings
from hub.errors import ConfigurationError, OneRecordError
from hub.mail import MailError
from hub.sections.mail import MailSettings
from hub.settings import Settings
from orchestration.defs import mail as scheduled
from orchestration.processes import free_port
from tests.integration.mail_world import ADDRESSES, inbox, settings, smtp_port, staffed
from tests.webworld import PASSWORD, world, world_template

__all__ = ["inbox", "smtp_port", "staffed", "world", "world_template"]

SVEN = Principal("sven.holm", frozenset({Scope.READ}))
MONDAY = dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)
THURSDAY = dt.datetime(2026, 11, 26, 6, 30, tzinfo=dt.UTC)


def test_an_owner_gets_new_and_waiting_flags_once_a_day_and_managers_get_counts(staffed, smtp_port, inbox):
    hub = settings(smtp_port, coach=CoachSettings(team_minimum=2))
    with staffed.begin() as connection:
        connection.execute(text("UPDATE canonical.opportunity SET owner_id = 'U2' WHERE ref = 'crm:Opportunity:0'"))
        owners.own(connection, "sven.holm", "crm", "U2", actor="test")
    assert digest.send(staffed, hub, as_of=MONDAY) == 1
    mine = inbox.take()["sven@ourcompany.example"]
    body = mine.get_content()
    assert (mine["Subject"], mine["From"]) == ("Flags on deals", "onerecord@ourcompany.example")
    assert mine.get_all("Bcc") is None
    assert "New flags on your deals" in body
    assert "Cranes Bcc: all@x.example: Stage, close date and amount" in body
    assert body.count("https://hub.example/flags/") == 3
    assert "Bruno" not in body, "nothing of the customer but the deal's name"
    assert digest.send(staffed, hub, as_of=MONDAY + dt.timedelta(hours=9)) == 0
    assert inbox.take() == {}

    with staffed.begin() as connection:
        follow(connection, hub.coach, THURSDAY)
        waiting = flags.own(connection, "sven.holm", THURSDAY.date(), answered=False, cursor=None).items[0]
        answers.answer(
            connection, waiting.flag_id, "fixed", who=SVEN, fingerprint=waiting.fingerprint, coach=hub.coach,
            as_of=THURSDAY,
        )  # fmt: skip
    assert digest.send(staffed, hub, as_of=THURSDAY) == 3
    told = inbox.take()
    assert set(told) == set(ADDRESSES.values()), "neither other departments nor who has no address"
    again = told["sven@ourcompany.example"].get_content()
    assert "New flags" not in again
    assert again.count("https://hub.example/flags/") == 2, "what is answered is left out"
    counts = told["lea@ourcompany.example"].get_content()
    assert "Sales: 2 of 2 open deals have a flag, 1 critical" in counts
    assert "Cranes" not in counts
    assert "Sven" not in counts


def test_nothing_is_sent_on_days_off(staffed, smtp_port, inbox):
    saturday = MONDAY - dt.timedelta(days=2)
    assert digest.send(staffed, settings(smtp_port), as_of=saturday) == 0
    off = settings(smtp_port, coach=CoachSettings(days_off=[MONDAY.date()]))
    assert digest.send(staffed, off, as_of=MONDAY) == 0
    assert inbox.take() == {}


def test_a_server_that_is_down_is_an_error_and_the_next_run_sends(staffed, smtp_port, inbox):
    with pytest.raises(MailError, match="nothing was sent"):
        digest.send(staffed, settings(free_port(0)), as_of=MONDAY)
    assert digest.send(staffed, settings(smtp_port), as_of=MONDAY) == 1
    assert set(inbox.take()) == {"sven@ourcompany.example"}
    with pytest.raises(ConfigurationError, match="mail"):
        digest.send(staffed, Settings(), as_of=MONDAY + dt.timedelta(days=1))


def test_one_address_that_is_refused_keeps_nobody_else_from_theirs(staffed, smtp_port, inbox):
    with staffed.begin() as connection:
        users.add(connection, "otto", "reader", (), PASSWORD, actor="test")
        users.set_contact(connection, "otto", email="otto@ourcompany.example", team="", actor="test")
        connection.execute(text("UPDATE canonical.opportunity SET owner_id = 'U2' WHERE ref = 'crm:Opportunity:0'"))
        owners.own(connection, "otto", "crm", "U2", actor="test")
    inbox.refused = {"otto@ourcompany.example"}
    with pytest.raises(OneRecordError, match=r"1 of 2 digests were not taken \(the address was refused\)") as failed:
        digest.send(staffed, settings(smtp_port), as_of=MONDAY)
    assert "otto" not in str(failed.value)
    assert set(inbox.take()) == {"sven@ourcompany.example"}
    inbox.refused = set()
    assert digest.send(staffed, settings(smtp_port), as_of=MONDAY) == 1
    assert set(inbox.take()) == {"otto@ourcompany.example"}


def test_a_sign_in_that_the_server_refuses_is_told_without_the_password(inbox, tmp_path):
    authority = trustme.CA()
    given = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(given))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    right = []

    def check(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=bool(right) and data.password == b"secret one", handled=bool(right))

    controller = Controller(
        inbox, hostname="127.0.0.1", port=free_port(0), tls_context=context, authenticator=check, auth_required=True
    )
    controller.start()
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SSL_CERT_FILE", str(given))
            patched.setenv("SMTP_PASSWORD", "secret one")
            wanted = MailSettings(**{
                "host": "localhost", "port": controller.port, "user": "hub",
                "password": "env:SMTP_PASSWORD", "from": "onerecord@ourcompany.example",
            })  # fmt: skip
            message = digest._message("sven@ourcompany.example", ["text"], "https://hub.example")
            with pytest.raises(MailError, match="refuses") as refused:
                mail.send(wanted, [message])
            assert "secret" not in str(refused.value)
            right.append(True)
            assert mail.send(wanted, [message]) == {}
            assert set(inbox.take()) == {"sven@ourcompany.example"}
    finally:
        controller.stop()


@pytest.mark.parametrize(
    "wrong", [{"user": "hub"}, {"tls": "none", "user": "hub", "password": "x"}, {"from": "no address"}, {"port": 0}]
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        MailSettings(**{"host": "mail.example", "from": "hub@ourcompany.example", **wrong})


def test_dagster_sends_it_in_the_morning_where_a_server_is_set(monkeypatch):
    monkeypatch.setattr(scheduled, "load", lambda: settings(25))
    asked = scheduled.digest_schedule(dg.build_schedule_context())
    assert isinstance(asked, dg.RunRequest)
    monkeypatch.setattr(scheduled, "load", Settings)
    assert isinstance(scheduled.digest_schedule(dg.build_schedule_context()), dg.SkipReason)
    assert scheduled.digest_schedule.cron_schedule == "30 6-10 * * *"
