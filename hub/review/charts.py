"""Charts of the review app as SVG: lines over time, bars over time, and how chances come true. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dedup.pictures.svg import Picture, ticks

WIDTH, HEIGHT = 760.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 722.0, 46.0, 222.0
Values = Sequence[float | None]


@dataclass(frozen=True)
class _Plot:
    """From places (0 to count - 1) and values (0 to most) to pixels."""

    count: int
    most: float

    def x(self, place: float) -> float:
        return LEFT + (RIGHT - LEFT) * (place + 0.5) / self.count

    def y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * value / self.most


def lines(name: str, title: str, places: Sequence[str], series: Mapping[str, Values], most: float = 0.0) -> str:
    """A line for each series over the same places; a missing value interrupts it.

    `most` is the upper end of the upright axis; 0 leaves it to the values.
    """
    picture, plot = _begin(name, title, places, series, most or _highest(series.values()))
    for at, values in enumerate(series.values(), 1):
        for run in _unbroken(values):
            points = [(plot.x(place), plot.y(value)) for place, value in run]
            picture.curve(points, f"curve series-{at}")
            for x, y in points:
                picture.dot(x, y, 3, f"fill-{at}")
    return picture.finish(HEIGHT, style=False)


def bars(name: str, title: str, places: Sequence[str], series: Mapping[str, Values]) -> str:
    """The series of each place stacked on one bar."""
    totals = [sum(values[place] or 0 for values in series.values()) for place in range(len(places))]
    picture, plot = _begin(name, title, places, series, _highest([totals]))
    width = min(36.0, 0.6 * (RIGHT - LEFT) / plot.count)
    for place in range(len(places)):
        below = 0.0
        for at, values in enumerate(series.values(), 1):
            height = values[place] or 0.0
            top = plot.y(below + height)
            if height:
                picture.box(plot.x(place) - width / 2, top, width, plot.y(below) - top, f"fill-{at}")
            below += height
    return picture.finish(HEIGHT, style=False)


def _begin(
    name: str, title: str, places: Sequence[str], series: Mapping[str, Values], most: float
) -> tuple[Picture, _Plot]:
    """Axes, legend and the words for those who cannot see it."""
    plot = _Plot(max(len(places), 1), most)
    told = "; ".join(f"{label}: {_last(values)}" for label, values in series.items())
    picture = Picture(name, WIDTH, title, f"{title}, {places[0] if places else ''} to now. Latest values: {told}.")
    left = LEFT
    for at, label in enumerate(series, 1):
        picture.box(left, 14, 12, 12, f"fill-{at}")
        picture.text(left + 18, 24, label, "text small")
        left += 40 + 7 * len(label)
    for tick in _steps(most):
        picture.line(LEFT, plot.y(tick), RIGHT, plot.y(tick), "grid" if tick else "axis")
        picture.text(LEFT - 8, plot.y(tick) + 4, f"{tick:,}", "text small number", "end")
    every = -(-len(places) // 8)
    for place in range(len(places) - 1, -1, -every):
        picture.text(plot.x(place), BOTTOM + 20, places[place], "muted small number", "middle")
    return picture, plot


def _steps(most: float) -> list[int]:
    scale = 10 ** max(len(str(int(most))) - 3, 0)
    return [tick * scale for tick in ticks(0, most / scale, 6)]


def _highest(several: Iterable[Values]) -> float:
    values = [value for one in several for value in one if value is not None]
    return max([4.0, *values]) * 1.05


def _last(values: Values) -> str:
    known = [value for value in values if value is not None]
    return f"{known[-1]:,.0f}" if known else "none"


def _unbroken(values: Values) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]
