"""`onerecord eligibility`: a campaign's list in, a row for each of its rows out."""

import csv
import uuid

import pytest
from sqlalchemy import text

from hub import eligibility_command
from tests.hubrun import onerecord
from tests.integration.golden_world import NOW
from tests.integration.test_eligibility import hold, person, world  # noqa: F401  # the fixture


@pytest.fixture
def run(world, database_url, tmp_path):  # noqa: F811
    """Runs `onerecord eligibility` in the moment of the world."""
    clock = tmp_path / "clock"
    clock.write_text(NOW.isoformat())

    def command(*arguments: object, **more: str):
        variables = {
            "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
            "ONERECORD_DATA_DIR": str(tmp_path / "data"), "ONERECORD_CLOCK_FILE": str(clock), **more,
        }  # fmt: skip
        return onerecord("eligibility", *map(str, arguments), **variables)

    return command


def answers(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def listed(tmp_path, *ids, head="golden_id"):
    file = tmp_path / "campaign.csv"
    file.write_text("\n".join([f"{head},note", *(f"{one},x" for one in ids)]), encoding="utf-8")
    return file


EMAIL = ("--channel", "email", "--purpose", "marketing")


def test_every_row_is_answered_in_its_order_and_counted(run, world, tmp_path):  # noqa: F811
    free, complains = person(world, 1), person(world, 2)
    _, _, ticket = hold(world, "complaint", "mail:contacts:2", NOW)
    odd = ["=1+1", "", "0" * 5_000, "\x00"]
    out = tmp_path / "answers.csv"
    done = run(listed(tmp_path, free, complains, *odd), *EMAIL, "--out", out)
    assert done.code == 0, done.told
    first, second, *others = answers(out)
    assert (first["golden_id"], first["verdict"], first["reach"]) == (str(free), "allow", "mail:contacts:1")
    assert (second["customer"], second["reason"], second["evidence"]) == (str(complains), "complaint", ticket)
    assert [(row["verdict"], row["reason"]) for row in others] == [("deny", "unknown")] * len(odd)
    assert others[0]["golden_id"] == "'=1+1", "no spreadsheet takes it for a formula"
    for expected in ("unknown", "complaint", "allow", "6 answers"):
        assert expected in done.told


def test_records_of_private_departments_are_named_where_it_is_asked_for(run, world, tmp_path):  # noqa: F811
    complains = person(world, 1)
    _, _, ticket = hold(world, "complaint", "mail:contacts:1", NOW)
    private = {"ONERECORD_PRIVATE_DEPARTMENTS": '["support"]'}
    for more, named in (((), ""), (("--private", "support"), ticket)):
        out = tmp_path / "answers.csv"
        assert run(listed(tmp_path, complains), *EMAIL, "--out", out, *more, **private).code == 0
        assert (answers(out)[0]["reason"], answers(out)[0]["evidence"]) == ("complaint", named)
    with world.engine.connect() as connection:
        asked = connection.execute(
            text("SELECT details FROM ops.audit WHERE act = 'ask eligibility' ORDER BY audit_id")
        )
        assert [row.details["private"] for row in asked] == [[], ["support"]]


def test_a_service_message_to_a_list_is_written_down_for_each(run, world, tmp_path):  # noqa: F811
    known = person(world, 1)
    out = tmp_path / "answers.csv"
    assert run(listed(tmp_path, known), "--channel", "email", "--purpose", "service", "--out", out).code == 0
    assert world.rows("SELECT subject FROM ops.audit WHERE act = 'service message'") == [
        {"subject": f"customer:{known}"}
    ]


def test_what_is_wrong_is_said(run, tmp_path):
    out, file = tmp_path / "answers.csv", listed(tmp_path, "x")
    wrong = {
        "say one of email": (file, "--channel", "pigeon", "--purpose", "sales", "--out", out),
        "say one of marketing": (file, "--channel", "sms", "--purpose", "fun", "--out", out),
        "no column golden_id": (listed(tmp_path, "x", head="id"), *EMAIL, "--out", out),
        "cannot be read": (tmp_path / "nowhere.csv", *EMAIL, "--out", out),
        "no such private department": (file, *EMAIL, "--out", out, "--private", "support"),
    }
    for expected, arguments in wrong.items():
        done = run(*arguments)
        assert (done.code, out.exists()) == (2, False), done.told
        assert expected in done.told
    listed(tmp_path, "x")
    kept = file.read_text()
    (tmp_path / "link.csv").hardlink_to(file)
    done = run(file, *EMAIL, "--out", tmp_path / "link.csv")
    assert (done.code, "is the list itself" in done.told, file.read_text()) == (2, True, kept), done.told
    assert "cannot be written" in run(file, *EMAIL, "--out", tmp_path / "no" / "answers.csv").told


def test_answers_that_break_off_leave_what_was_there(tmp_path):
    def breaking():
        yield from ()
        raise DatabaseLostError

    out = tmp_path / "answers.csv"
    out.write_text("of yesterday")
    with pytest.raises(DatabaseLostError):
        eligibility_command._write(out, [("x", None), ("y", uuid.uuid4())], breaking())
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("answers.csv", "of yesterday")]


class DatabaseLostError(Exception):
    pass
