"""Fixtures that these tests share."""

from tests.webworld import hub, lead, signed_in, visitor, world, world_template

__all__ = ["hub", "lead", "signed_in", "visitor", "world", "world_template"]
