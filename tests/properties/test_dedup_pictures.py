"""Whatever the evidence and the values are, the picture is one well-formed SVG that adds up."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.pictures import waterfall

SVG = "{http://www.w3.org/2000/svg}"
# All of Unicode, control characters and lone surrogates included: source systems hold worse.
TEXT = st.text(st.characters(), max_size=60)
FIELD = st.fixed_dictionaries(
    {"field": TEXT, "label": TEXT, "a": st.none() | TEXT, "b": st.none() | TEXT, "weight": st.floats(-60, 60)}
)


@settings(max_examples=200, deadline=None)
@given(
    fields=st.lists(FIELD, max_size=12),
    prior=st.floats(-60, 20),
    refs=st.none() | st.tuples(TEXT, TEXT),
    limits=st.dictionaries(st.sampled_from(["same", "review"]), st.floats(0, 1)),
)
def test_any_explanation_is_drawn(fields, prior, refs, limits) -> None:
    total = prior + sum(field["weight"] for field in fields)
    given_refs = dict(zip("ab", refs, strict=True)) if refs else {}
    told = {"kind": "person", "prior": prior, "total": total, "band": "same", "fields": fields, **given_refs}
    svg = waterfall(told, thresholds=limits)
    root = ET.fromstring(svg)  # noqa: S314  # our own writing
    width = float(root.get("width"))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "g", "text", "tspan", "line", "polygon",
    }  # fmt: skip
    ends = []
    for shape in root.iter(f"{SVG}polygon"):
        corners = [tuple(map(float, corner.split(","))) for corner in shape.get("points").split()]
        assert all(0 <= x <= width for x, _ in corners)
        ends.append(corners[2][0])
    drawn = [bits for bits in (prior, *(field["weight"] for field in fields)) if abs(bits) > 1]
    if len(ends) >= 2 and len(drawn) == len(fields) + 1 and abs(total) > 1:
        assert ends[-1] == pytest.approx(ends[-2], abs=0.02)
