"""Publish: all or nothing, history, a feed that can be replayed, and ids that always lead somewhere."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.db.tables import canonical
from hub.errors import NotFoundError
from hub.golden import read
from hub.golden.fingerprint import fingerprint
from hub.golden.publish import PublishReport, publish
from tests.integration.golden_world import NOW, World, day, golden
from tests.waiting import PATIENCE


@pytest.fixture
def world(db: Engine) -> World:
    world = World(db)
    world.customer(1, [world.party("crm:Account:1", name="Acme")])
    world.customer(2, [world.party("bank:customer:1", name="Acme GmbH")])
    ann = world.party("crm:Contact:1", kind="person", name="Ann Lee", employer_ref="crm:Account:1")
    world.customer(3, [ann], kind="person")
    world.opportunity("crm:Opportunity:1", "crm:Account:1", contact_ref="crm:Contact:1")
    world.invoice("bank:invoice:1", "bank:customer:1", "10.00")
    return world


def replayed(world: World) -> dict[str, Any]:
    """What a consumer has who read the feed from zero."""
    copy: dict[str, Any] = {}
    for change in world.rows("SELECT * FROM golden.change ORDER BY sequence"):
        assert copy.get(str(change["golden_id"])) == change["before"]
        if change["after"] is None:
            del copy[str(change["golden_id"])]
        else:
            copy[str(change["golden_id"])] = change["after"]
    return copy


def published(world: World) -> dict[str, Any]:
    rows = world.rows("SELECT golden_id, to_jsonb(c) AS record FROM golden.customer c")
    return {str(row["golden_id"]): row["record"] for row in rows}


def changes(world: World, publication: int) -> list[tuple[str, int]]:
    rows = world.rows(
        "SELECT op, golden_id FROM golden.change WHERE publication = :number ORDER BY sequence", number=publication
    )
    return [(row["op"], row["golden_id"].int) for row in rows]


def test_the_first_publication_shows_everything(world: World) -> None:
    assert world.release() == PublishReport(number=1, published=True, customers=3, created=3, opportunities_changed=1)
    assert set(published(world)) == {str(golden(number)) for number in (1, 2, 3)}
    assert changes(world, 1) == [("created", 1), ("created", 2), ("created", 3)]
    row = world.rows("SELECT * FROM golden.opportunity")[0]
    assert (row["golden_id"], row["flags"], row["publication"]) == (golden(1), [], 1)


def test_publishing_twice_changes_nothing(world: World, db: Engine) -> None:
    world.release()
    tables = ("customer_row", "change", "publication", "opportunity_row")
    before = [world.rows(f"SELECT * FROM golden.{table}") for table in tables]
    again = world.publish()
    assert again == PublishReport(number=1, published=False, customers=3)
    world.changed(["crm:Account:1", "bank:customer:1", "crm:Contact:1"])
    assert world.release() == again
    assert [world.rows(f"SELECT * FROM golden.{table}") for table in tables] == before


def test_publishing_nothing_at_all_makes_no_publication(db: Engine) -> None:
    assert World(db).publish() == PublishReport(number=0, published=False, customers=0)


def test_a_value_that_changed_and_changed_back_is_not_news(world: World) -> None:
    world.release()
    for name in ("Acme Ltd", "Acme"):
        world.party("crm:Account:1", name=name)
        world.changed(["crm:Account:1"])
        world.compose()
    assert not world.publish().published
    assert world.rows("SELECT * FROM golden.to_publish") == []


def test_history_has_every_version(world: World) -> None:
    world.release()
    world.party("crm:Account:1", name="Acme Holding")
    world.changed(["crm:Account:1"])
    report = world.release()
    assert (report.number, report.changed, report.created, report.customers) == (2, 1, 0, 3)
    history = world.rows(
        "SELECT version, name, valid_from, valid_to, publication FROM golden.customer_history WHERE golden_id = :id ORDER BY version",
        id=golden(1),
    )
    assert [(row["version"], row["name"], row["publication"]) for row in history] == [
        (1, "Acme", 1), (2, "Acme Holding", 2),
    ]  # fmt: skip
    assert history[0]["valid_to"] == history[1]["valid_from"] > history[0]["valid_from"]
    assert history[1]["valid_to"] is None


def _merge_one_into_two(world: World) -> PublishReport:
    world.merge(1, into=2, refs=["crm:Account:1"])
    return world.release()


def test_a_merged_customer_ends_with_its_survivor(world: World, db: Engine) -> None:
    world.release()
    report = _merge_one_into_two(world)
    assert (report.merged, report.retired, report.changed, report.customers) == (1, 1, 2, 2)
    assert changes(world, 2) == [("merged", 1), ("changed", 2), ("changed", 3)]
    merged = world.rows("SELECT survivor, version, after FROM golden.change WHERE op = 'merged'")[0]
    assert merged == {"survivor": golden(2), "version": 2, "after": None}
    assert world.rows("SELECT golden_id FROM golden.opportunity") == [{"golden_id": golden(2)}]
    with db.connect() as connection:
        assert read.resolve_id(connection, golden(1)) == read.Resolution(golden(1), "merged", golden(2), ())
        assert read.current(connection, golden(1)) is None
        found = read.by_ref(connection, "crm:Account:1")
    assert found is not None
    assert found["golden_id"] == golden(2)


def test_the_survivor_of_a_survivor_is_told(world: World, db: Engine) -> None:
    world.release()
    world.merge(1, into=2, refs=["crm:Account:1"])
    world.customer(4, [world.party("desk:organization:1")])
    world.merge(2, into=4, refs=["crm:Account:1", "bank:customer:1"])
    world.release()
    told = world.rows("SELECT golden_id, survivor FROM golden.change WHERE op = 'merged' ORDER BY sequence")
    assert told == [{"golden_id": golden(number), "survivor": golden(4)} for number in (1, 2)]
    with db.connect() as connection:
        assert read.resolve_id(connection, golden(1)).golden_id == golden(4)


def test_a_split_names_the_new_customer(world: World, db: Engine) -> None:
    world.release()
    _merge_one_into_two(world)
    world.customer(5, ["crm:Account:1"])
    world.lineage("split", 2, 5)
    report = world.release()
    assert (report.split, report.created, report.changed) == (1, 1, 2)
    assert changes(world, 3) == [("changed", 2), ("changed", 3), ("split", 5)]
    with db.connect() as connection:
        assert read.resolve_id(connection, golden(2)).split_into == (golden(5),)


def test_a_customer_to_whom_nothing_belongs_any_more_is_erased(world: World, db: Engine) -> None:
    world.release()
    world.customer(2, ["crm:Account:1"])
    with db.begin() as connection:
        connection.execute(
            text("UPDATE identity.golden_id SET status = 'retired' WHERE golden_id = :i"), {"i": golden(1)}
        )
    report = world.release()
    assert (report.retired, report.merged) == (1, 0)
    assert changes(world, 2)[0] == ("erased", 1)
    with db.connect() as connection:
        assert read.resolve_id(connection, golden(1)) == read.Resolution(golden(1), "retired", None, ())


def test_an_id_nobody_ever_had_is_not_found(world: World, db: Engine) -> None:
    with db.connect() as connection, pytest.raises(NotFoundError):
        read.resolve_id(connection, golden(99))


def test_whoever_replays_the_feed_has_the_golden_record(world: World) -> None:
    world.release()
    _merge_one_into_two(world)
    world.party("crm:Contact:1", name="Ann Lee-Smith", kind="person", employer_ref="crm:Account:1")
    world.changed(["crm:Contact:1"])
    world.release()
    world.customer(5, ["crm:Account:1"])
    world.lineage("split", 2, 5)
    world.release()
    world.customer(5, ["bank:customer:1"])
    world.release()
    assert replayed(world) == published(world)
    numbers = [row["sequence"] for row in world.rows("SELECT sequence FROM golden.change ORDER BY sequence")]
    assert numbers == list(range(1, len(numbers) + 1))
    versions = world.rows("SELECT golden_id, array_agg(version ORDER BY sequence) AS v FROM golden.change GROUP BY 1")
    assert all(row["v"] == list(range(1, len(row["v"]) + 1)) for row in versions)


def test_a_flag_alone_makes_a_publication(world: World) -> None:
    world.release()
    world.flag("crm:Opportunity:1", "inactive")
    report = world.publish()
    assert (report.number, report.published, report.opportunities_changed, report.changed) == (2, True, 1, 0)
    assert world.rows("SELECT flags FROM golden.opportunity") == [{"flags": ["inactive"]}]
    world.opportunity("crm:Opportunity:1", "crm:Account:1", deleted_at=day(0))
    assert world.publish().opportunities_changed == 1
    assert world.rows("SELECT * FROM golden.opportunity") == []


def test_an_opportunity_never_names_a_customer_that_is_not_published(world: World) -> None:
    world.publish()
    assert world.rows("SELECT golden_id FROM golden.opportunity") == [{"golden_id": None}]


def test_a_publisher_that_dies_before_its_commit_loses_nothing(world: World, db: Engine) -> None:
    world.release()
    world.party("crm:Account:1", name="Acme Holding")
    world.changed(["crm:Account:1"])
    world.compose()
    before = published(world)
    failures: list[Exception] = []

    def publish_and_die() -> None:
        try:
            world.publish()
        except DBAPIError as error:
            failures.append(error)

    publisher = threading.Thread(target=publish_and_die)
    with db.connect() as blocker, blocker.begin():
        blocker.execute(text("LOCK TABLE golden.publication IN SHARE MODE"))  # its last write has to wait
        publisher.start()
        world.rows("SELECT pg_terminate_backend(:pid)", pid=world.waiting())
        publisher.join(timeout=PATIENCE)
    assert len(failures) == 1
    assert published(world) == before
    report = world.publish()
    assert (report.number, report.changed) == (2, 1)
    assert published(world)[str(golden(1))]["name"] == "Acme Holding"
    assert replayed(world) == published(world)


def test_a_reader_sees_no_half_publication(world: World, db: Engine) -> None:
    """Every round renames all customers at once; a reader who ever sees two rounds beside each other saw a half."""
    halves, rounds_seen = [], set()
    stop, reading = threading.Event(), threading.Event()

    def read_on() -> None:
        while not stop.is_set():
            with db.connect() as connection:
                names = set(connection.execute(text("SELECT DISTINCT street FROM golden.customer")).scalars())
                told = connection.execute(text("SELECT max(number) FROM golden.publication")).scalar_one()
            rounds_seen.add(told)
            halves.extend([names] if len(names) > 1 else [])
            reading.set()

    reader = threading.Thread(target=read_on)
    reader.start()
    reading.wait(timeout=PATIENCE)
    for number in range(1, 8):
        with db.begin() as connection:
            connection.execute(text("UPDATE canonical.party SET street = :street"), {"street": f"Ring {number}"})
        world.changed(["crm:Account:1", "bank:customer:1", "crm:Contact:1"])
        world.compose(chunk=1)
        reading.clear()
        assert world.publish().number == number
        assert reading.wait(timeout=PATIENCE)
    stop.set()
    reader.join(timeout=PATIENCE)
    assert halves == []
    assert len(rounds_seen) > 3


def test_publishers_take_turns(world: World, db: Engine) -> None:
    world.compose()
    reports: list[PublishReport] = []
    threads = [threading.Thread(target=lambda: reports.append(publish(db, run_id="run", as_of=NOW))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert sorted(report.published for report in reports) == [False, False, False, True]
    assert {report.number for report in reports} == {1}
    assert replayed(world) == published(world)


def test_pages_list_every_customer_once(world: World, db: Engine) -> None:
    world.release()
    with db.connect() as connection:
        first = read.page(connection, None, 2)
        rest = read.page(connection, first[-1]["golden_id"], 2)
        current = read.current(connection, golden(3))
    assert [row["golden_id"] for row in first + rest] == [golden(1), golden(2), golden(3)]
    assert rest == [current]


def test_a_record_is_found_where_it_is_published(world: World, db: Engine) -> None:
    world.release()
    world.customer(2, ["crm:Account:1"])
    with db.connect() as connection:
        found = read.by_ref(connection, "crm:Account:1")
        assert found is not None
        assert found["golden_id"] == golden(1)
        assert read.by_ref(connection, "crm:Account:unknown") is None


def test_the_fingerprint_is_of_what_is_said_not_of_how_it_came_about(world: World, db: Engine) -> None:
    def now() -> str:
        with db.connect() as connection:
            return fingerprint(connection)

    empty = now()
    world.release()
    first = now()
    _merge_one_into_two(world)
    merged = now()
    assert len({empty, first, merged}) == 3
    # The same customers as at first, under other golden ids, versions and publications.
    world.customer(7, ["crm:Account:1"])
    world.customer(8, ["bank:customer:1"])
    world.release()
    assert now() == first
    world.fact(canonical.Touch, "mail:event:1", "crm:Contact:1", channel="email", outcome="sent", touched_at=day(-1))
    world.changed(["crm:Contact:1"])
    world.release()
    assert now() != first


def test_only_opportunities_that_changed_are_looked_at(world: World) -> None:
    """Whatever else is written over the published row would be mended if all were looked at."""
    world.opportunity("crm:Opportunity:2", "crm:Account:1")
    world.release()
    world.rows("UPDATE golden.opportunity_row SET name = 'marked' RETURNING 1")
    world.party("bank:customer:1", name="Acme Ltd")
    world.changed(["bank:customer:1"])
    world.flag("crm:Opportunity:2", "inactive")
    assert world.release().opportunities_changed == 1
    shown = world.rows("SELECT ref, name, flags FROM golden.opportunity ORDER BY ref")
    assert [(row["name"], row["flags"]) for row in shown] == [("marked", []), ("Deal", ["inactive"])]
    world.merge(1, into=2, refs=["crm:Account:1"])
    assert world.release().opportunities_changed == 2
    assert {row["golden_id"] for row in world.rows("SELECT golden_id FROM golden.opportunity")} == {golden(2)}
    assert world.rows("SELECT 1 FROM golden.to_publish_opportunity") == []


def test_the_number_of_customers_is_counted_on(world: World) -> None:
    world.release()
    _merge_one_into_two(world)
    world.customer(5, ["crm:Account:1"])
    assert world.release().customers == 3 == world.rows("SELECT count(*) AS n FROM golden.customer")[0]["n"]
