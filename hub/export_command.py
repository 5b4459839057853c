"""`onerecord export`: the golden record as files."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hub.errors import ConfigurationError

console = Console(highlight=False, emoji=False)


def export(
    folder: Annotated[Path, typer.Argument(help="where the Parquet files go")],
    view: Annotated[list[str] | None, typer.Option(help="only this view; may be given several times")] = None,
    private: Annotated[
        list[str] | None, typer.Option(help="also what this private department knows; it is kept in the audit log")
    ] = None,
) -> None:
    """Write what is published as Parquet files: customer, customer_history, crosswalk, merge_log and opportunity.

    All files are of one moment. They hold what the views of the same names in the schema `golden` hold; JSON is text.
    What departments of `private_departments` know is left out unless --private names them.
    """
    from hub import settings
    from hub.audit import record
    from hub.db.engine import open_database
    from hub.golden.export import VIEWS
    from hub.golden.export import export as write

    loaded, asked = settings.load(), frozenset(private or ())
    if not asked <= loaded.private_departments:
        raise ConfigurationError(f"--private {min(asked - loaded.private_departments)}: no such private department")
    withheld = loaded.private_departments - asked
    with open_database(loaded) as database:
        found = write(database.engine, folder, tuple(view or VIEWS), withheld)
        with database.engine.begin() as connection:
            details = {"views": list(found), "private": sorted(asked)}
            record(connection, getpass.getuser(), "export views", "customers", details=details)
    table = Table("file", box=None, header_style="dim")
    table.add_column("rows", justify="right")
    for name, rows in found.items():
        table.add_row(str(folder / f"{name}.parquet"), f"{rows:,}")
    console.print(table)
    if withheld:
        console.print(
            f"left out: what {', '.join(sorted(withheld))} knows is private; --private writes it", markup=False
        )
