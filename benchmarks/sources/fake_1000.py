"""Splink's set fake_1000, which its package downloads: `python -m benchmarks.sources.fake_1000 FILE`."""

import sys

import duckdb
from splink import splink_datasets


def main() -> None:
    duckdb.from_arrow(splink_datasets.fake_1000).write_parquet(sys.argv[1])


if __name__ == "__main__":
    main()
