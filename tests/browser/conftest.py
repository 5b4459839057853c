"""Fixtures that these tests share."""

from tests.webworld import hub, signed_in, visitor, world, world_template

__all__ = ["hub", "signed_in", "visitor", "world", "world_template"]
