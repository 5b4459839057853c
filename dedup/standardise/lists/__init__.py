"""Word lists, one text file each, with a first line that says what the list is for."""

from importlib.resources import files


def word_list(name: str) -> frozenset[str]:
    """The words of the list `name`."""
    return frozenset(word for words in word_lines(name) for word in words)


def word_lines(name: str) -> list[list[str]]:
    """The words of the list `name`, line by line."""
    text = files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
