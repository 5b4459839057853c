"""The adapter to Great Expectations: checks in, outcomes out. Importing it takes 8 s, so only the runner does.

What Great Expectations does otherwise than one would think, and what is done about it here:
- An expectation that could not be evaluated comes back as failed, with the reason hidden; here it is raised.
- Its connection settings substitute `$NAME`, and file contexts write them in clear: it gets a `creator` instead of
  a URL, in a context that lives in memory. Each data source has a pool that nobody closes, hence `_connector`.
- `UnexpectedRowsExpectation` runs its query twice, to count and to fetch, and fetches every failing row. `FailingRows`
  runs it once, and the database counts all, digests them in whatever order, and hands out the first in one row: of rows
  it fetches 200.
- A batch costs a third of a second and more, however small its table is: for data sources, assets and their metrics. So
  all checks by query share one batch, and have the name of their own table filled in here.
- Column expectations fetch every failing value in some formats; in the one used here they fetch keys alone.
"""

import hashlib
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql.base import PGDialect

from hub.errors import BrokenCheckError
from quality_checks.check import KEPT, ROWS, Check, CheckOutcome

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.datasource.fluent.interfaces import GxDatasourceWarning, TestConnectionError

logging.getLogger("great_expectations").addHandler(logging.NullHandler())
logging.getLogger("great_expectations").propagate = False  # it logs SQL errors, and those may quote values

_CLASSES: dict[str, Any] = dict(vars(gxe))
_Rows: Any = _CLASSES["UnexpectedRowsExpectation"]
Connect = Callable[[str], Any]  # a connection of psycopg, given a search path
_NO_TABLE = "quality.data_docs"  # the batch of checks by query: any table will do that is always small
_FIRST = f"""
WITH found AS MATERIALIZED ({{query}})
SELECT (SELECT count(*) FROM found) AS failing,
       (SELECT sum(CAST(hashtextextended(CAST(example AS text), 0) AS numeric)) FROM found) AS digest,
       ARRAY(SELECT CAST(example AS text) FROM found ORDER BY 1 LIMIT {KEPT}) AS keys
FROM (VALUES (1)) one_row CROSS JOIN (SELECT count(*) FROM {{batch}} AS b) no_table"""


