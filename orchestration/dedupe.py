"""`onerecord dedupe`: find the duplicates in a file of people or companies, with no hub and no settings."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import ConfigurationError
from hub.progress import Step
from orchestration.console import Watch

if TYPE_CHECKING:
    import pyarrow as pa

    from dedup.kinds import Kind
    from dedup.mapping import Guess
    from dedup.opened import Opened
    from orchestration.deduped import Finished

ENDINGS = (".csv", ".parquet")
RESULT_COLUMN = "cluster"

File = Annotated[Path, typer.Argument(help="CSV (any separator, with a header line) or Parquet", show_default=False)]
Id = Annotated[
    str, typer.Option("--id", metavar="COLUMN", help="the column that names the records; else it is guessed")
]
Ignore = Annotated[
    list[str] | None, typer.Option("--ignore", metavar="COLUMN", help="leave a column out; several times")
]
Column = Annotated[
    list[str] | None, typer.Option("--column", metavar="NAME=KIND", help="say what a column holds; several times")
]
Out = Annotated[Path | None, typer.Option("--out", help="write id and cluster of every record, .csv or .parquet")]
Pairs = Annotated[Path | None, typer.Option("--pairs", help="write the scored pairs, .csv or .parquet")]
ModelFile = Annotated[Path | None, typer.Option("--model", help="write what was learned, .json")]
Threshold = Annotated[
    float | None, typer.Option("--threshold", min=0, max=1, help="probability from which two records are one")
]
PlanOnly = Annotated[bool, typer.Option("--plan", help="show the blocking rules and the pairs they cost, and stop")]
Json = Annotated[bool, typer.Option("--json", help="print the report as one JSON object")]


@dataclass(frozen=True)
class Targets:
    """Where results are written, as far as wanted."""

    out: Path | None
    pairs: Path | None
    model: Path | None


def dedupe(
    file: File,
    *,
    id_column: Id = "",
    ignore: Ignore = None,
    column: Column = None,
    out: Out = None,
    pairs: Pairs = None,
    model: ModelFile = None,
    threshold: Threshold = None,
    plan: PlanOnly = False,
    as_json: Json = False,
) -> None:
    """Find the duplicates in a file of people or companies. Needs no labels, no settings and no database.

    What the columns hold is guessed by their names and values, and shown; say it yourself where a guess is wrong:

        onerecord dedupe people.csv --out clusters.csv

        onerecord dedupe people.csv --id customer_no --ignore notes --column contact=full_name --out clusters.parquet

    Kinds: id, ignored, given_name, family_name, full_name, organization, email, phone, street, house_number, city,
    region, postcode, country, date, identifier, url, category, number, text.

    Every record of the file gets a line with its id (or its number in the file) and its cluster, which is called after
    the first record in it. Exit codes: 0 done, 2 something about the call or the file is wrong.
    """
    if plan:
        _plan(file, id_column or None, ignore or [], column or [])
        return
    targets = Targets(out, pairs, model)
    _check_targets(file, targets)
    finished = _run(file, id_column or None, ignore or [], column or [], threshold, quiet=as_json)
    from orchestration import deduped

    with _written():
        deduped.save(finished, out=out, pairs=pairs, model=model)
    if as_json:
        sys.stdout.write(json.dumps(deduped.summary(finished), default=str) + "\n")
    else:
        deduped.show(finished, out=out, pairs=pairs)


def _plan(file: Path, key: str | None, ignore: list[str], column: list[str]) -> None:
    from dedup.dedupe import plan
    from orchestration.deduped import show_mapping, show_plan

    opened = _read(file)
    guesses = _guess(opened.table, key, ignore, _kinds(column))
    show_mapping(opened, guesses)
    show_plan(plan(opened.table, {name: guess.kind for name, guess in guesses.items()}))


def _run(
    file: Path, key: str | None, ignore: list[str], column: list[str], threshold: float | None, *, quiet: bool
) -> "Finished":
    began, watch, seconds = time.monotonic(), Watch(), {}
    watch(Step("read", file.name))
    from dedup.dedupe import THRESHOLD
    from dedup.dedupe import dedupe as dedupe_table
    from orchestration.deduped import Finished, show_mapping

    opened = _read(file)
    watch(Step("read", file.name, opened.table.num_rows, opened.table.num_rows, opened.how))
    watch.close()
    guesses = _guess(opened.table, key, ignore, _kinds(column))
    ids = _ids(opened, guesses)
    if not quiet:
        show_mapping(opened, guesses)
    seconds["read"] = time.monotonic() - began
    timer = _Timer(watch, seconds)
    limit = THRESHOLD if threshold is None else threshold
    kinds = {name: guess.kind for name, guess in guesses.items()}
    found = dedupe_table(opened.table, kinds, threshold=limit, progress=timer.step)
    timer.close()
    seconds["total"] = time.monotonic() - began
    return Finished(file, opened, guesses, ids, found, limit, seconds)


class _Timer:
    """Draws the engine's stages and keeps the seconds that each took."""

    def __init__(self, watch: Watch, seconds: dict[str, float]) -> None:
        self._watch, self._seconds = watch, seconds
        self._stage, self._total, self._since = "", 0, time.monotonic()

    def step(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._add()
            self._stage = stage
        self._total = total
        self._watch(Step(stage, "", done, total))

    def close(self) -> None:
        self._add()
        self._watch.close()

    def _add(self) -> None:
        now = time.monotonic()
        if self._stage:
            self._watch(Step(self._stage, "", self._total, self._total))
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._since = now


def _read(file: Path) -> "Opened":
    from dedup import tables
    from dedup.opened import UnreadableError

    try:
        return tables.read(file)
    except UnreadableError as error:
        raise ConfigurationError(f"{file}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from None


def _kinds(column: list[str]) -> "dict[str, Kind]":
    """What `--column NAME=KIND` says, by column."""
    from dedup.kinds import Kind

    known = ", ".join(kind.value for kind in Kind)
    said: dict[str, Kind] = {}
    for each in column:
        name, equals, kind = each.rpartition("=")
        if not equals:
            raise ConfigurationError(f"--column {each}: write NAME=KIND, such as {each}=full_name; kinds are {known}")
        if kind.strip().lower() not in set(Kind):
            raise ConfigurationError(f"--column {each}: there is no kind {kind!r}; kinds are {known}")
        said[name] = Kind(kind.strip().lower())
    return said


def _guess(table: "pa.Table", key: str | None, ignore: list[str], given: "Mapping[str, Kind]") -> "dict[str, Guess]":
    from dedup.mapping import guess

    try:
        return guess(table, id=key, ignore=ignore, given=given)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _ids(opened: "Opened", guesses: "Mapping[str, Guess]") -> "pa.Table":
    """One column that names the records: the id column, or the number of each record in the file."""
    import pyarrow as pa

    from dedup.kinds import Kind
    from dedup.standardise import series

    name = next((name for name, guess in guesses.items() if guess.kind is Kind.ID), None)
    if name is None:
        return pa.table({"row": opened.numbers})
    if name == RESULT_COLUMN:
        raise ConfigurationError(f"the id column is called {name!r}, as the column of the result: name another --id")
    try:
        column = series.texts(opened.table[name].combine_chunks())
    except ValueError as error:
        raise ConfigurationError(f"the id column {name!r} {error}: name another --id") from None
    repeated = len(column) - column.n_unique()
    if repeated or column.null_count():
        what = f"{repeated:,} of its values repeat" if repeated else "it has empty values"
        raise ConfigurationError(
            f"the id column {name!r} does not name the records: {what}; name another --id, or --column {name}=ignored "
            "to number the records"
        )
    return opened.table.select([name])


def _check_targets(file: Path, targets: Targets) -> None:
    """Raise ConfigurationError before the work where its result could not be written."""
    if not file.exists():
        raise ConfigurationError(f"there is no file {file}")
    if file.is_dir():
        raise ConfigurationError(f"{file} is a folder: name one CSV or Parquet file")
    wanted = {"--out": targets.out, "--pairs": targets.pairs, "--model": targets.model}
    paths = {option: path for option, path in wanted.items() if path is not None}
    for option, path in paths.items():
        endings = (".json",) if option == "--model" else ENDINGS
        if path.suffix.lower() not in endings:
            raise ConfigurationError(f"{option} {path}: the name must end in {' or '.join(endings)}")
        if path.is_dir() or not path.parent.is_dir():
            raise ConfigurationError(f"{option} {path}: {'it' if path.is_dir() else path.parent} is {_what(path)}")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise ConfigurationError(f"{option} {path}: you may not write there")
    places = [path.resolve() for path in (file, *paths.values())]
    if len(set(places)) < len(places):
        raise ConfigurationError("the file and its results need names of their own: one would overwrite another")


def _what(path: Path) -> str:
    return "a folder" if path.is_dir() else "no folder"


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or "the result"
        raise ConfigurationError(f"{where} cannot be written: {(error.strerror or str(error)).lower()}") from None
