"""What every runner does the same: `python -m benchmarks.peers.ENGINE RECORDS OUT`.

RECORDS is a Parquet file of `unique_id` (int64, 0 to rows - 1) and the columns that are evidence; the truth is never
in it. The runner writes OUT.clusters.parquet (unique_id, cluster), and where the engine has them OUT.pairs.parquet
(a, b, score) and OUT.candidates.parquet (a, b): all pairs that were compared, for the blocking recall.
Its last line on stdout is a JSON object, see `Run.say`. This file runs in every environment: the standard library only.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Run:
    """The paths of one run, and the seconds of its phases. What is done outside a phase is not the engine's time."""

    records: Path
    out: Path
    seconds: dict[str, float] = field(default_factory=dict)
    peak: int = 0

    @property
    def clusters(self) -> Path:
        return self.out.with_name(f"{self.out.name}.clusters.parquet")

    @property
    def pairs(self) -> Path:
        return self.out.with_name(f"{self.out.name}.pairs.parquet")

    @property
    def candidates(self) -> Path:
        return self.out.with_name(f"{self.out.name}.candidates.parquet")

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the block for a phase (import, read, train, score, cluster), and note the peak memory."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def say(self, *, setup: str, version: str, candidates: int | None = None) -> None:
        """Tell the parent: the phases, the peak (ru_maxrss after the last of them, before results are written), the
        set-up (hand-written, generic or none), the engine's version, and the number of candidate pairs if known.
        """
        line = {
            "seconds": self.seconds,
            "peak": self.peak,
            "setup": setup,
            "version": version,
            "candidates": candidates,
        }
        sys.stdout.write("\n" + json.dumps(line) + "\n")


def start() -> Run:
    """The run that the command line asks for. Exits with the usage if it is not RECORDS OUT."""
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m benchmarks.peers.ENGINE RECORDS.parquet OUT")
    return Run(records=Path(sys.argv[1]), out=Path(sys.argv[2]))
