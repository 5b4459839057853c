"""`onerecord eligibility`: who of a campaign's list may be contacted."""

import csv
import getpass
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from hub.errors import ConfigurationError
from hub.whole_file import whole

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.eligibility.ask import Told
    from hub.eligibility.question import Question
    from hub.settings import Settings

console = Console(highlight=False, emoji=False)
Listed = Sequence[tuple[str, uuid.UUID | None]]  # what the column says, and the golden id that it is
COLUMNS = ("golden_id", "customer", "verdict", "not_before", "reason", "reach", "evidence")


def eligibility(
    file: Annotated[Path, typer.Argument(help="a CSV file with a column golden_id")],
    *,
    channel: Annotated[str, typer.Option(help="email, phone, sms, post or event")],
    purpose: Annotated[str, typer.Option(help="marketing, sales, upsell, collections or service")],
    out: Annotated[Path, typer.Option(help="where the answers go: a CSV file, a row for each row that was read")],
    offer: Annotated[str, typer.Option(help="the campaign or offer, as touches call it")] = "",
    product_line: Annotated[str, typer.Option(help="as subscriptions call their product")] = "",
    mailing_list: Annotated[str, typer.Option(help="as consents call it, such as 'subscription 2849'")] = "",
    private: Annotated[
        list[str] | None, typer.Option(help="also name records of this private department; it is kept in the audit log")
    ] = None,
) -> None:
    """Ask for a whole list at once: may these customers be contacted now?

    What is no golden id, or leads to no customer, is answered as unknown.
    """
    from hub import settings as hub_settings
    from hub.db.engine import open_database
    from hub.eligibility.question import Purpose, Question
    from hub.model.kinds import Channel

    settings, named = hub_settings.load(), frozenset(private or ())
    if not named <= settings.private_departments:
        raise ConfigurationError(f"--private {min(named - settings.private_departments)}: no such private department")
    question = Question(
        Channel(_one_of("--channel", channel, list(Channel))), Purpose(_one_of("--purpose", purpose, list(Purpose))),
        offer or None, product_line or None, mailing_list or None,
    )  # fmt: skip
    listed = _read(file)
    if out.exists() and out.samefile(file):
        raise ConfigurationError(f"--out {out}: is the list itself, which would be lost; name another file")
    with open_database(settings) as database:
        _note(database.engine, listed, question, named)
        counts = _write(out, listed, _told(database.engine, listed, question, settings, named))
    _show(counts, out)


def _one_of(option: str, given: str, known: Sequence[str]) -> str:
    if given not in known:
        raise ConfigurationError(f"{option} {given!r}: say one of {', '.join(known)}")
    return given


def _read(file: Path) -> Listed:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if "golden_id" not in (rows.fieldnames or ()):
                raise ConfigurationError(f"{file}: has no column golden_id; its first line must name the columns")
            return [_as_id(row["golden_id"] or "") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{file}: cannot be read as CSV in UTF-8 ({type(error).__name__})") from None


def _as_id(said: str) -> tuple[str, uuid.UUID | None]:
    try:
        return said, uuid.UUID(said.strip())
    except ValueError:
        return said, None


def _note(engine: "Engine", listed: Listed, question: "Question", named: frozenset[str]) -> None:
    """Write down who asks, before anybody is answered; service messages for each customer."""
    from hub.audit import record
    from hub.eligibility.ask import log_exempt
    from hub.eligibility.question import Purpose

    ids, actor = [one for _, one in listed if one], getpass.getuser()
    details = {"channel": question.channel, "purpose": question.purpose, "ids": len(ids), "private": sorted(named)}
    with engine.begin() as connection:
        record(connection, actor, "ask eligibility", "customers", details=details)
        if question.purpose == Purpose.SERVICE:
            log_exempt(connection, actor, ids, question)


def _told(
    engine: "Engine", listed: Listed, question: "Question", settings: "Settings", named: frozenset[str]
) -> Iterator["Told"]:
    """An answer for each id, all of one snapshot; records of private departments are named where `named` says so."""
    from hub import clock
    from hub.eligibility.ask import ask

    ids, kept_back = [one for _, one in listed if one], settings.private_departments - named
    snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with snapshot as connection:
        for told in ask(connection, ids, question, settings.eligibility, clock.as_of(settings)):
            yield told._replace(answer=told.answer.without(kept_back))


def _write(out: Path, listed: Listed, told: Iterator["Told"]) -> Counter[tuple[str, str]]:
    """Write a row for each that was listed; returns how many there are of each verdict and reason.

    What was in `out` stays until all are answered.
    """
    from hub.review.csv_answer import cell

    counts = Counter[tuple[str, str]]()
    shown = track(listed, "asking", console=Console(stderr=True), transient=True, disable=not console.is_terminal)
    try:
        with whole(out) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            for row in _rows(shown, told):
                counts[row["verdict"], row["reason"]] += 1
                writer.writerow({name: cell(value) for name, value in row.items()})
    except OSError as error:
        raise ConfigurationError(f"--out {out}: cannot be written ({error.strerror})") from None
    return counts


def _rows(listed: Iterable[tuple[str, uuid.UUID | None]], told: Iterator["Told"]) -> Iterator[Mapping[str, str]]:
    for said, golden_id in listed:
        if golden_id is None:
            yield {"golden_id": said, "verdict": "deny", "reason": "unknown"}
            continue
        _, customer, answer = next(told)
        binding = [
            record.ref for finding in answer.findings if finding.verdict != "allow" for record in finding.evidence
        ]
        yield {
            "golden_id": str(golden_id), "customer": str(customer or ""), "verdict": answer.verdict.value,
            "not_before": answer.not_before.isoformat() if answer.not_before else "",
            "reason": answer.reason.value if answer.reason else "", "reach": " ".join(answer.reach),
            "evidence": " ".join(binding),
        }  # fmt: skip


def _show(counts: Counter[tuple[str, str]], out: Path) -> None:
    table = Table("verdict", "reason", box=None, header_style="dim")
    table.add_column("customers", justify="right")
    for (verdict, reason), many in counts.most_common():
        table.add_row(verdict.replace("_", " "), reason.replace("_", " ") or "-", f"{many:,}")
    console.print(table)
    console.print(f"{counts.total():,} answers are in {out}", markup=False)
