"""The data sets: where they come from, and a cached copy of each with the truth kept apart from the records."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.environments import HERE, UnavailableError, python_of, requirements_digest

CACHE = HERE / ".data"
TRUTH = "cluster"
# Ids would give the truth away (rec-223-dup-0), and none is evidence.
IDS = frozenset({"id", "unique_id", "rec_id", "record_id", "party_id", "__index_level_0__"})
# Generating a million rows takes seconds, a download may hang.
PATIENCE = 600.0


@dataclass(frozen=True)
class Source:
    """What brings a set: a file, or a module of `benchmarks.sources` with its arguments, run in an environment."""

    name: str
    file: Path | None = None
    environment: str = "data"
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A set on disk: Parquet files of the records, without the truth, and of the truth; in the same order of rows."""

    name: str
    records: Path
    truth_file: Path
    rows: int

    def truth(self) -> NDArray[np.int64]:
        """A number for the entity of each row, shape (rows,)."""
        return numbered(pq.read_table(self.truth_file)[TRUTH])


def numbered(labels: pa.ChunkedArray) -> NDArray[np.int64]:
    """A number for each distinct label, in place of it; numbers are much faster to compare than text."""
    codes = labels.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)


def known(rows: Sequence[int], folder: Path | None) -> dict[str, Source]:
    """All sets by name: those that ship or are generated, with crm in the sizes `rows`, and the files of the folder.

    A file takes the place of a set with its name.
    """
    found = [Source(f"febrl{number}", command=("febrl", str(number))) for number in (1, 2, 3, 4)]
    found.append(Source("fake_1000", environment="splink", command=("fake_1000",)))
    found += [Source(f"crm_{size}", command=("crm", str(size))) for size in rows]
    found += [Source(path.stem, file=path) for path in sorted(folder.glob("*.parquet"))] if folder else []
    return {source.name: source for source in found}


def prepare(source: Source) -> Dataset:
    """The set, from the cache or brought now. Raises UnavailableError if it cannot be had or has no truth."""
    if source.file:
        return _split(source.name, source.file, CACHE / "files" / source.name)
    folder = CACHE / requirements_digest(source.environment) / source.name
    records, truth = folder / "records.parquet", folder / "truth.parquet"
    if records.exists() and truth.exists():
        return Dataset(source.name, records, truth, pq.read_metadata(records).num_rows)
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "raw.parquet"
    _bring(source, raw)
    try:
        return _split(source.name, raw, folder)
    finally:
        raw.unlink(missing_ok=True)


def _bring(source: Source, raw: Path) -> None:
    module, *arguments = source.command
    command = [python_of(source.environment), "-m", f"benchmarks.sources.{module}", *arguments, str(raw)]
    try:
        done = subprocess.run(  # noqa: S603  # our own command
            command, capture_output=True, text=True, check=False, cwd=HERE.parent, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as late:
        raise UnavailableError(f"{source.name} did not come within {PATIENCE:.0f} s") from late
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UnavailableError(f"{source.name} cannot be had here ({said[0][:200]}): give its file with --data")


def _split(name: str, raw: Path, folder: Path) -> Dataset:
    try:
        table = pq.read_table(raw)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnavailableError(f"{raw} cannot be read: {error}") from error
    if TRUTH not in table.column_names:
        raise UnavailableError(f"{raw} has no column {TRUTH!r}: it must hold the entity of each row")
    if table[TRUTH].null_count:
        raise UnavailableError(f"{raw} has no {TRUTH!r} in {table[TRUTH].null_count:,} rows: give each row its entity")
    rows = pa.array(range(table.num_rows), pa.int64())
    evidence = table.drop_columns([one for one in table.column_names if one in IDS | {TRUTH}])
    folder.mkdir(parents=True, exist_ok=True)
    records, truth = folder / "records.parquet", folder / "truth.parquet"
    pq.write_table(evidence.add_column(0, "unique_id", rows).replace_schema_metadata(None), records)
    pq.write_table(pa.table({"unique_id": rows, TRUTH: table[TRUTH].cast(pa.string())}), truth)
    return Dataset(name, records, truth, table.num_rows)
