"""Precision, recall and F1 of scored pairs and of their clusters, at every threshold."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dedup.pictures.svg import Picture, bits_of, chance, stairs

WIDTH, HEIGHT = 960.0, 404.0
# The two panels: left edges, width, top and bottom of the plot.
LEFTS, PANEL, TOP, BOTTOM = (64.0, 532.0), 408.0, 138.0, 344.0
PANELS = (("pairs", "Scored pairs"), ("clusters", "Clusters: all that any pair joins"))
MEASURES = ("precision", "recall", "f1")
NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}
MARKS = (1e-5, 1e-4, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
EDGE_BITS = 20.0


@dataclass(frozen=True)
class _Panel:
    """From a probability and a measure to pixels; the measures begin at `floor`."""

    left: float
    low: float
    high: float
    floor: float

    def x(self, probability: float) -> float:
        bits = min(max(bits_of(probability), self.low), self.high)
        return self.left + PANEL * (bits - self.low) / (self.high - self.low)

    def y(self, measure: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (measure - self.floor) / (1.0 - self.floor)


def curves(
    curve: Mapping[str, Any], *, title: str = "", thresholds: Mapping[str, float] | None = None, style: bool = True
) -> str:
    """An SVG of what `dedup.curve.threshold_curve` found: a panel for scored pairs and one for clusters.

    `title` says of what, such as a kind; `thresholds` are the probabilities in force by name of the band. Both panels
    have the same axes; the upright one begins at the tenth below the smallest measure.
    """
    head = f"Quality by threshold{f': {title}' if title else ''}"
    picture = Picture("curves", WIDTH, head, " ".join(_best(curve[name], label) for name, label in PANELS))
    picture.text(20, 34, head, "head")
    _draw_legend(picture)
    low, high = _range(curve, list((thresholds or {}).values()))
    floor = _floor(curve)
    for left, (name, label) in zip(LEFTS, PANELS, strict=True):
        panel = _Panel(left, low, high, floor)
        picture.text(left, TOP - 40, label, "strong")
        _draw_grid(picture, panel, {name: limit for name, limit in (thresholds or {}).items() if 0.0 < limit < 1.0})
        _draw_measures(picture, panel, curve[name])
    picture.text(20, HEIGHT - 16, "threshold: pairs from this probability on are merged", "muted small")
    return picture.finish(HEIGHT, style=style)


def _range(curve: Mapping[str, Any], limits: list[float]) -> tuple[float, float]:
    chances = [*limits, *(chance for name, _ in PANELS for chance in curve[name]["threshold"])]
    bits = [min(max(bits_of(one), -EDGE_BITS), EDGE_BITS) for one in chances] or [-1.0, 1.0]
    return min(bits) - 0.5, max(bits) + 0.5


def _floor(curve: Mapping[str, Any]) -> float:
    values = [
        value for name, _ in PANELS for measure in MEASURES for value in curve[name][measure] if value is not None
    ]
    return min(math.floor(10.0 * min(values, default=0.0)) / 10.0, 0.9)


def _best(measures: Mapping[str, Any], label: str) -> str:
    best = measures["best"]
    if best is None or best["f1"] is None:
        return f"{label}: nothing to measure."
    told = ", ".join(f"{NAMES[name]} {best[name]:.4f}" for name in MEASURES if best[name] is not None)
    return f"{label}: best from {_percent(best['threshold'])}, {told}."


def _percent(probability: float) -> str:
    return chance(bits_of(probability))


def _draw_legend(picture: Picture) -> None:
    for left, name in zip((20.0, 130.0, 220.0), MEASURES, strict=True):
        picture.line(left, 57, left + 34, 57, f"curve {name}")
        picture.text(left + 42, 61, NAMES[name], "text small")
    picture.dot(312, 57, 4.5, "dot")
    picture.text(324, 61, "best F1", "text small")


def _draw_grid(picture: Picture, panel: _Panel, limits: Mapping[str, float]) -> None:
    for tenth in range(round(10 * panel.floor), 11):
        y = panel.y(tenth / 10)
        picture.line(panel.left, y, panel.left + PANEL, y, "axis" if y == BOTTOM else "grid")
        if tenth % 2 == 0 or panel.floor >= 0.5:
            picture.text(panel.left - 8, y + 4, f"{tenth / 10:.1f}", "text small number", "end")
    shown = -100.0
    for mark in MARKS:
        x = panel.x(mark)
        if panel.low < bits_of(mark) < panel.high:
            picture.line(x, TOP, x, BOTTOM + 5, "grid")
        if panel.low < bits_of(mark) < panel.high and x - shown > 56:
            picture.text(x, BOTTOM + 20, _percent(mark), "text small number", "middle")
            shown = x
    for name, limit in limits.items():
        picture.line(panel.x(limit), TOP - 14, panel.x(limit), BOTTOM, "limit")
        picture.text(panel.x(limit) - 4, TOP - 8, name, "muted small", "end")


def _draw_measures(picture: Picture, panel: _Panel, measures: Mapping[str, Any]) -> None:
    for name in MEASURES:
        both = zip(measures["threshold"], measures[name], strict=True)
        points = [(panel.x(threshold), panel.y(value)) for threshold, value in both if value is not None]
        picture.curve(stairs(points), f"curve {name}")
    best = measures["best"]
    if best is not None and best["f1"] is not None:
        picture.dot(panel.x(best["threshold"]), panel.y(best["f1"]), 5, "dot")
        told = f"best F1 {best['f1']:.4f} from {_percent(best['threshold'])}"
        picture.text(panel.left + PANEL, TOP - 40, told, "muted small number", "end")
