"""Figures by day as lines over days or weeks. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.review import charts

WEEKLY_FROM = 60  # days: with more of them, points stand for weeks
Figures = Mapping[str, Sequence["Point | None"]]


class Point(NamedTuple):
    """A figure of a day or week; `cases` is what it is out of. `first`: what was told before it was restated."""

    value: float
    cases: int | None = None
    first: float | None = None

    @property
    def share(self) -> float | None:
        """In percent; None where it is out of nothing."""
        return 100.0 * self.value / self.cases if self.cases else None


class Period(NamedTuple):
    first: dt.date
    last: dt.date

    @property
    def label(self) -> str:
        """`2 Nov`: its last day, by which a figure of the state is told."""
        return f"{self.last.day} {self.last:%b}"


class Line(NamedTuple):
    """A chart: its figures by name in words, over the same periods; as shares, they are told in percent.

    Where it is not drawn, `instead` says why; '' where nothing is known.
    """

    name: str
    title: str
    figures: Figures
    shares: bool = False
    hint: str = ""
    instead: str = ""

    @property
    def empty(self) -> bool:
        return not any(point is not None for points in self.figures.values() for point in points)

    def drawn(self, periods: Sequence[Period]) -> str:
        series = {
            label: [None if p is None else p.share if self.shares else p.value for p in points]
            for label, points in self.figures.items()
        }
        return charts.lines(self.name, self.title, [p.label for p in periods], series, 100.0 if self.shares else 0.0)


def periods(last: dt.date, days: int) -> list[Period]:
    """The days up to `last`, or weeks that end with it where there are many."""
    step = 7 if days >= WEEKLY_FROM else 1
    ends = [last - dt.timedelta(days=back) for back in range(0, days, step)]
    return [Period(end - dt.timedelta(days=step - 1), end) for end in reversed(ends)]


def as_left(rows: Iterable[Any], name: str, over: Sequence[Period]) -> list[Point | None]:
    """Of each period what its last run left; None where none ran. `rows` are in the order of their days."""
    return [_last(row for row in found) for found in _by_period(rows, name, over)]


def in_all(rows: Iterable[Any], name: str, over: Sequence[Period]) -> list[Point | None]:
    """Of each period what happened in it in all; nothing is none."""
    return [_sum(found) for found in _by_period(rows, name, over)]


def _by_period(rows: Iterable[Any], name: str, over: Sequence[Period]) -> list[list[Any]]:
    places = {
        period.first + dt.timedelta(days=day): place
        for place, period in enumerate(over)
        for day in range((period.last - period.first).days + 1)
    }
    found: list[list[Any]] = [[] for _ in over]
    for row in rows:
        if row.name == name and row.day in places:
            found[places[row.day]].append(row)
    return found


def _last(rows: Iterable[Any]) -> Point | None:
    last = None
    for row in rows:
        last = Point(row.value, row.cases)
    return last


def _sum(rows: Sequence[Any]) -> Point:
    total = sum(row.value for row in rows)
    told = sum(row.value if row.first_value is None else row.first_value for row in rows)
    restated = any(row.first_value is not None for row in rows)
    return Point(total, None, told if restated else None)
