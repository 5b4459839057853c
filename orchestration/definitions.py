"""The code location that Dagster loads: everything under `orchestration/defs`, and the hub as its one resource."""

from pathlib import Path

import dagster as dg

import orchestration.defs
from orchestration.resources import hub


@dg.definitions
def defs() -> dg.Definitions:
    """Built when asked for, so that the settings are those of the process that asks."""
    found = dg.load_from_defs_folder(path_within_project=Path(orchestration.defs.__file__).parent)
    return dg.Definitions.merge(found, dg.Definitions(resources={"hub": hub}))
