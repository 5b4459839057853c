"""`onerecord user`: accounts of the people who sign in to the hub's pages."""

import getpass
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False, emoji=False)

Name = Annotated[str, typer.Argument(help="the account's name; it signs what its owner decides")]
Role = Annotated[str, typer.Option("--role", help="admin, engineer, lead or reader")]
Departments = Annotated[
    list[str] | None,
    typer.Option("--department", help="finance, support, marketing or sales: what a lead answers for; may be repeated"),
]


def _do(act: "Callable[[Connection], Any]") -> Any:
    from hub import settings
    from hub.db.engine import open_database

    with open_database(settings.load()) as database, database.engine.begin() as connection:
        return act(connection)


def _password() -> str:
    """Asked for twice at a terminal, else the first line of stdin. Never an argument: others see those."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password (12 characters or more): ")
    if getpass.getpass("Again: ") != first:
        raise ConfigurationError("the two passwords differ: nothing was changed")
    return first


@app.command()
def add(name: Name, role: Role, department: Departments = None) -> None:
    """Make an account. Its password is asked for, or read from stdin; there is no default.

    An admin may do everything and makes accounts by page (/people). A lead judges duplicates of their departments, and
    sees the personal data of their customers. An engineer sees masks, and the data of one customer after asking for it,
    which is logged. A reader sees masks.

    onerecord user add mia --role lead --department marketing
    """
    from hub import users

    password = _password()
    _do(lambda connection: users.add(connection, name, role, department or (), password, actor=getpass.getuser()))
    console.print(f"{name} may sign in as {role}", markup=False)


@app.command("list")
def list_accounts() -> None:
    """Show all accounts: role, departments, sessions, and when each was seen last."""
    from hub import users

    found = _do(users.listed)
    if not found:
        console.print("there are no accounts; `onerecord user add NAME --role admin` makes one", markup=False)
        return
    table = Table("name", "role", "departments", "signs in", "sessions", "seen last", box=None, header_style="dim")
    for one in found:
        way = "disabled" if one.disabled_at else "at the provider" if one.issuer else "with a password"
        seen = f"{one.seen_at:%Y-%m-%d %H:%M}" if one.seen_at else "-"
        table.add_row(one.name, one.role, ", ".join(one.departments) or "-", way, str(one.sessions), seen)
    console.print(table)


@app.command()
def password(name: Name) -> None:
    """Give an account another password, asked for or read from stdin. Its sessions end."""
    from hub import users

    wanted = _password()
    _do(lambda connection: users.set_password(connection, name, wanted, actor=getpass.getuser()))
    console.print(f"{name} has another password, and was signed out everywhere", markup=False)


@app.command()
def role(name: Name, role: Role, department: Departments = None) -> None:
    """Give an account another role or other departments. Its sessions end: the next sign-in has the new rights."""
    from hub import users

    _do(lambda connection: users.set_role(connection, name, role, department or (), actor=getpass.getuser()))
    console.print(f"{name} is {role} now", markup=False)


@app.command()
def disable(name: Name) -> None:
    """Close an account and end its sessions, at once. What it decided stays; its name is not given to anybody else."""
    from hub import users

    _do(lambda connection: users.disable(connection, name, actor=getpass.getuser()))
    console.print(f"{name} can no longer sign in", markup=False)


@app.command()
def enable(name: Name) -> None:
    """Open a disabled account again, with the role and the password that it had."""
    from hub import users

    _do(lambda connection: users.enable(connection, name, actor=getpass.getuser()))
    console.print(f"{name} may sign in again", markup=False)


@app.command()
def own(
    name: Name,
    source: Annotated[str, typer.Argument(help="a source with deals, as it is named in the settings")],
    owner_id: Annotated[str, typer.Argument(help="what the source calls the owner")],
    end: Annotated[bool, typer.Option("--end", help="the account is not this owner, or no longer")] = False,
) -> None:
    """Say that an account owns the deals of an owner in a source: flags on them are shown to it first.

    onerecord user own sven salesforce 0055g00000AbCdE
    """
    from hub.coach import owners

    act = owners.disown if end else owners.own
    _do(lambda connection: act(connection, name, source, owner_id, actor=getpass.getuser()))
    console.print(f"{name} is {'not ' if end else ''}{owner_id} in {source}", markup=False)


@app.command()
def contact(
    name: Name,
    email: Annotated[str | None, typer.Option("--email", help="where digests go; '' for nowhere")] = None,
    team: Annotated[str | None, typer.Option("--team", help="whom figures count it with; '' for no team")] = None,
) -> None:
    """Say where an account's digests of flags go, or which team it is in. What is left out stays as it is."""
    from hub import users

    _do(lambda connection: users.set_contact(connection, name, email=email, team=team, actor=getpass.getuser()))
    console.print(f"changed: {name}", markup=False)
