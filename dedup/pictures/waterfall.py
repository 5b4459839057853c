"""How the evidence about two records adds up, field by field, from the prior to the total."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dedup.pictures.svg import Picture, arrow, bits_of, chance, fit, signed, ticks

WIDTH, LEFT, RIGHT = 960.0, 392.0, 880.0
SECOND = 204.0
# Heights: the part above the rows, a row with two lines of text, a row with one, and the axis below.
HEAD, TALL, LOW, FOOT = 98.0, 46.0, 28.0, 52.0
BAR = 18.0
# A border of more bits than this would squeeze all evidence into one spot; nothing crosses it anyway.
FARTHEST = 40.0


@dataclass(frozen=True)
class _Scale:
    """From bits to pixels."""

    low: float
    high: float

    def x(self, bits: float) -> float:
        return LEFT + (RIGHT - LEFT) * (bits - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class _Row:
    """A bar from `start` to `end` bits, with what it stands for on the left and its size on the right."""

    name: str
    note: str
    start: float
    end: float
    kind: str
    size: str
    values: tuple[str, str] | None = None

    @property
    def height(self) -> float:
        return TALL if self.values else LOW


def waterfall(
    explanation: Mapping[str, Any], *, thresholds: Mapping[str, float] | None = None, style: bool = True
) -> str:
    """An SVG of what `dedup.explain` tells: bars that start at the prior, one after the other, and end at the total.

    `thresholds` (probabilities by name of the band, such as same and review) are drawn as borders. Keys `a` and `b` of
    the explanation, if there are any, name the two records. Without `style` it is made for a page that has the classes.
    """
    borders = {name: bits_of(border) for name, border in (thresholds or {}).items()}
    limits = {name: bits for name, bits in borders.items() if abs(bits) <= FARTHEST}
    rows = _rows(explanation)
    scale = _scale([bits for row in rows for bits in (row.start, row.end)], list(limits.values()))
    total = f"{chance(explanation['total'])} likely the same, {signed(explanation['total'])} bits"
    title = f"Evidence about two records of the kind {explanation.get('kind', 'customer')}: {total}"
    picture = Picture("waterfall", WIDTH, title, _told(rows))
    bottom = HEAD + sum(row.height for row in rows)
    _draw_head(picture, explanation, total)
    _draw_limits(picture, scale, limits, bottom)
    _draw_axis(picture, scale, bottom)
    top = HEAD
    for row in rows:
        _draw_row(picture, scale, row, top)
        top += row.height
    _draw_steps(picture, scale, rows)
    return picture.finish(bottom + FOOT, style=style)


def _rows(explanation: Mapping[str, Any]) -> list[_Row]:
    reached = float(explanation["prior"])
    rows = [_Row("Prior", "two records taken at random", 0.0, reached, "neutral", signed(reached))]
    for field in explanation["fields"]:
        rows.append(_field(field, reached))
        reached = rows[-1].end
    total = float(explanation["total"])
    return [
        *rows,
        _Row("Total", f"{chance(total)} likely the same", 0.0, total, "for" if total > 0 else "against", signed(total)),
    ]


def _field(field: Mapping[str, Any], reached: float) -> _Row:
    weight = float(field["weight"])
    kind = "neutral" if weight == 0 else "for" if weight > 0 else "against"
    given = [field.get("a"), field.get("b")]
    values = None
    if any(given):
        values = ("—" if given[0] is None else str(given[0]), "—" if given[1] is None else str(given[1]))
    name = str(field["field"]).replace("_", " ")
    return _Row(name[:1].upper() + name[1:], field["label"], reached, reached + weight, kind, signed(weight), values)


def _scale(reached: list[float], limits: list[float]) -> _Scale:
    """Wide enough for every bar, and for the name of the band beyond each border."""
    low, high = min(0.0, *reached, *limits), max(0.0, *reached, *limits)
    room, named = (max(share * (high - low), 0.5) for share in (0.05, 0.2))
    low, high = min(low, *reached) - room, max(high, *reached) + room
    return _Scale(
        min([low, *(border - named for border in limits)]), max([high, *(border + named for border in limits)])
    )


def _told(rows: list[_Row]) -> str:
    """The whole picture in words, for who cannot see it."""
    parts = [f"{row.name} ({row.note}) {row.size} bits" for row in rows]
    return "; ".join(parts) + "."


def _draw_head(picture: Picture, explanation: Mapping[str, Any], total: str) -> None:
    band = {"same": "The same", "review": "To be reviewed", "different": "Different"}
    said = band.get(explanation.get("band", ""), "Evidence")
    picture.text(20, 34, f"{said}: {total}", "head")
    records = [explanation.get(side) for side in ("a", "b")]
    if all(records):
        _draw_two(picture, HEAD - 12, (str(records[0]), str(records[1])), "muted small")
    picture.text(WIDTH - 20, HEAD - 12, "bits", "muted small", "end")
    if explanation.get("model_version"):
        picture.text(20, 55, f"model {explanation['model_version']}", "muted small")


def _draw_limits(picture: Picture, scale: _Scale, limits: Mapping[str, float], bottom: float) -> None:
    """The bands as areas, each named at its top."""
    ordered = sorted(limits.items(), key=lambda limit: limit[1])
    borders = [*(scale.x(border) for _, border in ordered), RIGHT]
    for (name, border), (left, right) in zip(ordered, pairwise(borders), strict=True):
        picture.box(left, HEAD - 4, right - left, bottom - HEAD + 4, "zone-same" if name == "same" else "zone")
        picture.line(left, HEAD - 24, left, bottom, "limit")
        if right - left > 14 + 7 * len(name):
            picture.text(left + 6, HEAD - 26, name, "strong small")
        if right - left > 76:
            picture.text(left + 6, HEAD - 12, f"from {chance(border)}", "muted small")
    if ordered:
        picture.text(borders[0] - 6, HEAD - 26, "different", "strong small", "end")


def _draw_axis(picture: Picture, scale: _Scale, bottom: float) -> None:
    for tick in ticks(scale.low, scale.high, 9):
        x = scale.x(tick)
        picture.line(x, HEAD - 4, x, bottom + 5, "grid" if tick else "axis")
        picture.text(x, bottom + 19, signed(tick).replace(".0", ""), "text small number", "middle")
        if abs(tick) < 20:
            picture.text(x, bottom + 34, chance(tick), "muted small number", "middle")
    picture.line(LEFT, bottom, RIGHT, bottom, "axis")
    picture.text(20, bottom + 19, "bits: each one doubles the odds", "muted small")
    picture.text(20, bottom + 34, "probability", "muted small")


def _draw_row(picture: Picture, scale: _Scale, row: _Row, top: float) -> None:
    sum_up = row.name in {"Prior", "Total"} and row.start == 0.0
    picture.line(20, top, WIDTH - 20, top, "grid")
    name = fit(row.name, 20)
    picture.label(20, top + 19, name, fit(row.note, 52 - len(name)))
    if row.values:
        _draw_two(picture, top + 37, row.values, "muted small" if row.kind == "neutral" else "text small")
    middle = top + row.height / 2
    start, end = scale.x(row.start), scale.x(row.end)
    if abs(end - start) >= 0.5:
        picture.shape(arrow(start, end, middle - BAR / 2, BAR), row.kind)
    picture.text(WIDTH - 20, middle + 5, row.size, "strong number" if sum_up else "text number", "end")


def _draw_two(picture: Picture, y: float, values: tuple[str, str], kinds: str) -> None:
    picture.text(20, y, fit(values[0], 26), kinds)
    picture.text(SECOND, y, fit(values[1], 26), kinds)


def _draw_steps(picture: Picture, scale: _Scale, rows: list[_Row]) -> None:
    """Thin lines that lead from the end of each bar to the start of the next, through rows without a bar."""
    heights = np.array([row.height for row in rows])
    middles = HEAD + np.cumsum(heights) - heights / 2
    halves = [BAR / 2 if row.start != row.end else 0.0 for row in rows]
    for at, row in enumerate(rows[:-1]):
        x = scale.x(row.end)
        picture.line(x, float(middles[at]) + halves[at], x, float(middles[at + 1]) - halves[at + 1], "step")
