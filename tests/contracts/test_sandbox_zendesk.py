"""The simulated Zendesk behaves as the incremental export and ticketing references say."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from connectors import sandbox
from connectors.sandbox import moments, store
from tests.contracts.sandbox_clients import ZENDESK, get, zendesk_pages


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox.create(folder, size=4_000, seed=13)
    return folder


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    with sandbox.running(world) as found:
        yield found


def _old_enough(world, name: str) -> set[str]:
    with store.opened(world) as db:
        edge = store.meta(db)["now"] - 60 * moments.SECOND
        return {row.id for row in store.read(db, "object=? AND stamp<=?", (f"zendesk.{name}", edge))}


def test_a_wrong_token_is_refused(address):
    answer = get(f"{address}/zendesk/api/v2/incremental/users/cursor.json?start_time=0", auth=("a/token", "b"))
    assert (answer.status_code, answer.json()) == (401, {"error": "Couldn't authenticate you"})


@pytest.mark.parametrize(("name", "time"), [("tickets", "generated_timestamp"), ("users", "updated_at")])
def test_the_cursor_shows_every_row_once_though_stamps_are_equal_at_borders(world, address, name, time):
    pages = list(zendesk_pages(address, name, per_page=3))
    rows = [row for page in pages for row in page[name]]
    borders = [(one[name][-1][time], other[name][0][time]) for one, other in pairwise(pages) if other[name]]
    assert any(last == first for last, first in borders), "the world must put equal stamps at a page border"
    ids = [str(row["id"]) for row in rows]
    assert len(ids) == len(set(ids))
    assert set(ids) == _old_enough(world, name)
    assert [row[time] for row in rows] == sorted(row[time] for row in rows)


def test_the_last_page_keeps_its_cursor(address):
    last = list(zendesk_pages(address, "tickets"))[-1]
    assert last["end_of_stream"] is True
    assert last["after_url"]
    again = next(zendesk_pages(address, "tickets", cursor=last["after_cursor"]))
    assert (again["tickets"], again["end_of_stream"]) == ([], True)
    assert again["after_cursor"] == last["after_cursor"]


def test_rows_of_the_last_minute_come_the_next_time(tmp_path):
    sandbox.create(tmp_path, size=1_000, seed=3)
    with store.opened(tmp_path) as db:
        late = next(store.read(db, "object='zendesk.users' AND json_extract(json, '$.role')='end-user' LIMIT 1"))
        store.replace(db, [late._replace(stamp=store.meta(db)["now"] - 30_000)])
        db.commit()
    with sandbox.running(tmp_path) as address:
        pages = list(zendesk_pages(address, "users"))
        assert late.id not in {str(row["id"]) for page in pages for row in page["users"]}
        sandbox.tick(tmp_path)
        following = zendesk_pages(address, "users", cursor=pages[-1]["after_cursor"])
        assert late.id in {str(row["id"]) for page in following for row in page["users"]}


def test_a_start_that_is_missing_or_too_recent_is_refused(world, address):
    url = f"{address}/zendesk/api/v2/incremental/tickets/cursor.json"
    assert get(url, auth=ZENDESK).status_code == 400
    recent = get(url, params={"start_time": moments.to_ms(sandbox.world.START) // 1_000}, auth=ZENDESK)
    assert (recent.status_code, recent.json()["error"]) == (422, "StartTimeTooRecent")
    assert get(url, params={"cursor": "%%%"}, auth=ZENDESK).status_code == 400


def test_organizations_repeat_at_the_border_and_none_is_lost(world, address):
    seen: list[str] = []
    url: str | None = f"{address}/zendesk/api/v2/incremental/organizations.json?start_time=0&per_page=5"
    while url:
        page = get(url, auth=ZENDESK).json()
        seen.extend(str(row["id"]) for row in page["organizations"])
        assert page["count"] == len(page["organizations"])
        url = None if page["end_of_stream"] else page["next_page"]
    assert set(seen) == _old_enough(world, "organizations")
    assert len(seen) > len(set(seen))


def test_ratings_are_paged_by_cursor_from_a_start(address):
    url = f"{address}/zendesk/api/v2/satisfaction_ratings.json"
    rows: list[dict] = []
    after = None
    while True:
        params = {"page[size]": 7} | ({"page[after]": after} if after else {})
        page = get(url, params=params, auth=ZENDESK).json()
        rows.extend(page["satisfaction_ratings"])
        after = page["meta"]["after_cursor"]
        if not page["meta"]["has_more"]:
            assert page["links"]["next"] is None
            break
    assert len({row["id"] for row in rows}) == len(rows) > 14
    assert {row["score"] for row in rows} == {"good", "bad", "offered"}
    middle = rows[len(rows) // 2]
    start = moments.to_ms(moments.dt.datetime.fromisoformat(middle["created_at"])) // 1_000
    later = get(url, params={"page[size]": 100, "start_time": start}, auth=ZENDESK).json()["satisfaction_ratings"]
    assert later[0]["created_at"] == middle["created_at"]


def test_deleted_tickets_and_users_show_how_zendesk_shows_them(address):
    tickets = [row for page in zendesk_pages(address, "tickets") for row in page["tickets"]]
    users = [row for page in zendesk_pages(address, "users") for row in page["users"]]
    assert any(row["status"] == "deleted" for row in tickets)
    assert any(row["active"] is False for row in users)
    assert any("complaint" in row["tags"] for row in tickets)
