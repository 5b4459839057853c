"""What a check is: data. Importing it is cheap; only `quality_checks.gx` loads Great Expectations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.model.kinds import Severity


@dataclass(frozen=True)
class Check:
    """One property of one table, judged by one expectation of Great Expectations.

    Attributes:
        name: unique within its suite.
        table: `schema.table` that is checked; its rows are what `checked` counts.
        key: columns of `table` that name a failing row in the examples. They must not be personal data.
        expectation: the class in `great_expectations.expectations`.
        arguments: its arguments. SQL in `unexpected_rows_query` gives failing rows, whose first column names them, and
            may use the parameters of `quality_checks.parameters`; the runner fills them in as literals.
    """

    name: str
    suite: str
    severity: Severity
    description: str
    table: str
    key: tuple[str, ...]
    expectation: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as one suite looks at it; `key` as in Check."""

    suite: str
    name: str
    key: tuple[str, ...] = ()

    def column(self, name: str, severity: Severity, description: str, expectation: str, **arguments: Any) -> Check:
        """A check of the values of one column, for example ExpectColumnValuesToBeInSet(column=..., value_set=...)."""
        return Check(name, self.suite, severity, description, self.name, self.key, expectation, arguments)

    def rows(self, name: str, severity: Severity, description: str, query: str) -> Check:
        """A check that `query` finds nothing.

        {batch} in it is the table; Great Expectations gives it an alias of its own, unless the query has a join: then,
        and only then, the query must alias it itself.
        """
        arguments = {"unexpected_rows_query": query}
        return Check(
            name, self.suite, severity, description, self.name, self.key, "UnexpectedRowsExpectation", arguments
        )


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found: of `checked` rows `failed` broke it, some of which `examples` names by ref or id."""

    suite: str
    name: str
    severity: Severity
    passed: bool
    checked: int | None
    failed: int | None
    examples: tuple[str, ...] = ()
