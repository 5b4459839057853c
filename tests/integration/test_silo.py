"""Who supplies the golden fields and who reads them, against worlds counted by hand."""

import pytest

from hub import figures, silo
from hub.sections.trends import TrendsSettings
from tests.integration.golden_world import NOW, World, day


@pytest.fixture
def world(db) -> World:
    return World(db)


def follow(world: World) -> int:
    with world.engine.begin() as connection:
        figures.keep(connection, NOW, TrendsSettings())
        return silo.follow(connection, NOW.date())


def supply(world: World) -> dict[tuple[str, str], tuple[int, int]]:
    rows = world.rows("SELECT * FROM golden.silo_supply")
    return {(row["field"], row["source"]): (row["customers"], row["contested"]) for row in rows}


def consistent(world: World) -> dict[str, tuple[int, int]]:
    rows = world.rows("SELECT * FROM quality.daily_figure WHERE name = 'consistent'")
    return {row["department"]: (row["value"], row["cases"]) for row in rows}


def seed(world: World) -> None:
    """Customer 1: three records, one of whom says another city. Customer 2: of sales alone."""
    world.party("crm:Account:1", name="Acme", city="Bremen", website="acme.example")
    world.party("bank:customers:1", name="Acme", city="Bremen", street="Harbour Road 1", postcode="28195")
    world.party("desk:users:1", name="Acme", city="Graz", street="Harbour Road 1", postcode="28195")
    world.party("crm:Account:2", name="Bolt", website="bolt.example")
    world.customer(1, ["crm:Account:1", "bank:customers:1", "desk:users:1"])
    world.customer(2, ["crm:Account:2"])
    world.release()


def test_supply_counts_whose_value_is_published_and_whom_others_contradict(world: World):
    seed(world)
    follow(world)
    found = supply(world)
    assert found["website", "crm"] == (2, 0)
    assert found["city", "bank"] == (1, 1), "finance is believed on addresses; support says another city"
    assert ("city", "desk") not in found
    row = world.rows("SELECT * FROM golden.silo_supply WHERE field = 'website'")[0]
    assert (row["department"], row["records"], row["fresh"], row["newest_on"]) == ("sales", 2, 2, day(-10).date())


def test_consistency_is_of_values_that_several_records_tell(world: World):
    seed(world)
    follow(world)
    told = consistent(world)
    # name agreed; street, city, postcode as one address: region and country are not told by anybody
    provenance = world.rows("SELECT provenance FROM golden.customer WHERE golden_id = :id", id=str(_golden(1)))[0]
    compared = [f for f, said in provenance["provenance"].items() if said["rule"] not in {"only", "placeholder"}]
    assert sorted(compared) == ["city", "name", "postcode", "street"]
    lost = {field for field in compared if provenance["provenance"][field]["losers"]}
    assert told["all"] == (4 - len(lost), 4)
    assert told["finance"] == (4, 4), "nothing of finance is contradicted by what is published"
    assert told["support"][0] == 4 - sum(
        any(one["ref"].startswith("desk") for one in provenance["provenance"][field]["losers"]) for field in compared
    )
    assert "marketing" not in told


def _golden(number: int):
    from tests.integration.golden_world import golden

    return golden(number)


def test_the_increments_lead_where_counting_all_anew_would(world: World):
    seed(world)
    follow(world)
    world.party("desk:users:1", name="Acme", city="Bremen", street="Harbour Road 1", postcode="28195")
    world.party("crm:Account:2", name="Bolt", website=None)
    world.changed(["desk:users:1", "crm:Account:2"])
    world.release()
    world.merge(2, 1, ["crm:Account:2"])
    world.release()
    assert follow(world) > 0
    by_increments = supply(world), consistent(world)
    world.execute("TRUNCATE quality.supply, quality.consistency")
    world.execute("UPDATE quality.figure_state SET sequence = 0")
    follow(world)
    assert (supply(world), consistent(world)) == by_increments
    assert ("website", "crm") in supply(world)
    assert supply(world)["website", "crm"] == (1, 0)


def test_nothing_published_since_means_nothing_to_look_at(world: World):
    seed(world)
    assert follow(world) > 0
    assert follow(world) == 0
