"""Errors of the database end in logs and on Dagster's pages: they name the place, never the value."""

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.db import bulk
from hub.db.tables import canonical

SECRET = "ada.lovelace@example.org"


def test_a_row_that_breaks_a_constraint_is_not_quoted(db: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, db.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO canonical.party (ref, source, stream, source_id, kind, email) VALUES ('a:b:c','a','b','c','x',:e)"
            ),
            {"e": SECRET},
        )
    told = str(caught.value) + str(caught.value.orig)
    assert SECRET not in told
    assert "department" in told, "the column that is missing is named"


def test_a_value_that_does_not_fit_its_type_is_not_quoted(db: Engine) -> None:
    columns = ["ref", "source", "stream", "source_id", "kind", "department", "name", "birth_date"]
    row = ["a:b:c", "a", "b", "c", "person", "sales", "Ada", SECRET]
    with pytest.raises(psycopg.Error) as caught, db.begin() as connection:
        bulk.upsert(connection, canonical.Party.__table__, columns, [row], key=["ref"])
    assert SECRET not in str(caught.value)
    assert "22" in str(caught.value), "the kind of error is named"
