"""An honest subset of SOQL, parsed and turned into parameterised SQLite.

SELECT fields | COUNT() FROM object [WHERE comparisons, AND, OR, parentheses] [ORDER BY f [ASC|DESC], ...] [LIMIT n].
Comparisons are =, !=, <, <=, >, >= and IN with text, numbers, booleans, dates, moments and null.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from connectors.sandbox import moments
from connectors.sandbox.api.base import RefusalError
from connectors.sandbox.api.salesforce_fields import FIELDS, PARENTS

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<moment>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>!=|<=|>=|<>|[=<>(),]))"
)
_COLUMNS = {
    "Id": "id",
    "IsDeleted": "(deleted > 0)",
    "SystemModstamp": "stamp",
    "LastModifiedDate": "stamp",
    "CreatedDate": "created",
}
_SIGNS = {"=", "!=", "<>", "<", "<=", ">", ">="}


@dataclass(frozen=True)
class Query:
    """`where` and `order` are SQL over the record table; `fields` may hold `Parent.Field`; None counts only."""

    object_name: str
    fields: tuple[str, ...] | None
    where: str
    parameters: tuple[Any, ...]
    order: str
    limit: int | None


def malformed(problem: str) -> RefusalError:
    return RefusalError(400, [{"message": problem, "errorCode": "MALFORMED_QUERY"}])


def parse(text: str) -> Query:
    """Raises RefusalError as Salesforce words it: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE."""
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise malformed(f"unexpected token: '{text[at : at + 10].strip()}'")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at = tokens, 0
        self.parameters: list[Any] = []
        self.object_name = ""

    def peek(self) -> str:
        return self.tokens[self.at][1].upper() if self.at < len(self.tokens) else ""

    def take(self, *kinds: str) -> str:
        if self.at >= len(self.tokens):
            raise malformed("unexpected token: '<EOF>'")
        kind, value = self.tokens[self.at]
        if kinds and kind not in kinds:
            raise malformed(f"unexpected token: '{value}'")
        self.at += 1
        return value

    def accept(self, *words: str) -> bool:
        if [value.upper() for _, value in self.tokens[self.at : self.at + len(words)]] == list(words):
            self.at += len(words)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise malformed(f"expecting {word}, found '{self.peek() or '<EOF>'}'")

    def query(self) -> Query:
        self.expect("SELECT")
        names = [self.take("word")]
        counting = names[0].upper() == "COUNT" and self.accept("(", ")")
        while not counting and self.accept(","):
            names.append(self.take("word"))
        self.expect("FROM")
        self.object_name = self._object(self.take("word"))
        fields = None if counting else tuple(self._selected(name) for name in names)
        where = self._any() if self.accept("WHERE") else "1"
        order = self._order() if self.accept("ORDER", "BY") else "id"
        limit = int(self.take("number")) if self.accept("LIMIT") else None
        if self.at < len(self.tokens):
            raise malformed(f"unexpected token: '{self.take()}'")
        return Query(self.object_name, fields, where, tuple(self.parameters), order, limit)

    def _object(self, name: str) -> str:
        known = {key.lower(): key for key in FIELDS}
        if name.lower() not in known:
            raise RefusalError(
                400, [{"message": f"sObject type '{name}' is not supported.", "errorCode": "INVALID_TYPE"}]
            )
        return known[name.lower()]

    def _selected(self, name: str) -> str:
        parent, _, field = name.rpartition(".")
        if not parent:
            return self._field(name)
        relation = PARENTS.get(parent)
        if relation is None or f"{parent}Id" not in FIELDS[self.object_name]:
            raise _no_field(name, self.object_name)
        if field not in FIELDS[relation]:
            raise _no_field(field, relation)
        return name

    def _field(self, name: str) -> str:
        known = {key.lower(): key for key in FIELDS[self.object_name]}
        if name.lower() not in known:
            raise _no_field(name, self.object_name)
        return known[name.lower()]

    def _column(self, field: str) -> str:
        return _COLUMNS.get(field, f"json_extract(json, '$.{field}')")

    def _any(self) -> str:
        parts = [self._all()]
        while self.accept("OR"):
            parts.append(self._all())
        return f"({' OR '.join(parts)})"

    def _all(self) -> str:
        parts = [self._one()]
        while self.accept("AND"):
            parts.append(self._one())
        return f"({' AND '.join(parts)})"

    def _one(self) -> str:
        if self.accept("("):
            inside = self._any()
            self.expect(")")
            return inside
        field = self._field(self.take("word"))
        column = self._column(field)
        if self.accept("IN"):
            self.expect("(")
            values = [self._value(field)]
            while self.accept(","):
                values.append(self._value(field))
            self.expect(")")
            self.parameters.extend(values)
            return f"{column} IN ({','.join('?' * len(values))})"
        sign = self.take("sign")
        if sign not in _SIGNS:
            raise malformed(f"unexpected token: '{sign}'")
        return self._compare(field, column, "!=" if sign == "<>" else sign)

    def _compare(self, field: str, column: str, sign: str) -> str:
        value = self._value(field)
        if value is None:
            if sign not in ("=", "!="):
                raise malformed("null can only be compared with = and !=")
            return f"{column} IS {'NOT ' if sign == '!=' else ''}NULL"
        self.parameters.append(value)
        collate = " COLLATE NOCASE" if isinstance(value, str) and field != "Id" else ""
        compared = f"{column} {sign} ?{collate}"
        return f"({column} IS NULL OR {compared})" if sign == "!=" else compared

    def _value(self, field: str) -> Any:
        """The literal as SQLite compares it; the wrong kind of literal is refused as Salesforce does."""
        kind, value = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        self.at += 1
        type_ = FIELDS[self.object_name][field]
        if kind == "word" and value.lower() == "null":
            return None
        fits = {"datetime": ("moment",), "date": ("date",), "boolean": ("word",), "double": ("number",)}.get(
            type_, ("text",)
        )
        if kind not in fits or (type_ == "boolean" and value.lower() not in ("true", "false")):
            problem = f"value of filter criterion for field '{field}' must be of type {type_}"
            raise RefusalError(400, [{"message": problem, "errorCode": "INVALID_FIELD"}])
        return _literal(kind, value)

    def _order(self) -> str:
        parts = []
        while True:
            column = self._column(self._field(self.take("word")))
            descending = self.accept("DESC")
            if not descending:
                self.accept("ASC")
            nulls = (
                " NULLS LAST"
                if self.accept("NULLS", "LAST")
                else " NULLS FIRST"
                if self.accept("NULLS", "FIRST")
                else ""
            )
            parts.append(f"{column}{' DESC' if descending else ''}{nulls}")
            if not self.accept(","):
                return ", ".join(parts)


def _literal(kind: str, value: str) -> Any:
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    if kind == "moment":
        try:
            return moments.to_ms(dt.datetime.fromisoformat(value))
        except ValueError:
            raise malformed(f"line 1: invalid datetime '{value}'") from None
    if kind == "number":
        return float(value)
    return value if kind == "date" else value.lower() == "true"


def _no_field(name: str, object_name: str) -> RefusalError:
    problem = f"\nSELECT {name}\n       ^\nERROR at Row:1:Column:8\nNo such column '{name}' on entity '{object_name}'."
    return RefusalError(400, [{"message": problem, "errorCode": "INVALID_FIELD"}])
