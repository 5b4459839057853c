"""CRM search: filter groups and one sort, turned into parameterised SQLite. The index lags behind the records."""

import datetime as dt
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox import ids, moments
from connectors.sandbox.api.base import Office, RefusalError
from connectors.sandbox.departments.marketing import MODIFIED

INDEX_LAG = 20 * moments.SECOND
_SIGNS = {"EQ": "=", "NEQ": "!=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_SAFE = re.compile(r"^[a-z][a-z0-9_]*$")


class Filter(BaseModel):
    property_name: str = Field(alias="propertyName")
    operator: Literal[
        "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"
    ]
    value: str | int | None = None
    high_value: str | int | None = Field(None, alias="highValue")
    values: list[str | int] = Field(default_factory=list)


class FilterGroup(BaseModel):
    filters: list[Filter] = Field(max_length=6)


class Sort(BaseModel):
    property_name: str = Field(alias="propertyName")
    direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING"


class Search(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    filter_groups: list[FilterGroup] = Field(default_factory=list, alias="filterGroups", max_length=5)
    sorts: list[Sort | str] = Field(default_factory=list, max_length=1)
    properties: list[str] = Field(default_factory=list)
    limit: int = Field(10, ge=1, le=200)
    after: str | int = 0
    query: str | None = None


def matching(office: Office, name: str, wanted: Search, start: int) -> tuple[int, list[str]]:
    """How many rows match, and the JSON of the page that begins at `start`. Archived and merged rows never match."""
    clauses, parameters = [], []
    for group in wanted.filter_groups:
        parts = []
        for condition in group.filters:
            sql, values = _condition(name, condition)
            parts.append(sql)
            parameters.extend(values)
        clauses.append(f"({' AND '.join(parts) or '1'})")
    where = f"object=? AND deleted=0 AND stamp<=? AND ({' OR '.join(clauses) or '1'})"
    bound = (f"hubspot.{name}", office.now() - INDEX_LAG, *parameters)
    total = office.db.execute(f"SELECT count(*) FROM record WHERE {where}", bound).fetchone()[0]
    order = _order(name, wanted.sorts)
    rows = office.db.execute(
        f"SELECT json FROM record WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", (*bound, wanted.limit, start)
    )
    return total, [text for (text,) in rows]


def _order(name: str, sorts: list[Sort | str]) -> str:
    if not sorts:
        return "seq"
    first = sorts[0]
    if isinstance(first, str):
        first = Sort(propertyName=first.lstrip("-"), direction="DESCENDING" if first.startswith("-") else "ASCENDING")
    return f"{_column(name, first.property_name)}{' DESC' if first.direction == 'DESCENDING' else ''}, seq"


def _column(name: str, property_name: str) -> str:
    if property_name == "hs_object_id":
        return "seq"
    if property_name == MODIFIED[name]:
        return "stamp"
    if property_name == "createdate":
        return "created"
    if not _SAFE.match(property_name):
        raise _invalid(f"Property {property_name!r} does not exist")
    return f"json_extract(json, '$.properties.{property_name}')"


def _value(name: str, column: str, value: str | int | None) -> Any:
    if value is None:
        raise _invalid("A filter needs a value")
    try:
        if column == "seq":
            return int(value) - ids.number(f"hubspot.{name}", 0)
        if column in ("stamp", "created"):
            return int(value) if str(value).lstrip("-").isdigit() else moments.to_ms(_moment(str(value)))
    except ValueError:
        raise _invalid(f"{value} was not a valid value for this property") from None
    return str(value)


def _moment(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _condition(name: str, condition: Filter) -> tuple[str, list[Any]]:
    column = _column(name, condition.property_name)
    collate = "" if column in ("seq", "stamp", "created") else " COLLATE NOCASE"
    if condition.operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return f"{column} IS {'NOT ' if condition.operator == 'HAS_PROPERTY' else ''}NULL", []
    if condition.operator == "BETWEEN":
        return f"{column} BETWEEN ? AND ?", [
            _value(name, column, value) for value in (condition.value, condition.high_value)
        ]
    if condition.operator in ("IN", "NOT_IN"):
        values = [_value(name, column, value) for value in condition.values]
        return f"{column}{collate} {condition.operator.replace('_', ' ')} ({','.join('?' * len(values))})", values
    return f"{column} {_SIGNS[condition.operator]} ?{collate}", [_value(name, column, condition.value)]


def _invalid(message: str) -> RefusalError:
    return RefusalError(
        400,
        {
            "status": "error",
            "message": message,
            "correlationId": "00000000-0000-0000-0000-000000000000",
            "category": "VALIDATION_ERROR",
        },
    )
