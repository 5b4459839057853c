"""`onerecord user`, the first account of a local hub, and what `onerecord export` leaves out."""

import io
import stat
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from hub import users
from hub.access import Scope
from hub.errors import ConfigurationError
from hub.golden.export import export
from orchestration import local
from tests.hubrun import onerecord
from tests.webworld import PASSWORD


@pytest.fixture
def user(db, database_url, tmp_path, monkeypatch):
    """Runs `onerecord user ...`, with a line on stdin."""
    variables = {
        "ONERECORD_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "ONERECORD_DATA_DIR": str(tmp_path / "data"),
    }

    def run(*arguments: str, typed: str = ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        return onerecord("user", *arguments, **variables)

    return run


def test_an_account_is_made_changed_and_closed_on_the_command_line(user, db):
    assert "there are no accounts" in user("list").told
    answer = user("add", "mia", "--role", "lead", "--department", "marketing", typed=PASSWORD)
    assert answer.code == 0, answer.told
    assert PASSWORD not in answer.told
    assert users.verify(db, "mia", PASSWORD) == "mia"
    assert "marketing" in user("list").told
    assert user("password", "mia", typed="quite another one").code == 0
    assert [users.verify(db, "mia", one) for one in (PASSWORD, "quite another one")] == [None, "mia"]
    assert user("role", "mia", "--role", "reader").code == 0
    assert "reader" in user("list").told
    assert user("disable", "mia").code == 0
    assert users.verify(db, "mia", "quite another one") is None
    assert "disabled" in user("list").told
    assert user("enable", "mia").code == 0


@pytest.mark.parametrize(
    ("arguments", "typed", "code", "said"),
    [
        (("add", "mia", "--role", "reader"), "", 2, "12 to 200"),
        (("add", "mia", "--role", "king"), PASSWORD, 2, "no role"),
        (("add", "mia", "--role", "lead"), PASSWORD, 2, "one department"),
        (("add", "mia", PASSWORD, "--role", "reader"), PASSWORD, 2, "unexpected extra argument"),
        (("disable", "nobody"), "", 4, "no account"),
        (("password", "nobody"), PASSWORD, 4, "no account"),
    ],
)
def test_a_call_that_cannot_be_done_says_why(user, arguments, typed, code, said):
    answer = user(*arguments, typed=typed)
    assert answer.code == code
    assert said in answer.told.lower() + answer.err.lower()


def test_the_first_account_has_a_password_of_its_own_that_only_its_owner_reads(db, tmp_path):
    hub = SimpleNamespace(settings=SimpleNamespace(data_dir=tmp_path), database=SimpleNamespace(engine=db))
    path = local.first_password(hub)
    password = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(password) >= 24
    assert users.verify(db, local.FIRST_ACCOUNT, password) == "admin"
    assert local.first_password(hub).read_text().strip() == password, "made once"
    key = local.first_key(hub)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert users.verify(db, local.FIRST_ACCOUNT, key.read_text().strip()) is None


def test_an_export_leaves_private_departments_out(world, tmp_path):
    views = ("customer", "customer_history", "opportunity")
    export(world, tmp_path / "whole", views)
    export(world, tmp_path / "kept", views, frozenset({"finance", "sales"}))
    whole, kept = (
        {view: pq.read_table(tmp_path / folder / f"{view}.parquet") for view in views} for folder in ("whole", "kept")
    )
    for view in views[:2]:
        assert any("1200" in facet for facet in whole[view]["finance"].to_pylist())
        assert set(kept[view]["finance"].to_pylist()) == set(kept[view]["sales"].to_pylist()) == {"{}"}
        assert kept[view]["support"].to_pylist() == whole[view]["support"].to_pylist()
    assert (whole["opportunity"].num_rows, kept["opportunity"].num_rows) == (3, 0)


def test_scopes_of_people_are_not_given_to_keys(world):
    from hub import keys

    with world.begin() as connection:
        for scope in (Scope.REVIEW, Scope.SHOW):
            with pytest.raises(ConfigurationError, match="scopes of a key"):
                keys.create_key(connection, "tool", [scope])


def test_an_owner_and_an_address_are_said_on_the_command_line(user, db):
    assert user("add", "sven", "--role", "reader", typed=PASSWORD).code == 0
    assert "nobody with the id" in user("own", "sven", "crm", "U1").told
    with db.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO canonical.opportunity
                       (ref, source, stream, source_id, name, stage, status, owner_id, source_created_at)
                   VALUES ('crm:Opportunity:1', 'crm', 'Opportunity', '1', 'Deal', 'Proposal', 'open', 'U1', now())"""
            )
        )
    owned = text("SELECT name FROM ops.account_owner WHERE source = 'crm' AND owner_id = 'U1'")
    for arguments, name in ((["own", "sven", "crm", "U1"], "sven"), (["own", "sven", "crm", "U1", "--end"], None)):
        assert user(*arguments).code == 0
        with db.connect() as connection:
            assert connection.execute(owned).scalar_one_or_none() == name
    assert user("contact", "sven", "--email", "sven at work").code == 2
    assert user("contact", "sven", "--email", "sven@ourcompany.example", "--team", "North").code == 0
    contact = text("SELECT email, team FROM ops.account WHERE name = 'sven'")
    with db.connect() as connection:
        assert tuple(connection.execute(contact).one()) == ("sven@ourcompany.example", "North")
    assert user("contact", "sven").code == 2
    assert user("contact", "sven", "--team", "").code == 0
    with db.connect() as connection:
        assert tuple(connection.execute(contact).one()) == ("sven@ourcompany.example", None)
