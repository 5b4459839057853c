"""What somebody may do: scopes, and the departments whose records they are responsible for."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a key or a role allows. `admin` may do everything; the others stand for themselves."""

    READ = "read"
    REVIEW = "review"
    ADMIN = "admin"


@dataclass(frozen=True)
class Principal:
    """Who is asking: the name that signs judgements and audit rows, and what it may do.

    `departments` are those that a lead answers for; None: no department in particular, so all of them.
    """

    name: str
    scopes: frozenset[str]
    departments: frozenset[str] | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def answers_for(self, department: str) -> bool:
        return self.departments is None or department in self.departments