class FailingRows(_Rows):  # type: ignore[misc]  # what it exports is not typed
    """That a query in the shape of _FIRST finds nothing."""

    metric_dependencies = ("unexpected_rows_query.table",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002  # given by name
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        (row,) = metrics["unexpected_rows_query.table"]
        return {
            "success": row["failing"] == 0,
            "result": {
                "observed_value": row["failing"],
                "details": {"unexpected_rows": row["keys"], "digest": str(row["digest"])},
            },
        }


_CLASSES[ROWS] = FailingRows

# Errors that speak of the schema only. Others may quote a value, and values may be personal data.
_HARMLESS = re.compile(
    r"\(psycopg\.errors\.(Undefined\w+|Ambiguous\w+|SyntaxError|InsufficientPrivilege|GroupingError)\)"
)
_DATABASE_ERROR = re.compile(r"\(psycopg\.(errors\.)?(\w+)\)")


@dataclass(frozen=True)
class Evaluation:
    """The outcome of each check, in their order, and the results of Great Expectations by batch, for its Data Docs."""

    outcomes: list[CheckOutcome]
    results: list[Any]


def evaluate(engine: Engine, checks: Sequence[Check], parameters: Mapping[str, Any]) -> Evaluation:
    """Evaluate checks on what is committed now.

    Raises:
        BrokenCheckError: a check could not be evaluated; says which, and why.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    found: dict[str, Any] = {}
    results = []
    with _connector(engine) as connect:
        for _, group in groupby(sorted(checks, key=_batch), key=_batch):
            results.append(_validate(context, connect, list(group), parameters))
            found |= {result.expectation_config.meta["check"]: result for result in results[-1].results}
    counts = _counts(engine, {check.table for check in checks})
    return Evaluation([_outcome(check, found[check.name], counts[check.table]) for check in checks], results)


@contextmanager
def _connector(engine: Engine) -> Iterator[Connect]:
    """Connects to `engine`'s database with a search path; whatever was opened is closed in the end."""
    opened: list[Any] = []

    def connect(schema: str) -> Any:
        arguments, options = engine.dialect.create_connect_args(engine.url)
        options["options"] = f"-c timezone=UTC -c search_path={schema}"
        opened.append(engine.dialect.connect(*arguments, **options))
        return opened[-1]

    try:
        yield connect
    finally:
        for connection in opened:
            connection.close()


def _batch(check: Check) -> tuple[str, tuple[str, ...]]:
    return (_NO_TABLE, ()) if check.expectation == ROWS else (check.table, check.key)


def _validate(
    context: Any, connect: Callable[[str], Any], checks: Sequence[Check], parameters: Mapping[str, Any]
) -> Any:
    """What Great Expectations finds in one batch; every check of it was judged."""
    table, key = _batch(checks[0])
    try:
        batch = _table(context, connect, table)
    except TestConnectionError as error:
        raise BrokenCheckError(f"check {checks[0].title}: {_reason(str(error))}") from None
    validated = batch.validate(_suite(table, checks, parameters), result_format=_keys_only(key))
    found = {result.expectation_config.meta["check"]: result for result in validated.results}
    for check in checks:
        _raise_if_broken(check, found[check.name].exception_info)
    return validated


def _counts(engine: Engine, tables: Iterable[str]) -> dict[str, int]:
    """How many rows each table has, at one moment."""
    counted = " UNION ALL ".join(f"SELECT '{table}' AS name, count(*) AS many FROM {table}" for table in tables)
    with engine.connect() as connection:
        return {row.name: row.many for row in connection.execute(text(counted))}


def _keys_only(key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "result_format": "SUMMARY",
        **({"unexpected_index_column_names": list(key)} if key else {}),
        "partial_unexpected_count": KEPT,
        "exclude_unexpected_values": True,
    }


def _suite(name: str, checks: Sequence[Check], parameters: Mapping[str, Any]) -> gx.ExpectationSuite:
    return gx.ExpectationSuite(name=name, expectations=[_expectation(check, parameters) for check in checks])


def _expectation(check: Check, parameters: Mapping[str, Any]) -> Any:
    arguments = dict(check.arguments)
    if check.expectation == ROWS:
        query = with_literals(arguments["unexpected_rows_query"], parameters).replace("{batch}", check.table)
        arguments["unexpected_rows_query"] = _FIRST.replace("{query}", query)
    return _CLASSES[check.expectation](**arguments, severity=check.severity.value, meta={"check": check.name})


def with_literals(query: str, parameters: Mapping[str, Any]) -> str:
    """`query` with its `:names` replaced by SQL literals: Great Expectations has no place for bound parameters."""
    statement = text(query)
    used = {name: parameters[name] for name in statement._bindparams}  # noqa: SLF001  # no public accessor
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # no percent sign is doubled
    return str(statement.bindparams(**used).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _table(context: Any, connect: Connect, table: str) -> Any:
    """`schema.table` as a batch; a data source per schema, because tables are found by its search path."""
    schema, name = table.split(".")
    if schema not in context.data_sources.all():
        with warnings.catch_warnings():  # it would rather have the Postgres source, which refuses a unix socket
            warnings.simplefilter("ignore", GxDatasourceWarning)
            context.data_sources.add_sql(
                schema,
                connection_string="postgresql+psycopg://",
                kwargs={"pool_size": 1, "creator": partial(connect, schema)},
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


def _outcome(check: Check, result: Any, row_count: int) -> CheckOutcome:
    details = result.result
    if check.expectation == ROWS:
        failed = int(details["observed_value"])
        failing = tuple(details["details"]["unexpected_rows"])
        told: tuple[str, ...] = (details["details"]["digest"],)
    else:
        failed = int(details.get("unexpected_count") or 0)
        keys = details.get("partial_unexpected_index_list") or [{column: [] for column in check.key}]
        named = zip(*(keys[0][column] for column in check.key), strict=True)
        failing = tuple(sorted(":".join(map(str, row)) for row in named))
        told = failing if len(failing) == failed else ()  # of so many, which of them are named is chance
    state = "" if result.success else hashlib.sha256("\n".join((str(failed), *told)).encode()).hexdigest()
    return CheckOutcome(
        check.suite, check.name, check.severity, bool(result.success), row_count, failed, failing, state
    )
