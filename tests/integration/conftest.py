"""Fixtures that these tests share."""

from tests.integration.trial_world import settled, settled_template, strict, strict_template
from tests.webworld import hub, lead, signed_in, visitor, world, world_template

__all__ = [
    "hub",
    "lead",
    "settled",
    "settled_template",
    "signed_in",
    "strict",
    "strict_template",
    "visitor",
    "world",
    "world_template",
]
