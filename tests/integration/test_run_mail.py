"""Who is mailed what a run did not publish, against a real SMTP server."""

import pytest
from sqlalchemy import text

from hub import announcements, run_mail, runs, users
from hub.settings import Settings
from orchestration.processes import free_port
from tests.integration.mail_world import ADDRESSES, inbox, settings, smtp_port, staffed
from tests.webworld import PASSWORD, world, world_template

__all__ = ["inbox", "smtp_port", "staffed", "world", "world_template"]


@pytest.fixture
def held(staffed):
    """A publication that was just held back."""
    with staffed.begin() as connection:
        told = {"suite": "landing", "checks": ["landing.stream_volume"], "publication_in_force": 2,
                "why": "landing.stream_volume failed on 3 of 40"}  # fmt: skip
        announcements.announce(connection, "held", "run-9", told)
        announcements.announce(
            connection, "held", "run-9", told | {"suite": "golden", "why": "golden.id_churn did not run"}
        )
    return staffed


def test_admins_and_engineers_are_mailed_what_holds_a_publication_once(held, smtp_port, inbox):
    assert run_mail.send(held, Settings()) == 0, "mail is off"
    assert run_mail.waits(held)
    assert run_mail.send(held, settings(smtp_port)) == 1
    message = inbox.take()["boss@ourcompany.example"]
    assert message["Subject"] == "OneRecord: a publication is held back"
    body = message.get_content().replace("\r\n", "\n")
    assert "landing.stream_volume failed on 3 of 40\n- golden.id_churn did not run" in body
    assert "Publication 2 stays in force" in body
    assert "https://hub.example/checks?run=run-9" in body
    assert (run_mail.waits(held), run_mail.send(held, settings(smtp_port))) == (False, 0)


def test_a_mail_server_that_does_not_answer_is_said_in_the_log_and_asked_again(held, smtp_port, inbox, caplog):
    assert run_mail.send(held, settings(free_port(0))) == 0
    assert "nobody could be mailed" in caplog.text
    assert run_mail.waits(held)
    inbox.refused = {"boss@ourcompany.example"}
    assert run_mail.send(held, settings(smtp_port)) == 0
    assert "the address was refused" in caplog.text
    assert "boss@" not in caplog.text
    assert not run_mail.waits(held)


def test_who_was_not_told_since_the_connection_broke_is_told_later_and_nobody_twice(held, smtp_port, inbox, caplog):
    everybody = {ADDRESSES["boss"], "eve@ourcompany.example", "zoe@ourcompany.example"}
    with held.begin() as connection:
        for name in ("eve", "zoe"):
            users.add(connection, name, "engineer", (), PASSWORD, actor="test")
            users.set_contact(connection, name, email=f"{name}@ourcompany.example", team="", actor="test")
    inbox.most = 1
    assert run_mail.send(held, settings(smtp_port)) == 1
    assert "the connection broke" in caplog.text
    first = set(inbox.take())
    assert run_mail.waits(held)
    inbox.most, inbox.busy = None, {"zoe@ourcompany.example"} - first
    assert run_mail.send(held, settings(smtp_port)) == 1
    second = set(inbox.take())
    inbox.busy = set()
    assert run_mail.waits(held), "who was put off is asked again"
    assert run_mail.send(held, settings(smtp_port)) == 1
    third = set(inbox.take())
    assert sorted([*first, *second, *third]) == sorted(everybody)
    assert not run_mail.waits(held)


def test_a_run_that_ended_in_an_error_is_told_once_and_without_what_it_said(staffed, smtp_port, inbox):
    for steps in ({"landing__crm", "conform__crm"}, {"landing__crm"}):
        runs.tell_failed(staffed, "run-7", steps)
    runs.tell_failed(staffed, "run-8", ())
    assert run_mail.send(staffed, settings(smtp_port)) == 2
    (_, first), (_, second) = inbox.mails
    inbox.mails.clear()
    assert (first["To"], first["Subject"]) == (ADDRESSES["boss"], "OneRecord: a run failed")
    body = first.get_content().replace("\r\n", "\n")
    assert "Run run-7 ended in an error; it published nothing. Publication 2 stays in force." in body
    assert "- conform__crm\n- landing__crm\n" in body
    assert "its process ended before the run did" in second.get_content()
    assert run_mail.send(staffed, settings(smtp_port)) == 0


def test_the_same_failure_is_mailed_again_after_a_publication_or_a_day(staffed, smtp_port, inbox):
    """A source that is down for a night fails every hour; one mail says so."""

    def failing(run, *steps):
        runs.tell_failed(staffed, run, set(steps))
        return run_mail.send(staffed, settings(smtp_port))

    assert [failing("run-1", "landing__crm"), failing("run-2", "landing__crm"), failing("run-3", "match")] == [1, 0, 1]
    with staffed.begin() as connection:
        announcements.announce(connection, "published", "run-4", {})
    assert [failing("run-5", "landing__crm"), failing("run-6", "landing__crm")] == [1, 0]
    for number in range(7, 10):
        _hours_pass(staffed, 11)
        assert failing(f"run-{number}", "landing__crm") == (number == 9), "it never stopped"


def test_of_a_failure_that_nobody_was_told_the_newest_run_is_mailed(staffed, smtp_port, inbox):
    for number in range(3):
        runs.tell_failed(staffed, f"run-{number}", {"landing__crm"})
    assert run_mail.send(staffed, settings(smtp_port)) == 1
    assert "Run run-2 ended" in inbox.take()[ADDRESSES["boss"]].get_content()
    assert not run_mail.waits(staffed)


def test_what_a_killed_process_had_claimed_is_mailed_by_another(held, smtp_port, inbox):
    with held.begin() as connection:
        connection.execute(
            text("INSERT INTO ops.announcement_mail (sequence, name) SELECT sequence, 'boss' FROM ops.announcement")
        )
    assert (run_mail.waits(held), run_mail.send(held, settings(smtp_port))) == (False, 0)
    _hours_pass(held, 1)
    assert run_mail.send(held, settings(smtp_port)) == 1


def _hours_pass(engine, hours):
    with engine.begin() as connection:
        for table, column in (("announcement", "happened_at"), ("announcement_mail", "claimed_at"),
                              ("announcement_mail", "sent_at")):  # fmt: skip
            connection.execute(text(f"UPDATE ops.{table} SET {column} = {column} - make_interval(hours => {hours})"))


def test_what_holds_a_run_is_told_and_not_as_a_failure_too(held, smtp_port, inbox):
    runs.tell_failed(held, "run-9", {"check_landing"})
    assert run_mail.send(held, settings(smtp_port)) == 1
    assert inbox.take()[ADDRESSES["boss"]]["Subject"] == "OneRecord: a publication is held back"


def test_what_was_held_long_ago_is_no_news(held, smtp_port, inbox):
    with held.begin() as connection:
        connection.execute(text("UPDATE ops.announcement SET happened_at = now() - interval '25 hours'"))
    assert run_mail.send(held, settings(smtp_port)) == 0
    assert inbox.take() == {}
