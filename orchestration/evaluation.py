"""How good the merge is: the stored pairs and customers against the simulated world's truth file."""

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.table import Table
from sqlalchemy import Connection, text

import dedup
from connectors import sandbox
from hub.db.engine import open_database
from hub.errors import ConfigurationError
from hub.model.canonical import ref
from hub.model.kinds import PartyKind
from hub.settings import Settings
from orchestration.console import console


def evaluate_sandbox(settings: Settings) -> dict[str, Any]:
    """Precision and recall per kind of party; see `dedup.evaluate` for the keys.

    Raises:
        ConfigurationError: there is no simulated world, so there is no truth to measure against.

    """
    path = sandbox.truth_path(settings.data_dir / "sandbox")
    if not path.exists():
        raise ConfigurationError(f"{path} is missing: only simulated departments know the truth; run the hub first")
    truth = _read_truth(path)
    with open_database(settings) as database, database.engine.connect() as connection:
        return {kind.value: _evaluate(connection, kind, truth) for kind in PartyKind}


def _read_truth(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as file:
        return {ref(row["source"], row["stream"], row["source_id"]): row["entity"] for row in csv.DictReader(file)}


def _evaluate(connection: Connection, kind: PartyKind, truth: dict[str, str]) -> dict[str, Any]:
    rows = connection.execute(
        text(
            """SELECT p.party_id, p.ref, m.golden_id::text FROM canonical.party p
               JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE p.kind = :kind ORDER BY p.party_id"""
        ),
        {"kind": kind.value},
    ).all()
    known = [row for row in rows if row.ref in truth]
    numbers = {golden: number for number, golden in enumerate(sorted({row.golden_id for row in known}))}
    labels = {row.party_id: numbers[row.golden_id] for row in known}
    entities = ([row.party_id for row in known], [truth[row.ref] for row in known])
    return {**dedup.evaluate(_pairs(connection, kind), labels, entities), "without_truth": len(rows) - len(known)}


def _pairs(connection: Connection, kind: PartyKind) -> pa.Table:
    rows = connection.execute(
        text("SELECT party_a AS a, party_b AS b, band, probability FROM identity.pair WHERE kind = :kind"),
        {"kind": kind.value},
    ).all()
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    types = (pa.int64(), pa.int64(), pa.string(), pa.float64())
    arrays = [pa.array(values, type=type_) for values, type_ in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["a", "b", "band", "probability"])


def show(found: dict[str, Any]) -> None:
    """Print the evaluation as a table: a column per kind of party."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("measure")
    for kind in found:
        table.add_column(kind, justify="right")
    for measure in next(iter(found.values())):
        values = [found[kind][measure] for kind in found]
        shown = ["-" if v is None else f"{v:.4f}" if isinstance(v, float) else f"{v:,}" for v in values]
        table.add_row(measure.replace("_", " "), *shown)
    console.print(table)
