"""What brings a data set, each run in the environment that holds its package: FILE in, one Parquet file out."""
