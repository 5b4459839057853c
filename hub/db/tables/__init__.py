"""All tables, one module per schema. Importing this package fills `metadata`."""

from hub.db.tables import acts, canonical, coach, golden, identity, landing, ops, quality, review, trends
from hub.db.tables.base import SCHEMAS, Base

metadata = Base.metadata

__all__ = [
    "SCHEMAS", "Base", "acts", "canonical", "coach", "golden", "identity", "landing", "metadata", "ops", "quality",
    "review", "trends",
]  # fmt: skip
