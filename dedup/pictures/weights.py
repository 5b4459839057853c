"""What a model has learned: the weight of every outcome of every comparison."""

from collections.abc import Mapping, Sequence

from dedup.pictures.svg import Picture, arrow, fit, signed, ticks

WIDTH, LEFT, RIGHT = 960.0, 372.0, 872.0
HEAD, FOOT = 66.0, 44.0
GROUP, ROW, BAR = 34.0, 24.0, 14.0


def weights(levels: Mapping[str, Sequence[tuple[str, float]]], *, title: str = "", style: bool = True) -> str:
    """An SVG of match weights: by comparison its levels, each a label and its weight in bits, drawn from zero.

    `title` says of which model. Levels stand in the order given.
    """
    head = f"Match weights{f': {title}' if title else ''}"
    bits = [weight for several in levels.values() for _, weight in several]
    low, high = min([-1.0, *bits]), max([1.0, *bits])
    told = "; ".join(
        f"{name}: {', '.join(f'{label} {signed(weight)}' for label, weight in several)}"
        for name, several in levels.items()
    )
    picture = Picture("weights", WIDTH, head, f"Bits by comparison and outcome. {told}.")
    picture.text(20, 34, head, "head")
    bottom = HEAD + sum(GROUP + ROW * len(several) for several in levels.values())
    scale = (low, (RIGHT - LEFT) / (high - low))
    _draw_axis(picture, scale, high, bottom)
    top = HEAD
    for name, several in levels.items():
        top = _draw_comparison(picture, scale, name, several, top)
    return picture.finish(bottom + FOOT, style=style)


def _draw_axis(picture: Picture, scale: tuple[float, float], high: float, bottom: float) -> None:
    low, pixels = scale
    for tick in ticks(low, high, 11):
        x = LEFT + (tick - low) * pixels
        picture.line(x, HEAD, x, bottom + 5, "grid" if tick else "axis")
        picture.text(x, bottom + 20, signed(tick).replace(".0", ""), "text small number", "middle")
    picture.line(LEFT, bottom, RIGHT, bottom, "axis")
    picture.text(20, bottom + 20, "bits for (+) and against (−) the same customer", "muted small")


def _draw_comparison(
    picture: Picture, scale: tuple[float, float], name: str, several: Sequence[tuple[str, float]], top: float
) -> float:
    """Draw a comparison below `top`; returns where it ends."""
    low, pixels = scale
    title = name.replace("_", " ")
    picture.line(20, top, WIDTH - 20, top, "grid")
    picture.text(20, top + 23, fit(title[:1].upper() + title[1:], 40), "strong")
    zero = LEFT - low * pixels
    for at, (label, weight) in enumerate(several):
        line = top + GROUP + ROW * at
        picture.text(36, line + 14, fit(label, 46), "text small")
        if abs(weight) * pixels >= 0.5:
            shape = arrow(zero, zero + weight * pixels, line + 3, BAR)
            picture.shape(shape, "for" if weight > 0 else "against")
        picture.text(WIDTH - 20, line + 14, signed(weight), "text small number", "end")
    return top + GROUP + ROW * len(several)
