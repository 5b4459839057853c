"""A small SVG writer: texts, lines, boxes and shapes with class names; the colours follow the reader's light or dark.

An SVG file carries its style sheet. A picture that becomes part of a page leaves it out, because pages may forbid
styles within; the page's own sheet then says what the classes `pic-...` look like.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np

# Blue and vermillion differ for every kind of colour vision (Okabe and Ito); brighter ones of the same hues on dark.
STYLE = """
.pic { color: #1a2330; font: 13px Inter, system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
.pic-ground { fill: #ffffff; }
.pic-text { fill: currentColor; }
.pic-muted { fill: currentColor; fill-opacity: 0.68; }
.pic-head { fill: currentColor; font-size: 19px; font-weight: 650; }
.pic-strong { fill: currentColor; font-weight: 600; }
.pic-small { font-size: 11.5px; }
.pic-number { font-variant-numeric: tabular-nums; }
.pic-for { fill: #0072b2; }
.pic-against { fill: #d55e00; }
.pic-neutral { fill: #75818f; }
.pic-zone { fill: currentColor; fill-opacity: 0.035; }
.pic-zone-same { fill: #0072b2; fill-opacity: 0.07; }
.pic-grid, .pic-axis, .pic-step, .pic-limit { stroke: currentColor; fill: none; }
.pic-grid { stroke-opacity: 0.1; }
.pic-axis { stroke-opacity: 0.5; }
.pic-step { stroke-opacity: 0.45; }
.pic-limit { stroke-opacity: 0.6; stroke-dasharray: 4 4; }
.pic-curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.pic-precision { stroke: #0072b2; }
.pic-recall { stroke: #d55e00; stroke-dasharray: 7 4; }
.pic-f1 { stroke: currentColor; stroke-width: 3; }
.pic-dot { fill: currentColor; }
@media (prefers-color-scheme: dark) {
  .pic { color: #e6ebf1; }
  .pic-ground { fill: #151b23; }
  .pic-for, .pic-zone-same { fill: #56b4e9; }
  .pic-against { fill: #f08a3c; }
  .pic-neutral { fill: #8b98a8; }
  .pic-precision { stroke: #56b4e9; }
  .pic-recall { stroke: #f08a3c; }
}
"""

# What XML 1.0 cannot hold: control characters, halves of surrogate pairs, and two that are no characters.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Picture:
    """What was drawn so far, on a ground `width` pixels wide; `finish` says how high it became.

    Coordinates are in pixels from the upper left corner. `kinds` are class names of `STYLE` without their prefix.
    """

    def __init__(self, name: str, width: float, title: str, description: str) -> None:
        self.width = width
        given = {"xmlns": "http://www.w3.org/2000/svg", "class": f"pic pic-{name}", "role": "img"}
        self._root = ET.Element("svg", {**given, "aria-labelledby": f"pic-{name}-title pic-{name}-desc"})
        for tag, words in (("title", title), ("desc", description)):
            ET.SubElement(self._root, tag, {"id": f"pic-{name}-{tag}"}).text = writable(words)
        self._body = ET.SubElement(self._root, "g")

    def text(self, x: float, y: float, words: str, kinds: str = "text", anchor: str = "start") -> None:
        """One line of text; `anchor` (start, middle, end) is the part of it that stands at x, `y` its baseline."""
        element = self._add("text", kinds, x=x, y=y)
        if anchor != "start":
            element.set("text-anchor", anchor)
        element.text = writable(words)

    def label(self, x: float, y: float, name: str, note: str) -> None:
        """A name in strong letters with a note beside it, however wide the reader's font makes the name."""
        element = self._add("text", "text", x=x, y=y)
        ET.SubElement(element, "tspan", {"class": "pic-strong"}).text = writable(name)
        ET.SubElement(element, "tspan", {"class": "pic-muted pic-small", "dx": "8"}).text = writable(note)

    def line(self, x1: float, y1: float, x2: float, y2: float, kinds: str) -> None:
        self._add("line", kinds, x1=x1, y1=y1, x2=x2, y2=y2)

    def box(self, x: float, y: float, width: float, height: float, kinds: str) -> None:
        self._add("rect", kinds, x=x, y=y, width=width, height=height)

    def dot(self, x: float, y: float, radius: float, kinds: str) -> None:
        self._add("circle", kinds, cx=x, cy=y, r=radius)

    def shape(self, points: Iterable[tuple[float, float]], kinds: str) -> None:
        """A filled area."""
        self._add("polygon", kinds).set("points", _listed(points))

    def curve(self, points: Iterable[tuple[float, float]], kinds: str) -> None:
        """A line over several points."""
        self._add("polyline", kinds).set("points", _listed(points))

    def finish(self, height: float, *, style: bool = True) -> str:
        """The SVG, as a file that stands alone or, without `style`, as part of a page that has the classes."""
        sizes = {"width": _number(self.width), "height": _number(height)}
        self._root.attrib.update(sizes, viewBox=f"0 0 {sizes['width']} {sizes['height']}")
        if style:
            sheet = ET.Element("style")
            sheet.text = STYLE
            self._root.insert(2, sheet)
            self._root.insert(3, ET.Element("rect", {"class": "pic-ground", **sizes}))
        return ET.tostring(self._root, encoding="unicode") + "\n"

    def _add(self, tag: str, kinds: str, **numbers: float) -> ET.Element:
        names = " ".join(f"pic-{kind}" for kind in kinds.split())
        return ET.SubElement(
            self._body, tag, {"class": names, **{name: _number(value) for name, value in numbers.items()}}
        )


def writable(words: str) -> str:
    """The text with a replacement character for whatever XML cannot hold."""
    return _UNWRITABLE.sub("\ufffd", words)


def fit(words: str, units: int) -> str:
    """One line of at most about `units` average letters; what is cut off is marked by an ellipsis."""
    line = " ".join(words[: 8 * units].split())
    # Chinese, Japanese and Korean characters are nearly twice as wide as letters.
    widths = np.cumsum([1.8 if unicodedata.east_asian_width(one) in "WF" else 1.0 for one in line])
    if not line or widths[-1] <= units:
        return line
    return line[: max(int(np.searchsorted(widths, units - 1, side="right")), 1)].rstrip() + "…"


def signed(bits: float) -> str:
    """`+6.6`, `−2.1`, `0`"""
    return "0" if abs(bits) < 0.05 else f"{bits:+.1f}".replace("-", "−")


def chance(bits: float) -> str:
    """The probability that so much evidence makes, never rounded up to certainty: `0.1 %`, `50 %`, `99.99 %`."""
    share = 100.0 / (1.0 + 2.0 ** -max(min(bits, 60.0), -60.0))
    rest = min(share, 100.0 - share)
    if rest < 0.0001:
        return "under 0.0001 %" if share < 50 else "over 99.9999 %"
    # One digit of what is missing to 0 or 100, so that it never rounds to them.
    decimals = 0 if rest >= 0.95 else -int(np.floor(np.log10(1.05 * rest)))
    return f"{share:.{decimals}f} %"


def bits_of(probability: float) -> float:
    """The bits of evidence behind a probability; infinite for 0 and 1."""
    with np.errstate(divide="ignore"):
        return float(np.log2(probability) - np.log2(1.0 - probability))


def ticks(low: float, high: float, most: int) -> list[int]:
    """Round numbers from `low` to `high`, at most `most` of them."""
    step = next((step for step in _ROUND_STEPS if (high - low) / step <= most - 1), _ROUND_STEPS[-1])
    return list(range(int(np.ceil(low / step)) * step, int(np.floor(high / step)) * step + 1, step))


def arrow(start: float, end: float, top: float, height: float) -> list[tuple[float, float]]:
    """The corners of a bar from x `start` to x `end` that points to where it goes."""
    tip = min(6.0, abs(end - start)) * (1 if end >= start else -1)
    neck = end - tip
    bottom = top + height
    return [(start, top), (neck, top), (end, top + height / 2), (neck, bottom), (start, bottom)]


def stairs(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of steps that hold each height until the next point: from left to right, or right to left."""
    corners = points[:1]
    for (_, y), (x, next_y) in pairwise(points):
        corners += [(x, y), (x, next_y)]
    return corners


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _listed(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
