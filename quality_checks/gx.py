"""The adapter to Great Expectations: checks in, outcomes out. Importing it takes 8 s, so only the runner does.

What Great Expectations does otherwise than one would think, and what is done about it here:
- An expectation that could not be evaluated comes back as failed, with the reason hidden; here it is raised.
- Its connection settings substitute `$NAME`, and file contexts write them in clear: it gets a `creator` instead of
  a URL, in a context that lives in memory, and each data source has a pool of its own, hence NullPool.
- `UnexpectedRowsExpectation` gives rows only in the format COMPLETE, in which column expectations fetch every failing
  value; so the two kinds run apart, and column expectations never fetch a value at all.
"""

import logging
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.pool import NullPool

from hub.errors import BrokenCheckError
from quality_checks.check import Check, CheckOutcome

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.datasource.fluent.interfaces import GxDatasourceWarning, TestConnectionError

logging.getLogger("great_expectations").addHandler(logging.NullHandler())
logging.getLogger("great_expectations").propagate = False  # it logs SQL errors, and those may quote values

EXAMPLES = 20
ROWS = "UnexpectedRowsExpectation"
ROW_COUNT = "row count"
_CLASSES: Mapping[str, Any] = vars(gxe)
_EVERY_ROW: dict[str, Any] = {"result_format": "COMPLETE"}

# Errors that speak of the schema only. Others may quote a value, and values may be personal data.
_HARMLESS = re.compile(
    r"\(psycopg\.errors\.(Undefined\w+|Ambiguous\w+|SyntaxError|InsufficientPrivilege|GroupingError)\)"
)
_DATABASE_ERROR = re.compile(r"\(psycopg\.(errors\.)?(\w+)\)")


def evaluate(engine: Engine, checks: Sequence[Check], parameters: Mapping[str, Any]) -> list[CheckOutcome]:
    """The outcome of each check, in their order. What the checks read must be committed.

    Raises:
        BrokenCheckError: a check could not be evaluated; says which, and why.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    outcomes: dict[str, CheckOutcome] = {}
    by_batch = sorted(checks, key=_batch)
    for (table, key, is_rows), group in groupby(by_batch, key=_batch):
        together = list(group)
        suite = _suite(f"{table} {is_rows}", together, parameters)
        try:
            batch = _table(context, engine, table)
        except TestConnectionError as error:
            raise BrokenCheckError(f"check {together[0].suite}.{together[0].name}: {_reason(str(error))}") from None
        results = batch.validate(suite, result_format=_EVERY_ROW if is_rows else _keys_only(key)).results
        found = {result.expectation_config.meta["check"]: result for result in results}
        for check in together:
            _raise_if_broken(check, found[check.name].exception_info)
            outcomes[check.name] = _outcome(check, found[check.name], found[ROW_COUNT].result.get("observed_value"))
    return [outcomes[check.name] for check in checks]


def _batch(check: Check) -> tuple[str, tuple[str, ...], bool]:
    return check.table, check.key, check.expectation == ROWS


def _keys_only(key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "result_format": "SUMMARY",
        "unexpected_index_column_names": list(key),
        "partial_unexpected_count": EXAMPLES,
        "exclude_unexpected_values": True,
    }


def _suite(name: str, checks: Sequence[Check], parameters: Mapping[str, Any]) -> gx.ExpectationSuite:
    counted = _CLASSES["ExpectTableRowCountToBeBetween"](min_value=0, meta={"check": ROW_COUNT})
    return gx.ExpectationSuite(name=name, expectations=[counted, *(_expectation(each, parameters) for each in checks)])


def _expectation(check: Check, parameters: Mapping[str, Any]) -> Any:
    arguments = dict(check.arguments)
    if check.expectation == ROWS:
        arguments["unexpected_rows_query"] = with_literals(arguments["unexpected_rows_query"], parameters)
    return _CLASSES[check.expectation](**arguments, severity=check.severity.value, meta={"check": check.name})


def with_literals(query: str, parameters: Mapping[str, Any]) -> str:
    """`query` with its `:names` replaced by SQL literals: Great Expectations has no place for bound parameters."""
    statement = text(query)
    used = {name: parameters[name] for name in statement._bindparams}  # noqa: SLF001  # no public accessor
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # no percent sign is doubled
    return str(statement.bindparams(**used).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _table(context: Any, engine: Engine, table: str) -> Any:
    """`schema.table` as a batch; a data source per schema, because tables are found by its search path."""
    schema, name = table.split(".")
    if schema not in context.data_sources.all():
        arguments, options = engine.dialect.create_connect_args(engine.url)
        options["options"] = f"-c timezone=UTC -c search_path={schema}"
        with warnings.catch_warnings():  # it would rather have the Postgres source, which refuses a unix socket
            warnings.simplefilter("ignore", GxDatasourceWarning)
            context.data_sources.add_sql(
                schema,
                connection_string="postgresql+psycopg://",
                kwargs={"poolclass": NullPool, "creator": lambda: engine.dialect.connect(*arguments, **options)},
            )
    source = context.data_sources.get(schema)
    known = {asset.name: asset for asset in source.assets}
    asset = known.get(name) or source.add_table_asset(name, table_name=name)
    definitions = {definition.name: definition for definition in asset.batch_definitions}
    return (definitions.get("whole") or asset.add_batch_definition_whole_table("whole")).get_batch()


def _raise_if_broken(check: Check, info: Mapping[str, Any]) -> None:
    parts = [info] if "raised_exception" in info else list(info.values())
    for part in parts:
        if part.get("raised_exception"):
            raise BrokenCheckError(f"check {check.suite}.{check.name}: {_reason(part['exception_message'] or '')}")


def _reason(message: str) -> str:
    database = _DATABASE_ERROR.search(message)
    if database and not _HARMLESS.search(message):
        return database.group(2)
    return message[database.start() if database else 0 :].strip().split("\n")[0]


def _outcome(check: Check, result: Any, row_count: int | None) -> CheckOutcome:
    details = result.result
    if check.expectation == ROWS:
        failed = int(details["observed_value"])
        rows = details["details"]["unexpected_rows"][:EXAMPLES]
        examples = tuple(str(next(iter(row.values()))) for row in rows)
    else:
        failed = int(details.get("unexpected_count") or 0)
        keys = details.get("partial_unexpected_index_list") or [{column: [] for column in check.key}]
        examples = tuple(
            ":".join(map(str, row)) for row in zip(*(keys[0][column] for column in check.key), strict=True)
        )
    return CheckOutcome(
        check.suite, check.name, check.severity, bool(result.success), row_count, failed, tuple(sorted(examples))
    )
