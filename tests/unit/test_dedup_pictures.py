"""Pictures as text: they parse, add up, and say in words what they show."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from dedup.curve import threshold_curve
from dedup.pictures import curves, waterfall, weights
from dedup.pictures.svg import STYLE, chance, fit, signed

SVG = "{http://www.w3.org/2000/svg}"
XSS = "<script>alert('x')</script> & \"Sons\""


def field(name: str, weight: float, a: str | None = "Ada", b: str | None = "Ada", label: str = "same") -> dict:
    return {"field": name, "label": label, "a": a, "b": b, "level": 1, "weight": weight}


def explanation(*fields: dict, prior: float = -10.0) -> dict:
    total = prior + sum(one["weight"] for one in fields)
    return {"kind": "person", "model_version": "person-1", "prior": prior, "total": total, "band": "review",
            "fields": list(fields)}  # fmt: skip


MIXED = explanation(field("first_name", 6.0), field("phone", 0.0, None, None), field("email", 9.5), field("city", -2.5))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  # our own writing


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def bars(root: ET.Element) -> list[tuple[float, float, str]]:
    """Start, end and class of every bar, in pixels."""
    found = []
    for shape in root.iter(f"{SVG}polygon"):
        corners = [tuple(map(float, corner.split(","))) for corner in shape.get("points").split()]
        found.append((corners[0][0], corners[2][0], shape.get("class")))
    return found


def test_each_bar_begins_where_the_one_before_ended_and_the_total_ends_there_too() -> None:
    drawn = bars(parsed(waterfall(MIXED, thresholds={"same": 0.99, "review": 0.3})))
    prior, first, second, third, total = drawn
    steps = (prior, first, second, third)
    assert [after[0] for after in steps[1:]] == pytest.approx([before[1] for before in steps[:-1]])
    assert total[1] == pytest.approx(third[1])
    assert total[0] == pytest.approx(prior[0]), "both are measured from even odds"
    pixels = [end - start for start, end, _ in drawn]
    assert [one / pixels[0] * -10.0 for one in pixels] == pytest.approx([-10.0, 6.0, 9.5, -2.5, 3.0], abs=0.02)
    assert [kind for *_, kind in drawn] == ["pic-neutral", "pic-for", "pic-for", "pic-against", "pic-for"]


def test_signs_and_values_are_told_in_text_too() -> None:
    root = parsed(waterfall(MIXED))
    words = texts(root)
    numbers = [word for word in words if re.fullmatch(r"[+−]\d+\.\d|0", word)]
    assert numbers[-6:] == ["−10.0", "+6.0", "0", "+9.5", "−2.5", "+3.0"]
    assert any(word.startswith("First name") for word in words)
    assert words.count("Ada") == 6, "both values of the three fields that have any"
    told = root.find(f"{SVG}desc").text
    assert "City (same) −2.5 bits" in told
    assert "Total (89 % likely the same) +3.0 bits" in told


def test_the_picture_is_named_for_who_cannot_see_it() -> None:
    for svg in (waterfall(MIXED), weights({"name": [("same", 8.0)]}), curves(curve())):
        root = parsed(svg)
        assert root.get("role") == "img"
        ids = {element.get("id") for element in root if element.tag in {f"{SVG}title", f"{SVG}desc"} and element.text}
        assert ids == set(root.get("aria-labelledby").split())


def test_thresholds_are_borders_at_their_place() -> None:
    root = parsed(waterfall(MIXED, thresholds={"same": 0.99, "review": 0.5}))
    borders = [float(line.get("x1")) for line in root.iter(f"{SVG}line") if line.get("class") == "pic-limit"]
    even = bars(root)[0][0]
    assert borders[0] == pytest.approx(even), "even odds are 0 bits"
    assert borders[1] > borders[0]
    assert {"same", "review", "different", "from 99 %", "from 50 %"} <= set(texts(root))
    assert not [line for line in parsed(waterfall(MIXED)).iter(f"{SVG}line") if line.get("class") == "pic-limit"]
    assert parsed(waterfall(MIXED, thresholds={"same": 1.0, "review": 0.0})) is not None


def test_what_people_wrote_stays_text() -> None:
    hostile = explanation(field(XSS, 2.0, XSS, f"\x00\x1b\ud800 {XSS}", XSS))
    hostile |= {"a": XSS, "b": XSS, "kind": XSS, "model_version": XSS, "band": XSS}
    for svg in (
        waterfall(hostile),
        waterfall(hostile, style=False),
        weights({XSS: [(XSS, 1.0)]}, title=XSS),
        curves(curve(), title=XSS),
    ):
        root = parsed(svg)
        assert not list(root.iter(f"{SVG}script"))
        assert "<script" not in svg
        assert "<script" in "".join(root.itertext())


def test_values_are_cut_to_their_column() -> None:
    long = explanation(field("name", 2.0, "x" * 10_000_000, "長" * 100, "y" * 500))
    words = texts(parsed(waterfall(long)))
    assert max(map(len, words)) < 60
    assert "x" * 25 + "…" in words
    assert any(word.startswith("長") and word.endswith("…") and len(word) <= 15 for word in words)


def test_a_picture_for_a_page_brings_no_style_of_its_own() -> None:
    root = parsed(waterfall(MIXED, thresholds={"same": 0.99}, style=False))
    assert not list(root.iter(f"{SVG}style"))
    assert not [element for element in root.iter() if "style" in element.attrib]
    assert "prefers-color-scheme: dark" in parsed(waterfall(MIXED)).find(f"{SVG}style").text


def test_nothing_is_fetched_from_anywhere() -> None:
    for svg in (waterfall(MIXED), weights({"name": [("same", 8.0)]}), curves(curve())):
        assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
        assert "url(" not in svg
        assert "@import" not in svg


def test_every_class_has_a_look() -> None:
    pictures = (
        waterfall(MIXED, thresholds={"same": 0.99, "review": 0.3}),
        weights({"name": [("same", 8.0)]}),
        curves(curve()),
    )
    used = {name for svg in pictures for classes in re.findall(r'class="([^"]+)"', svg) for name in classes.split()}
    assert used - set(re.findall(r"\.(pic[\w-]*)", STYLE)) == {"pic-waterfall", "pic-weights", "pic-curves"}


def curve(size: int = 200) -> dict:
    """Of `size` records that come in pairs; wrong pairs score lower than most right ones."""
    true = [(at, at + 1, 0.5 + at / (2.1 * size)) for at in range(0, size, 2)]
    wrong = [(at, at + 3, at / (1.5 * size)) for at in range(0, size - 4, 4)]
    pairs = pa.table(dict(zip(("a", "b", "probability"), zip(*true, *wrong, strict=True), strict=True)))
    return threshold_curve(pairs, (range(size), [at // 2 for at in range(size)]))


def test_curves_stay_within_their_panels_and_name_the_best_threshold() -> None:
    found = curve()
    root = parsed(curves(found, title="person", thresholds={"same": 0.99, "review": 0.3}))
    lines = list(root.iter(f"{SVG}polyline"))
    assert [line.get("class") for line in lines] == [
        f"pic-curve pic-{name}" for name in ("precision", "recall", "f1")
    ] * 2
    for at, line in enumerate(lines):
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        left = 64 if at < 3 else 532
        assert all(left <= x <= left + 408 and 138 <= y <= 344 for x, y in points)
        assert all(x == next_x or y == next_y for (x, y), (next_x, next_y) in pairwise(points)), "steps, no slopes"
    best = found["clusters"]["best"]
    assert f"best F1 {best['f1']:.4f} from {100 * best['threshold']:.0f} %" in texts(root)


def test_curves_of_nothing_say_so() -> None:
    empty = pa.table(
        {
            name: pa.array([], kind)
            for name, kind in (("a", pa.int64()), ("b", pa.int64()), ("probability", pa.float64()))
        }
    )
    root = parsed(curves(threshold_curve(empty, ([], []))))
    assert "nothing to measure" in root.find(f"{SVG}desc").text


def test_weights_point_to_their_side_from_zero() -> None:
    root = parsed(
        weights({"last_name": [("same", 8.0), ("different", -4.0)], "city": [("same", 0.0)]}, title="person-1")
    )
    (zero, plus, good), (start, minus, bad) = bars(root)
    assert zero == start
    assert plus - zero == pytest.approx(2 * (zero - minus), abs=0.02)
    assert (good, bad) == ("pic-for", "pic-against")
    assert {"Last name", "different", "+8.0", "−4.0", "0", "Match weights: person-1"} <= set(texts(root))


@pytest.mark.parametrize(
    ("bits", "told"),
    [(0, "50 %"), (-10, "0.1 %"), (10, "99.9 %"), (6.63, "99 %"), (13.3, "99.99 %"), (900, "over 99.9999 %"), (-900, "under 0.0001 %")],
)  # fmt: skip
def test_chances_are_never_rounded_up_to_certainty(bits: float, told: str) -> None:
    assert chance(bits) == told


def test_numbers_and_texts_are_written_for_people() -> None:
    assert (signed(6.64), signed(-2.06), signed(-0.01)) == ("+6.6", "−2.1", "0")
    assert (fit("Ada  Lovelace\n", 20), fit("Ada Lovelace", 8), fit("", 5)) == ("Ada Lovelace", "Ada Lov…", "")
