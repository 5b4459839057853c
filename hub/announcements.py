"""What becomes of a run, told to whoever asked for it: its publication is `held`, or `published`, or it `failed`.

`announce` is the one place where it is said. Webhooks of the feed `publications` follow the rows that it writes, and
`hub.run_mail` mails what is held and what failed.
"""

from collections.abc import Mapping
from typing import Any, Literal

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text

from hub.db import locks

Kind = Literal["held", "published", "failed"]

# Numbered by hand and in turn, so that nobody who follows the rows sees a later one before an earlier one.
_TELL = """
    INSERT INTO ops.announcement (sequence, kind, run_id, data)
    SELECT coalesce(max(sequence), 0) + 1, :kind, :run, :data FROM ops.announcement"""


def announce(connection: Connection, kind: Kind, run_id: str, data: Mapping[str, Any]) -> None:
    """Say what became of a run, once this transaction commits. `data` holds counts, ids, names of checks and steps."""
    locks.hold(connection, locks.PUBLICATION)
    connection.execute(text(_TELL), {"kind": kind, "run": run_id, "data": Jsonb(dict(data))})


def newest(connection: Connection) -> int:
    """The sequence of the last announcement; 0 where there is none."""
    return int(connection.execute(text("SELECT coalesce(max(sequence), 0) FROM ops.announcement")).scalar_one())
