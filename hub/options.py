"""Options that several commands take: why and by whom something is done, and how it is printed."""

import getpass
from typing import Annotated

import typer

from hub.errors import ConfigurationError


def _said(why: str) -> str:
    if not why.strip():
        raise ConfigurationError("--why must say something: a reason that is empty helps nobody later")
    return why.strip()


def _or_you(author: str) -> str:
    return author or getpass.getuser()


Why = Annotated[
    str, typer.Option("--why", help="the reason; it is kept with your name in the audit log", callback=_said)
]
# Takes "" for its default: who types the command.
Author = Annotated[str, typer.Option(help="who says so, if not you", show_default=False, callback=_or_you)]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
