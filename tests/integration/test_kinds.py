"""A record that its source calls a person first and an organization later, or the other way round."""

from typing import Any

import pytest
from sqlalchemy import Engine

from hub.golden import read
from hub.identity import ledger
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind, Verdict
from hub.progress import silent
from hub.settings import MatchSettings
from tests.integration.golden_world import World
from tests.support import add_parties, customers

A, B, C = "crm:Contact:1", "desk:users:1", "bank:customers:1"


def arrived(world: World, *parties: dict[str, Any]) -> None:
    with world.engine.begin() as connection:
        add_parties(connection, *parties)
    for kind in PartyKind:
        match_parties(world.engine, kind, MatchSettings(), progress=silent)
    resolve(world.engine, run_id="test", progress=silent)
    world.release()


def same(engine: Engine, a: str, b: str) -> None:
    with engine.begin() as connection:
        ledger.judge(connection, a, b, Verdict.SAME, author="ann", reason="known")


def kinds(world: World) -> dict[str, set[str]]:
    """The members of each published customer, with its kind and theirs."""
    rows = world.rows(
        """SELECT c.members, c.kind, array_agg(DISTINCT p.kind) AS of_members FROM golden.customer c
           JOIN canonical.party p ON p.ref = ANY (c.members) GROUP BY c.members, c.kind"""
    )
    assert all(row["of_members"] == [row["kind"]] for row in rows)
    return {" ".join(row["members"]): row["kind"] for row in rows}


@pytest.fixture
def world(db: Engine) -> World:
    """Two persons that are one customer."""
    world = World(db)
    with db.begin() as connection:
        add_parties(connection, {"ref": A, "name": "Ann Lee"}, {"ref": B, "name": "Ann Lee", "department": "support"})
    same(db, A, B)
    arrived(world)
    assert kinds(world) == {f"{A} {B}": "person"}
    return world


def test_a_record_that_changes_its_kind_leaves_its_customer_for_one_of_the_right_kind(world):
    before = customers(world.engine)
    arrived(world, {"ref": A, "name": "Ann Lee Ltd", "kind": "organization"})
    assert kinds(world) == {A: "organization", B: "person"}
    assert customers(world.engine)[B] == before[B]
    told = world.rows("SELECT op FROM golden.change WHERE publication = 2 ORDER BY op")
    assert [one["op"] for one in told] == ["changed", "split"]
    assert [one["event"] for one in world.rows("SELECT event FROM golden.merge_log")] == ["split"]


def test_an_id_all_whose_records_change_their_kind_leads_on(world):
    (before,) = set(customers(world.engine).values())
    arrived(world, {"ref": A, "name": "Lee Ltd", "kind": "organization"})
    arrived(world, {"ref": B, "name": "Lee Ltd", "kind": "organization", "department": "support"})
    assert set(kinds(world).values()) == {"organization"}
    ids = customers(world.engine)
    assert before not in ids.values()
    with world.engine.connect() as connection:
        (asked,) = connection.exec_driver_sql(f"SELECT '{before}'::uuid").one()
        assert str(read.resolve_id(connection, asked).golden_id) == ids[B]
    last = world.rows("SELECT op, survivor::text FROM golden.change WHERE golden_id = :id ORDER BY version", id=before)
    assert last[-1] == {"op": "merged", "survivor": ids[B]}


def test_a_record_can_change_its_kind_and_change_it_back(world):
    arrived(world, {"ref": A, "name": "Lee Ltd", "kind": "organization"})
    arrived(world, {"ref": A, "name": "Ann Lee", "kind": "person"})
    assert kinds(world) == {f"{A} {B}": "person"}, "what was said of them holds again"
