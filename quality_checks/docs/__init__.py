"""Great Expectations' Data Docs as one page for each suite: its own rendering, in a frame without scripts and CDNs."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

FRAME = "suite.j2"


def page(suite: str, run_id: str, results: Sequence[Any]) -> str:
    """The HTML of the validation results of a suite's batches. They must hold keys, and no values, of failing rows.

    To be called once Great Expectations is loaded: it takes 8 s to import.
    """
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    renderer = ValidationResultsPageRenderer()
    document = renderer.render(results[0])
    document.sections = [section for result in results for section in renderer.render(result).sections]
    return str(_view().render(document, template=FRAME, suite=suite, run_id=run_id))


@cache
def _view() -> Any:
    """One for all pages of a process: to compile its templates takes half a second."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(Path(__file__).parent))
