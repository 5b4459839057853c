"""Opportunity hygiene: all rules, and what they take. Where the numbers come from is told in docs/rules.md."""

import datetime as dt
from typing import Any

from hub.errors import ConfigurationError
from hub.sections.hygiene import HygieneSettings
from quality_checks.rules import between, content, dates, stages, standstill
from quality_checks.rules.content import REQUIRABLE, REQUIRED_FIELDS
from quality_checks.rules.dates import PAST_CLOSE_DATE
from quality_checks.rules.rule import LIVE, Rule, Subject, per_stage
from quality_checks.rules.standstill import NO_PROGRESS

__all__ = ["LIVE", "NO_PROGRESS", "PAST_CLOSE_DATE", "REQUIRED_FIELDS", "RULES", "Rule", "Subject", "parameters"]

RULES = (*standstill.RULES, *dates.RULES, *stages.RULES, *content.RULES, *between.RULES)

_BY_STAGE = {"required_fields_by_stage", "inactive_days_by_stage", "required_fields"}


def parameters(hygiene: HygieneSettings, as_of: dt.datetime) -> dict[str, Any]:
    """What the SELECTs of the rules take.

    Raises:
        ConfigurationError: required_fields, of all stages or of one, names something that an opportunity does not have.
    """
    _known("required_fields", hygiene.required_fields)
    for stage, fields in hygiene.required_fields_by_stage.items():
        _known(f"required_fields_by_stage.{stage}", fields)
    days = {stage: str(number) for stage, number in hygiene.inactive_days_by_stage.items()}
    fields_of = {stage: ",".join(fields) for stage, fields in hygiene.required_fields_by_stage.items()}
    return {
        **hygiene.model_dump(exclude=_BY_STAGE),
        "as_of": as_of,
        "inactive_days_by_stage": per_stage(days),
        "required_fields": ",".join(hygiene.required_fields),
        "required_fields_by_stage": per_stage(fields_of),
    }


def _known(setting: str, fields: tuple[str, ...]) -> None:
    unknown = sorted(set(fields) - REQUIRABLE.keys())
    if unknown:
        known = ", ".join(sorted(REQUIRABLE))
        raise ConfigurationError(f"hygiene.{setting}: an opportunity has no {', '.join(unknown)}; it has {known}")
