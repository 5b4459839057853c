"""What every page needs: the database, who is asking, and templates that know both."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection

from hub.access import Principal, Scope
from hub.golden.facts import FACTS
from hub.model.kinds import Department
from hub.review import words
from hub.settings import Settings


@dataclass(frozen=True)
class NavigationItem:
    path: str
    label: str
    scope: Scope | None


NAVIGATION = (
    NavigationItem("/", "Overview", None),
    NavigationItem("/review", "Review", Scope.REVIEW),
    NavigationItem("/dashboard", "Dashboard", Scope.REVIEW),
    NavigationItem("/model", "Model", Scope.REVIEW),
    NavigationItem("/trends", "Trends", Scope.READ),
    NavigationItem("/customers", "Customers", Scope.READ),
    NavigationItem("/contact/leaks", "Contact", Scope.REVIEW),
    NavigationItem("/flags", "Flags", Scope.READ),
    NavigationItem("/quarantine", "Quarantine", Scope.READ),
    NavigationItem("/checks", "Checks", Scope.CHECKS),
    NavigationItem("/people", "People", Scope.ADMIN),
    NavigationItem("/audit", "Audit", Scope.ADMIN),
)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hub.review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(words.FILTERS)
    environment.tests.update(words.TESTS)
    return environment


TEMPLATES = _environment()


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The page `template` with `context`, the navigation this visitor may use, and the token for its forms.

    `left_out` are the private departments that are not for this visitor, and `known` drops the facts that these have.
    """
    who: Principal | None = getattr(request.state, "principal", None)
    session = getattr(request.state, "session", None)
    hidden = who.withheld(request.app.state.settings.private_departments) if who else frozenset[Department]()
    secret = {fact for department in hidden for fact in FACTS[department]}
    content = TEMPLATES.get_template(template).render(
        principal=who,
        may=who.may if who else lambda _scope: False,
        navigation=[item for item in NAVIGATION if who and (item.scope is None or who.may(item.scope))],
        path=request.url.path,
        left_out=sorted(hidden),
        known=lambda counts: {fact: many for fact, many in counts.items() if fact not in secret},
        csrf=request.app.state.sessions.csrf(session) if session else "",
        **context,
    )
    return HTMLResponse(content, status)


def reading(request: Request) -> Iterator[Connection]:
    """One snapshot for the whole answer, so that no page shows half a publication."""
    with request.app.state.engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


# For pages that need another connection later: who held one and waited for the next would wait for ever where as many
# do so as there are connections.
read_first = contextlib.contextmanager(reading)


def writing(request: Request) -> Iterator[Connection]:
    """One request, one transaction, committed before the answer is sent."""
    with request.app.state.engine.begin() as connection:
        yield connection


def looking(request: Request) -> Iterator[Connection]:
    """One snapshot that is read, and into which only the audit log writes who looked."""
    opened = request.app.state.engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with opened as connection, connection.begin():
        yield connection


def requires(scope: Scope) -> Callable[[Request], None]:
    """A dependency that refuses who may not do this."""

    def check(request: Request) -> None:
        who: Principal | None = request.state.principal
        if who is None or not who.may(scope):
            raise HTTPException(403, "your role does not open this page; an admin can give you another")

    return check


async def from_our_form(request: Request) -> None:
    """A dependency that refuses posts which do not carry the token of the visitor's own session, or null characters."""
    fields = await request.form()
    token = fields.get("csrf")
    session = request.state.session
    if session is None or not isinstance(token, str) or not request.app.state.sessions.is_ours(session, token):
        raise HTTPException(403, "this form is out of date or did not come from this site; open the page again")
    if any(isinstance(value, str) and "\x00" in value for _, value in fields.multi_items()):
        raise HTTPException(400, "a form holds no null characters")


def signed_in(request: Request) -> Principal:
    who: Principal = request.state.principal
    return who


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Reading = Annotated[Connection, Depends(reading, scope="function")]
Looking = Annotated[Connection, Depends(looking, scope="function")]
Writing = Annotated[Connection, Depends(writing, scope="function")]
SignedIn = Annotated[Principal, Depends(signed_in)]
OfSettings = Annotated[Settings, Depends(settings_of)]
