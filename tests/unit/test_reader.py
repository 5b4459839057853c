"""Asking together: one query for those who wait, begun after all of them asked."""

import asyncio

import pytest

from hub.db.reader import Together


def test_who_asks_while_a_query_is_under_way_goes_along_with_the_next():
    async def scene() -> None:
        queries, begun, gate = [], asyncio.Event(), asyncio.Event()

        async def look_up(keys: list[int]) -> dict[int, str]:
            queries.append(sorted(keys))
            begun.set()
            await gate.wait()
            return {key: f"{key} by query {len(queries)}" for key in keys if key < 10}

        together = Together(look_up)
        first = asyncio.ensure_future(together.get(1))
        await asyncio.wait_for(begun.wait(), 10)
        late = [asyncio.ensure_future(together.get(key)) for key in (1, 2, 2, 99)]
        gate.set()
        assert await first == "1 by query 1"
        assert await asyncio.gather(*late) == ["1 by query 2", "2 by query 2", "2 by query 2", None]
        assert queries == [[1], [1, 2, 99]]

    asyncio.run(scene())


def test_one_who_hangs_up_and_a_query_that_fails_leave_the_others_alone():
    async def scene() -> None:
        queries, begun, gate = [], asyncio.Event(), asyncio.Event()

        async def look_up(keys: list[int]) -> dict[int, int]:
            queries.append(keys)
            begun.set()
            await gate.wait()
            if len(queries) == 2:
                raise OSError("gone")
            return {key: key for key in keys}

        together = Together(look_up)
        impatient, patient = (asyncio.ensure_future(together.get(1)) for _ in range(2))
        await asyncio.wait_for(begun.wait(), 10)
        impatient.cancel()
        unlucky = asyncio.ensure_future(together.get(2))
        gate.set()
        assert await patient == 1
        with pytest.raises(OSError, match="gone"):
            await unlucky
        assert await together.get(3) == 3

    asyncio.run(scene())
