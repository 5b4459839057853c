"""How long work tells what it is doing: values that any front end may draw."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """`done` of `total` (unknown: None) units of `subject` in a stage of the pipeline."""

    stage: str
    subject: str
    done: int = 0
    total: int | None = None
    note: str = ""


Progress = Callable[[Step], None]


def silent(_step: Step) -> None:
    """For callers that do not watch."""
