"""What somebody may do: scopes, roles that give them, and the departments whose records they are responsible for."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from hub.model.kinds import Department


class Scope(StrEnum):
    """What a key or a role allows. `admin` may do everything; the others stand for themselves.

    `show`: see the personal data of one customer after asking for it, which is logged. `read:finance` and its like:
    see what a private department knows. `checks`: see what the quality checks found; `waive`: let one failure pass.
    """

    READ = "read"
    REVIEW = "review"
    SHOW = "show"
    CHECKS = "checks"
    WAIVE = "waive"
    ADMIN = "admin"
    READ_FINANCE = "read:finance"
    READ_SUPPORT = "read:support"
    READ_MARKETING = "read:marketing"
    READ_SALES = "read:sales"


def facts_of(department: str) -> Scope:
    """The scope by which a private department's facts are seen."""
    return Scope(f"read:{department}")


# To review, to ask for a look and to answer for a failed check is for people.
_OF_PEOPLE = frozenset({Scope.REVIEW, Scope.SHOW, Scope.CHECKS, Scope.WAIVE})
KEY_SCOPES = tuple(scope for scope in Scope if scope not in _OF_PEOPLE)


class Role(StrEnum):
    """What an account is for."""

    ADMIN = "admin"
    ENGINEER = "engineer"
    LEAD = "lead"
    READER = "reader"


_SCOPES = {
    Role.ADMIN: frozenset({Scope.ADMIN}),
    Role.ENGINEER: frozenset({Scope.READ, Scope.SHOW, Scope.CHECKS, Scope.WAIVE}),
    Role.LEAD: frozenset({Scope.READ, Scope.REVIEW, Scope.CHECKS}),
    Role.READER: frozenset({Scope.READ}),
}


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

    def sees(self, departments: Collection[str]) -> bool:
        """Whether the personal data of a record or customer of these departments is shown without a mask."""
        return any(self.answers_for(department) for department in departments) if departments else self.may("admin")

    def withheld(self, private: Collection[str]) -> frozenset[Department]:
        """The `private` departments whose facets and facts are not for this one."""
        return frozenset(Department(one) for one in private if not self.may(facts_of(one)))


def principal(name: str, role: str, departments: Collection[str]) -> Principal:
    """The holder of an account. Only leads answer for departments; an admin is bound to none."""
    held = frozenset(departments) if role == Role.LEAD else frozenset[str]()
    scopes = _SCOPES[Role(role)] | {facts_of(one) for one in held}
    return Principal(name, frozenset(scopes), None if role == Role.ADMIN else held)
