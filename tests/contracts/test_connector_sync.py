"""What every connector keeps, whatever the system: all rows, once, and the watermark with them."""

import datetime as dt

import pytest
from sqlalchemy import text

from connectors.sandbox import store
from hub.progress import Step
from tests.contracts.departments import Department


class CrashError(Exception):
    pass


def crash_after(pages: int):
    """A progress callback that stands for a crash after so many pages of a sync were committed."""
    seen = []

    def progress(step: Step) -> None:
        seen.append(step)
        if len(seen) == pages:
            raise CrashError

    return progress


def test_the_first_sync_lands_every_row(department: Department):
    reports = department.sync()
    assert set(department.landed()) == department.alive()
    for stream, report in reports.items():
        assert report.inserted == len([key for key in department.landed() if key[0] == stream])
        assert (report.updated, report.quarantined) == (0, 0)


def test_a_second_sync_without_a_change_writes_nothing(department: Department):
    department.sync()
    before = department.landed()
    again = department.sync()
    assert {(r.inserted, r.updated, r.deleted) for r in again.values()} == {(0, 0, 0)}
    assert department.landed() == before
    with department.engine.connect() as connection:
        runs = connection.execute(text("SELECT count(*) FROM landing.sync_run WHERE finished_at IS NOT NULL"))
        assert runs.scalar_one() == 2 * len(again)


def test_increments_lead_to_what_a_full_sync_sees(department: Department):
    department.sync()
    changed = 0
    for _ in range(6):
        department.tick()
        changed += sum(r.inserted + r.updated + r.deleted for r in department.sync().values())
    department.tick(2)
    department.sync()
    department.sync("fresh")
    assert changed > 0
    assert department.landed() == department.landed("fresh")
    assert set(department.landed()) == department.alive()


def test_an_increment_reads_little(department: Department):
    everything = sum(report.fetched for report in department.sync().values())
    department.tick()
    assert 0 < sum(report.fetched for report in department.sync().values()) < everything


def test_deletes_are_end_dated_and_keep_their_last_payload(department: Department):
    start = department.now
    department.sync()
    before = set(department.landed())
    while not (gone := before - department.alive()) and department.now < start + dt.timedelta(days=25):
        department.tick(5)
    department.sync()
    query = text(
        "SELECT stream, source_id, deleted_at, payload FROM landing.source_record WHERE deleted_at IS NOT NULL"
    )
    with department.engine.connect() as connection:
        buried = {(r.stream, r.source_id): r for r in connection.execute(query)}
    assert gone, "this world deletes nothing: the test would prove nothing"
    assert gone <= set(buried)
    assert all(len(buried[key].payload) > 3 for key in gone)
    assert {buried[key].deleted_at for key in gone} == {department.now}


@pytest.mark.parametrize("pages", [1, 6])
def test_a_crash_between_pages_loses_nothing_and_repeats_nothing(department: Department, pages: int):
    with pytest.raises(CrashError):
        department.sync(progress=crash_after(pages))
    with department.engine.connect() as connection:
        landed, counted, open_runs = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM landing.source_record), (SELECT sum(inserted + deleted) FROM landing.sync_run),"
                " (SELECT count(*) FROM landing.sync_run WHERE finished_at IS NULL)"
            )
        ).one()
    assert landed == counted > 0
    assert open_runs == 1
    rest = department.sync()
    assert set(department.landed()) == department.alive()
    assert sum(r.updated for r in rest.values()) == 0
    assert sum(r.inserted + r.deleted for r in rest.values()) + landed == len(department.landed()) + _buried(department)


def test_a_first_sync_resumes_in_its_middle(department: Department):
    first = next(iter(department.sync("whole").values())).stream
    with pytest.raises(CrashError):
        department.sync(progress=crash_after(2), streams=[first])
    resumed = department.sync(streams=[first])[first]
    assert resumed.unchanged <= 1  # a row at the border may come again, the pages before it do not


def test_a_crash_in_an_increment_is_made_good(department: Department):
    department.sync()
    department.tick(5)
    with pytest.raises(CrashError):
        department.sync(progress=crash_after(2))
    department.tick(1)
    department.sync()
    department.sync("fresh")
    assert department.landed() == department.landed("fresh")


def test_equal_stamps_at_page_borders_neither_lose_rows_nor_loop(department: Department):
    with store.opened(department.folder) as world_file:
        world_file.execute(
            "UPDATE record SET stamp = stamp - stamp % 2592000000, created = created - created % 2592000000"
        )
        world_file.execute("UPDATE record SET visible = stamp WHERE visible <> stamp")
        world_file.commit()
    with pytest.raises(CrashError):
        department.sync(progress=crash_after(3))
    department.sync()
    assert set(department.landed()) == department.alive()


def _buried(department: Department) -> int:
    with department.engine.connect() as connection:
        return connection.execute(
            text("SELECT count(*) FROM landing.source_record WHERE deleted_at IS NOT NULL")
        ).scalar_one()
