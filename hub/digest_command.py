"""`onerecord digest`: mail people the flags on their own deals."""

from rich.console import Console

console = Console(highlight=False, emoji=False)


def digest() -> None:
    """Mail everybody who has an address the flags on their own deals, and managers counts. Once a working day each.

    Dagster does so in the morning by itself. The server is set in the section mail of onerecord.toml.
    """
    from hub import clock, settings
    from hub.coach import digest as digests
    from hub.db.engine import open_database

    loaded = settings.load()
    with open_database(loaded) as database:
        sent = digests.send(database.engine, loaded, as_of=clock.as_of(loaded))
    console.print(f"{sent} digest{'s' if sent != 1 else ''} sent", markup=False)
