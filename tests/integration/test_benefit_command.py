"""`onerecord baseline` and `onerecord cost`."""

import pytest

from tests.hubrun import onerecord


@pytest.fixture
def run(db, database_url, tmp_path):
    variables = {
        "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "ONERECORD_DATA_DIR": str(tmp_path / "data"),
    }
    return lambda *arguments: onerecord(*arguments, **variables)


COST = ("cost", "add", "1200.50", "eur", "--from", "2026-01-01", "--until", "2026-12-31", "--for", "server [big]")


def test_cost_is_entered_shown_and_taken_out(run):
    assert "no cost was entered yet" in run("cost", "list").told
    answer = run(*COST)
    assert answer.code == 0, answer.told
    assert "counts from the next run on" in answer.told
    told = run("cost", "list").told
    assert "1,200.50 EUR" in told
    assert "server [big]" in told
    assert run("cost", "remove", "1").code == 0
    assert "there is no cost entry 1" in run("cost", "remove", "1").told
    assert "no cost was entered yet" in run("cost", "list").told


@pytest.mark.parametrize("amount", ["much", "0", "1e40"])
def test_an_amount_that_is_none_is_refused(run, amount):
    answer = run(*COST[:2], amount, *COST[3:])
    assert answer.code != 0
    assert "no cost was entered yet" in run("cost", "list").told


def test_the_baseline_is_that_of_the_first_publication_until_a_day_is_set(run):
    assert "nothing was published yet" in run("baseline").told
    assert run("baseline", "--day", "2026-01-01").code == 0
    assert "benefit is measured from 2026-01-01 on" in run("baseline").told
    answer = run("baseline", "--day", "2999-01-01")
    assert answer.code != 0
    assert "a day that has been" in answer.told
    assert "2026-01-01" in run("baseline").told
