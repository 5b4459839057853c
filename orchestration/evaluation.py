"""How good the merge is: the stored pairs and customers against a truth file, and against what people judged."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

import dedup
from connectors import sandbox
from dedup.curve import threshold_curve
from dedup.evaluation import evaluate, evaluate_judgements
from dedup.pictures import curves, weights
from hub.db.engine import open_database
from hub.errors import ConfigurationError
from hub.identity import models, parties
from hub.model.canonical import ref
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings, Settings

TRUTH_COLUMNS = ("source", "stream", "source_id", "entity")


@dataclass(frozen=True)
class Members:
    """Parties of a kind that belong to a customer: id and ref of each, and the customer's number."""

    ids: list[int]
    refs: list[str]
    customers: list[int]


def evaluate_hub(settings: Settings, truth_file: Path | None = None) -> dict[str, Any]:
    """What is known about the quality of the merge, per kind of party.

    Every kind has `judged`, see `dedup.evaluation.evaluate_judgements`. Where there is a truth, which is `truth_file`
    or else that of the simulated world, the keys of `dedup.evaluation.evaluate` are there as well, examples as refs;
    `without_truth`, the number of parties that the file does not name; and `curve`, see `dedup.curve`.

    Raises:
        ConfigurationError: the truth file cannot be read, or there is neither a truth nor a judgement.

    """
    path = truth_file or sandbox.truth_path(settings.data_dir / "sandbox")
    truth = _read_truth(path) if truth_file or path.exists() else None
    with open_database(settings) as database, database.engine.connect() as connection:
        found = {kind.value: _measure(connection, kind, truth, settings.match) for kind in PartyKind}
    if truth is None and not any(measures["judged"]["judged"] for measures in found.values()):
        raise ConfigurationError(
            f"{path} is missing, and nobody judged a pair yet: only simulated departments know the truth by "
            "themselves. Judge some pairs, or give --truth FILE"
        )
    return found


def draw(settings: Settings, found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write per kind the threshold curves, where there is a truth, and the weights of the model; returns the files.

    Raises:
        ConfigurationError: the folder cannot be written to.

    """
    borders = {"same": settings.match.same, "review": settings.match.review}
    pictures = {
        f"{kind}-thresholds.svg": curves(measures["curve"], title=kind, thresholds=borders)
        for kind, measures in found.items()
        if "curve" in measures
    }
    with open_database(settings) as database, database.engine.connect() as connection:
        for kind in PartyKind:
            model = models.newest(connection, kind)
            if model is not None:
                pictures[f"{kind.value}-weights.svg"] = weights(_weights(model), title=model.version)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            (folder / name).write_text(picture, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--svg {folder}: cannot be written to ({error.strerror})") from None
    return [folder / name for name in pictures]


def _weights(model: dedup.Model) -> dict[str, list[tuple[str, float]]]:
    return {
        name: [(level["label"], math.log2(level["m"] / level["u"])) for level in levels]
        for name, levels in model.to_dict()["levels"].items()
    }


def _read_truth(path: Path) -> dict[str, str]:
    """The entity of each ref."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [name for name in TRUTH_COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise ConfigurationError(
                    f"{path}: the column {missing[0]} is missing; a truth file has {', '.join(TRUTH_COLUMNS)}"
                )
            return {ref(row["source"], row["stream"], row["source_id"]): row["entity"] for row in rows if row["entity"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no CSV file in UTF-8"
        raise ConfigurationError(f"{path} cannot be read: {problem}") from None


def _measure(
    connection: Connection, kind: PartyKind, truth: Mapping[str, str] | None, settings: MatchSettings
) -> dict[str, Any]:
    stored = _stored_pairs(connection, kind)
    judged = evaluate_judgements(stored, _judged(connection, kind))
    if truth is None:
        return {"judged": judged}
    members = _members(connection, kind)
    known = [at for at, name in enumerate(members.refs) if name in truth]
    entities = ([members.ids[at] for at in known], [truth[members.refs[at]] for at in known])
    pairs = pa.concat_tables([stored, _scored_apart(connection, kind, stored, settings)])
    measures = evaluate(pairs, dict(zip(members.ids, members.customers, strict=True)), entities)
    _name_examples(measures["errors"], dict(zip(members.ids, members.refs, strict=True)))
    return {
        **measures,
        "without_truth": len(members.refs) - len(known),
        "judged": judged,
        "curve": threshold_curve(pairs, entities),
    }


def _members(connection: Connection, kind: PartyKind) -> Members:
    rows = connection.execute(
        text(
            """SELECT p.party_id, p.ref, dense_rank() OVER (ORDER BY m.golden_id) AS customer FROM canonical.party p
               JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE p.kind = :kind ORDER BY p.party_id"""
        ),
        {"kind": kind.value},
    ).all()
    return Members([row.party_id for row in rows], [row.ref for row in rows], [row.customer for row in rows])


def _stored_pairs(connection: Connection, kind: PartyKind) -> pa.Table:
    rows = connection.execute(
        text("SELECT party_a AS a, party_b AS b, band, probability FROM identity.pair WHERE kind = :kind"),
        {"kind": kind.value},
    ).all()
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    types = (pa.int64(), pa.int64(), pa.string(), pa.float64())
    arrays = [pa.array(values, type=type_) for values, type_ in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["a", "b", "band", "probability"])


def _scored_apart(connection: Connection, kind: PartyKind, like: pa.Table, settings: MatchSettings) -> pa.Table:
    """The pairs that matching compares and does not store, scored anew: they tell what was missed by which step."""
    model = models.newest(connection, kind)
    if model is None:
        return like.slice(0, 0)
    everything = dedup.Thresholds(same=settings.same, review=0.0)
    pairs = dedup.match(parties.load(connection, kind), model, thresholds=everything).pairs
    apart = pairs.filter(pc.less(pairs.column("probability"), settings.review)).select(["a", "b", "probability"])
    # A party that changed since it was matched may have scored higher then: what is stored counts.
    apart = apart.join(like.select(["a", "b"]), keys=["a", "b"], join_type="left anti")
    band = pa.array(["different"] * apart.num_rows, pa.string())
    return apart.append_column("band", band).select(like.column_names).cast(like.schema)


def _judged(connection: Connection, kind: PartyKind) -> tuple[list[int], list[int], list[bool]]:
    """What people say that is in force: a, b and whether they are the same."""
    rows = connection.execute(
        text(
            """SELECT party_a, party_b, verdict = 'same' FROM identity.judgement j
               JOIN canonical.party p ON p.party_id = j.party_a
               WHERE p.kind = :kind AND ended_at IS NULL AND author_kind = 'person' AND verdict <> 'unsure'
               ORDER BY party_a, party_b"""
        ),
        {"kind": kind.value},
    ).all()
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _name_examples(errors: Mapping[str, Any], refs: Mapping[int, str]) -> None:
    """Example pairs by ref, as `onerecord explain` takes them."""
    for side in errors.values():
        for kind in side.values():
            kind["examples"] = [[refs[a], refs[b]] for a, b in kind["examples"]]
