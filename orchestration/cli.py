"""The command `onerecord`: run the hub, and the commands of the other rooms in one place."""

import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hub.benefit_command import app as cost_app
from hub.benefit_command import baseline
from hub.cli import app
from hub.digest_command import digest
from hub.eligibility_command import eligibility
from hub.errors import OneRecordError
from hub.export_command import export
from hub.merge_command import merge, unmerge
from hub.model_command import model
from hub.override_command import override
from hub.user_command import app as user_app
from hub.waive_command import waive
from hub.webhook_command import app as webhook_app
from orchestration.console import Watch, console, show_summary
from orchestration.dedupe import dedupe
from orchestration.sandbox import app as sandbox_app
from orchestration.trial import trial

if TYPE_CHECKING:
    from orchestration.pipeline import Outcome

# Polars takes SIGINT over with SA_RESTART, after which a wait without an end goes on for ever: Python's handler runs
# between two waits only.
LOOK_SECONDS = 0.2

EXIT_CODES = {"succeeded": 0, "failed": 1, "held": 3}

app.command()(dedupe)
app.command()(model)
app.command()(merge)
app.command()(unmerge)
app.command()(override)
app.command()(export)
app.command()(trial)
app.command()(baseline)
app.command()(eligibility)
app.command()(waive)
app.command()(digest)
app.add_typer(user_app, name="user", help="Accounts of the people who sign in, and which deals are theirs.")
app.add_typer(cost_app, name="cost", help="What the hub costs, entered by hand, for the benefit ledger.")
app.add_typer(webhook_app, name="webhook", help="Tell other tools of changes: signed, in order, until they took them.")
app.add_typer(sandbox_app, name="sandbox", help="The simulated departments: serve them, let a day pass, cause faults.")

Once = Annotated[bool, typer.Option("--once", help="Run once and exit: 0 published, 1 failed, 3 held back.")]
Json = Annotated[bool, typer.Option("--json", help="With --once: print the summary as one JSON object on stdout.")]


@app.command()
def run(once: Once = False, as_json: Json = False) -> None:
    """Pull all departments, merge duplicates, check, and publish the golden records.

    Without --once the hub stays up afterwards, with Dagster and the web pages, until ctrl-C. Where no sources are
    configured in onerecord.toml, departments are simulated. A second run goes on where the first ended.
    """
    if as_json and not once:
        raise typer.BadParameter("--json goes with --once")
    for sign in (signal.SIGINT, signal.SIGTERM):  # a shell's background job is born with SIGINT ignored
        signal.signal(sign, _interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        code = _run_once(as_json=as_json) if once else _run_until_stopped()
        raise typer.Exit(code)
    console.print("\nstopped")
    raise typer.Exit(130)


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _beside(work: Callable[[], "Outcome"]) -> "Outcome":
    """Do the work in a thread and wait for it here, where ctrl-C arrives.

    In the main thread Dagster would take the signals over, and one that comes between two steps would be lost.
    Work that is left behind ends with the process; its open transaction is rolled back.
    """
    done: Future[Outcome] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not done.done():
        wait([done], timeout=LOOK_SECONDS)
    return done.result()


def _run_once(*, as_json: bool, releases: str | None = None) -> int:
    """Run everything, or do again what a held run left undone."""
    from hub import run_mail, settings
    from orchestration import pipeline
    from orchestration.local import local_hub

    watch = Watch()
    with local_hub(settings.load(), watch) as hub:

        def work() -> "Outcome":
            if releases is None:
                return pipeline.run_main_job(hub.database, hub.settings, instance=hub.instance, watch=watch)
            return pipeline.release(hub.database, hub.settings, releases, instance=hub.instance, watch=watch)

        outcome = _beside(work)
        watch.close()
        _tell(outcome, as_json=as_json)  # before the mail: a server may take its time
        run_mail.send(hub.database.engine, hub.settings)
    return EXIT_CODES[outcome.status]


def _tell(outcome: "Outcome", *, as_json: bool) -> None:
    if as_json:
        found = {**outcome.summary, "status": outcome.status, "errors": list(outcome.errors), "run": outcome.run_id}
        sys.stdout.write(json.dumps(found, default=str) + "\n")
        sys.stdout.flush()
        return
    show_summary(outcome.summary, outcome.status, outcome.errors)
    if outcome.status == "held":
        console.print(f"`onerecord waive CHECK --run {outcome.run_id} --why ...` lets one of them pass.", markup=False)


@app.command()
def release(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="the held run; /checks and `onerecord run` name it")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object on stdout.")] = False,
) -> None:
    """Do again what a held run left undone, with the checks that were waived in it let pass.

    Exits with 0 where it is published, 1 where it failed, 3 where another check holds it. Where the hub is up, it
    does so by itself once all that holds the run is waived.
    """
    raise typer.Exit(_run_once(as_json=as_json, releases=run_id))


def _run_until_stopped() -> int:
    from hub import settings as hub_settings
    from orchestration import local
    from orchestration.pipeline import run_main_job

    watch, settings = Watch(), hub_settings.load()
    with local.only_one(settings.data_dir), local.local_hub(settings, watch) as hub, local.servers(hub) as started:
        password, key = local.first_password(hub), local.first_key(hub)
        outcome = _beside(lambda: run_main_job(hub.database, hub.settings, instance=hub.instance, watch=watch))
        watch.close()
        show_summary(outcome.summary, outcome.status, outcome.errors)
        local.wait_for(started)
        for server in started:
            console.print(f"  {server.name:<9}{server.url}")
        if hub.simulated is not None:
            console.print(f"  {'Sandbox':<9}{hub.simulated}/sandbox  (simulated departments, no real customers)")
        console.print(f"\nSign in to the hub as {local.FIRST_ACCOUNT} with the password in {password}.", markup=False)
        console.print(f"A key for the API is in {key}. `onerecord user add` makes accounts for others.", markup=False)
        _wait_for_ctrl_c("Ctrl-C stops everything.")
    return EXIT_CODES[outcome.status]


def _wait_for_ctrl_c(invitation: str) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        console.print(invitation)
        while True:
            time.sleep(LOOK_SECONDS)
    console.print("\nstopping ...")


@app.command()
def dagster(
    part: Annotated[str, typer.Argument(help="webserver or daemon")],
    host: Annotated[str, typer.Option(help="where the web server listens")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="its port")] = 3400,
) -> None:
    """Run one part of Dagster on a server, with its storage beside the hub's database."""
    from hub import settings
    from orchestration.instance import serve

    serve(settings.load(), part, host=host, port=port)


@app.command()
def evaluate(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FOLDER", help="Draw threshold curves and weights.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="CSV: source, stream, source_id, entity.")
    ] = None,
) -> None:
    """Measure the merge against a truth that the pipeline never reads, and against what people judged.

    Without --truth it is the truth of the simulated world, where there is one.
    """
    from hub import settings
    from orchestration.evaluated import show
    from orchestration.evaluation import draw, evaluate_hub

    found = evaluate_hub(settings.load(), truth)
    drawn = draw(settings.load(), found, svg) if svg else []
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        show(found)
    for file in drawn:
        console.print(f"drawn: {escape(str(file))}", soft_wrap=True)


def main() -> None:
    """The entry point: errors that a user can act on are one line, with the exit code of their kind."""
    try:
        app()
    except OneRecordError as error:
        console.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
