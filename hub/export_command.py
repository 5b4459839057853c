"""`onerecord export`: the golden record as files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, emoji=False)


def export(
    folder: Annotated[Path, typer.Argument(help="where the Parquet files go")],
    view: Annotated[list[str] | None, typer.Option(help="only this view; may be given several times")] = None,
) -> None:
    """Write what is published as Parquet files: customer, customer_history, crosswalk, merge_log and opportunity.

    All files are of one moment. They hold what the views of the same names in the schema `golden` hold; JSON is text.
    """
    from hub import settings
    from hub.db.engine import open_database
    from hub.golden.export import VIEWS
    from hub.golden.export import export as write

    with open_database(settings.load()) as database:
        found = write(database.engine, folder, tuple(view or VIEWS))
    table = Table("file", box=None, header_style="dim")
    table.add_column("rows", justify="right")
    for name, rows in found.items():
        table.add_row(str(folder / f"{name}.parquet"), f"{rows:,}")
    console.print(table)
