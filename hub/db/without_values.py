"""Database errors without the values of the rows that caused them.

Postgres quotes rows in DETAIL ("Failing row contains (...)") and CONTEXT ("COPY party, line 3, column name: ...").
Errors end up in logs and in Dagster's pages, where personal data has no place.
"""

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext


def strip(error: psycopg.Error) -> None:
    """Keep what happened and to which table, column or constraint; drop what quotes rows."""
    found = error.diag
    if found.message_primary is None:
        return
    where = [name for name in (found.table_name, found.column_name, found.constraint_name) if name]
    error.args = (f"{found.sqlstate} {_unquoted(found)}" + (f" ({', '.join(where)})" if where else ""),)


def watch(engine: Engine) -> None:
    """Strip the errors of everything that runs through `engine`."""
    event.listen(engine, "handle_error", _strip_both)


def _strip_both(context: ExceptionContext) -> None:
    original = context.original_exception
    if isinstance(original, psycopg.Error):
        strip(original)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(original).__name__}) {original}",)


def _unquoted(found: psycopg.errors.Diagnostic) -> str:
    """Class 22 (data exceptions) quotes the offending value in its first line too: name the class instead."""
    if (found.sqlstate or "").startswith("22"):
        return f"a value does not fit its type ({psycopg.errors.lookup(found.sqlstate or '').__name__})"
    return found.message_primary or ""
