"""What somebody wants done to customers: merge them, split one, judge a pair with values, or take that back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import Connection

from hub.errors import OneRecordError
from hub.identity import acts
from hub.model.kinds import Verdict

MOST_CUSTOMERS = 10  # merged by hand at once; beyond this nobody looks at each of them any more

Said = tuple[str, str, Verdict]


@dataclass(frozen=True)
class Decision:
    """What is wanted, by whom, and why. `kind` is merge, split, judge or undo.

    `choices`: group of attributes -> the record whose values are to hold for the customer that a merge makes.
    `undoes`: the act that is taken back; nothing is `said` then.
    """

    kind: str
    subject: str
    said: tuple[Said, ...]
    author: str
    reason: str
    choices: Mapping[str, str] = field(default_factory=dict)
    undoes: int | None = None

    @property
    def refs(self) -> list[str]:
        """The records that something is said of, each once."""
        return list(dict.fromkeys(ref for a, b, _ in self.said for ref in (a, b)))


def merge(
    connection: Connection, refs: Sequence[str], *, author: str, reason: str, choices: Mapping[str, str] | None = None
) -> Decision:
    """Put the whole customers of these records together; each record stands for its customer.

    Raises:
        NotFoundError: no customer has one of the records.
        OneRecordError: there are less than two, too many, or two of one customer.
    """
    several = list(dict.fromkeys(refs))
    if not 2 <= len(several) <= MOST_CUSTOMERS:
        raise OneRecordError(f"choose two customers or more, at most {MOST_CUSTOMERS}")
    first, *others = several
    made = [acts.merge(connection, first, other, author=author, reason=reason) for other in others]
    said = tuple(dict.fromkeys(chain.from_iterable(act.said for act in made)))
    return Decision("merge", " ".join(several), said, author, reason, choices or {})


def split(
    connection: Connection, golden_id: str, parts: Sequence[Sequence[str]], *, author: str, reason: str
) -> Decision:
    """Take a customer apart into parts of its records; those that no part names are one part more.

    Raises:
        NotFoundError, OneRecordError: as `hub.identity.acts.unmerge`.
    """
    act = acts.unmerge(connection, golden_id, parts, author=author, reason=reason)
    return Decision("split", golden_id, act.said, author, reason)


def undo(act_id: int, *, author: str, reason: str) -> Decision:
    """Take an act back."""
    return Decision("undo", f"act {act_id}", (), author, reason, undoes=act_id)
