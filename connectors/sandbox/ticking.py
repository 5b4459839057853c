from pathlib import Path


def tick(folder: Path, days: int = 1) -> None:
    raise NotImplementedError
