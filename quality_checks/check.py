"""What a check is: data. Importing it is cheap; only `quality_checks.gx` loads Great Expectations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.model.kinds import Severity

# Of the rows that fail a check so many are kept by name: more than a person looks through, and few enough that a check
# which fails on all of a million rows writes nothing large.
KEPT = 1_000
ROWS = "FailingRows"


@dataclass(frozen=True)
class Check:
    """One property of one table, judged by one expectation of Great Expectations.

    Attributes:
        name: unique within its suite.
        table: `schema.table` that is checked; its rows are what `checked` counts.
        key: columns of `table` that name a failing row. They must not be personal data.
        expectation: the class in `great_expectations.expectations`, or ROWS.
        arguments: its arguments. SQL in `unexpected_rows_query` gives failing rows, whose column `example` names them,
            and may use the parameters of the runner, which fills them in as literals.
    """

    name: str
    suite: str
    severity: Severity
    description: str
    table: str
    key: tuple[str, ...]
    expectation: str
    arguments: Mapping[str, Any]

    @property
    def title(self) -> str:
        """How people call it, such as `golden.name_present`."""
        return f"{self.suite}.{self.name}"


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
        """A check that `query` finds nothing; {batch} in it is the table."""
        arguments = {"unexpected_rows_query": query}
        return Check(name, self.suite, severity, description, self.name, self.key, ROWS, arguments)


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found: of `checked` rows `failed` broke it; `failing` names the first KEPT of them by ref or id.

    `state` is a digest of what failed, by which a waiver knows it again; empty where nothing did.
    """

    suite: str
    name: str
    severity: Severity
    passed: bool
    checked: int | None
    failed: int | None
    failing: tuple[str, ...] = ()
    state: str = ""

    @property
    def title(self) -> str:
        return f"{self.suite}.{self.name}"
