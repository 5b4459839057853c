"""The command `onerecord`, as people and scripts use it: what it prints where, and how it ends."""

import json
import re
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pyarrow import parquet
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from hub.db.engine import make_engine
from tests.conftest import cloned
from tests.hubrun import Answer, onerecord, start_command
from tests.waiting import PATIENCE

KEYS = {"sources", "pairs", "golden", "flags", "publication", "changed", "run", "status", "errors"}
NOWHERE = "postgresql://hub:very-secret@127.0.0.1:9/onerecord"


@dataclass(frozen=True)
class Hub:
    """A hub with simulated departments that the command ran twice, the first time in a process of its own."""

    variables: dict[str, str]
    engine: Engine
    first: Answer
    second: Answer

    def __call__(self, *arguments: str) -> Answer:
        return onerecord(*arguments, **self.variables)

    def rows(self, query: str, **values: object) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))


@pytest.fixture(scope="module")
def hub(server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with chdir(folder), cloned(server, template) as database:
        dagster = database.set(database=f"{database.database}_dagster")
        variables = {
            "ONERECORD_DATA_DIR": str(folder / "data"),
            "ONERECORD_DATABASE_URL": database.render_as_string(hide_password=False),
            "ONERECORD_DAGSTER_DATABASE_URL": dagster.render_as_string(hide_password=False),
            "ONERECORD_SANDBOX__SIZE": "400",
        }
        command = start_command(variables, "run", "--once", "--json", cwd=folder)
        out, err = command.communicate(timeout=PATIENCE)
        first = Answer(command.returncode, out, err)
        second = onerecord("run", "--once", "--json", **variables)
        engine = make_engine(database)
        yield Hub(variables, engine, first, second)
        engine.dispose()


def test_run_once_prints_one_json_object_and_nothing_else_on_stdout(hub: Hub):
    assert hub.first.code == 0, hub.first.err
    assert hub.first.out.count("\n") == 1
    found = json.loads(hub.first.out)
    assert set(found) == KEYS
    assert found["status"] == "succeeded"
    assert found["errors"] == []
    assert found["changed"] is True
    assert set(found["sources"]) == {"salesforce", "hubspot", "zendesk", "stripe"}
    assert all(source["inserted"] > 0 for source in found["sources"].values())
    assert set(found["pairs"]) == {"person", "organization"}
    (row,) = hub.rows("SELECT count(*) AS customers, max(publication) AS number FROM golden.customer")
    assert found["golden"]["customers"] == row.customers
    assert (found["golden"]["id_churn"], found["golden"]["contradictions"]) == (0, 0)
    assert found["publication"]["number"] == row.number == 1


def test_progress_goes_to_stderr_by_stage(hub: Hub):
    stages = ["sandbox", "land", "conform", "match", "resolve", "compose"]
    places = [hub.first.err.find(f" s  {stage} ") for stage in stages]
    assert all(place >= 0 for place in places), hub.first.err
    assert places == sorted(places)
    assert hub.first.err.count(" s  check ") == 5, "a line per suite"
    assert "Traceback" not in hub.first.err


def test_a_second_run_goes_on_where_the_first_ended_and_says_that_nothing_changed(hub: Hub):
    assert hub.second.code == 0, hub.second.err
    found = json.loads(hub.second.out)
    assert found["changed"] is False
    assert found["publication"]["number"] == 1
    assert not found["publication"]["published"]
    assert all(source["inserted"] == 0 for source in found["sources"].values())
    assert found["golden"]["customers"] == json.loads(hub.first.out)["golden"]["customers"]


def truth_file(folder: Path, entities: dict[str, str]) -> Path:
    """A truth file with the entity of each ref."""
    file = folder / "truth.csv"
    rows = [",".join([*ref.split(":", 2), entity]) for ref, entity in entities.items()]
    file.write_text("\n".join(["source,stream,source_id,entity", *rows]))
    return file


def test_evaluate_measures_against_the_truth(hub: Hub):
    answer = hub("evaluate", "--json")
    assert answer.code == 0, answer.told
    found = json.loads(answer.out)
    assert set(found) == {"person", "organization"}
    for measures in found.values():
        assert 0.9 < measures["same_precision"] <= 1
        assert 0.9 < measures["same_or_review_recall"] <= 1
        assert 0.9 < measures["bcubed_f1"] <= 1
        best = measures["curve"]["clusters"]["best"]
        assert best["f1"] >= measures["cluster_f1"] - 0.02, "the sweep passes the threshold in force"
        assert sum(row["size"] * row["true"] for row in measures["sizes"]) == measures["records"]
        missed = sum(kind["pairs"] for kind in measures["errors"]["missed"].values())
        assert missed == pytest.approx(measures["true_pairs"] * (1 - measures["cluster_recall"]))
    shown = hub("evaluate").err
    assert "same precision" in shown
    assert "missed: in review" in shown


def test_evaluate_tells_mistakes_as_pairs_that_explain_takes(hub: Hub, pair: tuple[str, str], tmp_path: Path):
    stranger = hub.rows(
        "SELECT max(ref) AS ref FROM canonical.party WHERE kind = 'person' AND ref <> ALL(:two)", two=list(pair)
    )[0].ref
    truth = truth_file(tmp_path, {pair[0]: "she", pair[1]: "he", stranger: "he"})
    errors = json.loads(hub("evaluate", "--json", "--truth", str(truth)).out)["person"]["errors"]
    assert sum(kind["pairs"] for kind in errors["missed"].values()) == 1
    assert {tuple(errors["wrong"]["scored_same"]["examples"][0])} <= {pair, pair[::-1]}
    shown = hub("evaluate", "--truth", str(truth)).err
    (command,) = re.findall(r"wrong, scored same: +onerecord (explain \S+ \S+)", shown)
    assert hub(*command.split()).code == 0


def test_evaluate_draws_curves_and_weights_of_each_kind(hub: Hub, tmp_path: Path):
    folder = tmp_path / "drawn" / "here"
    answer = hub("evaluate", "--json", "--svg", str(folder))
    assert answer.code == 0, answer.told
    assert set(json.loads(answer.out)) == {"person", "organization"}
    names = {f"{kind}-{what}.svg" for kind in ("person", "organization") for what in ("thresholds", "weights")}
    assert {file.name for file in folder.iterdir()} == names
    for file in folder.iterdir():
        assert ET.parse(file).getroot().tag.endswith("svg")  # noqa: S314  # our own writing
        assert file.name in answer.err
    (tmp_path / "file").write_text("")
    assert hub("evaluate", "--svg", str(tmp_path / "file")).code == 2


def test_evaluate_takes_a_truth_of_ones_own(hub: Hub, pair: tuple[str, str], tmp_path: Path):
    file = truth_file(tmp_path, dict.fromkeys(pair, "one"))
    found = json.loads(hub("evaluate", "--json", "--truth", str(file)).out)["person"]
    assert (found["records"], found["true_pairs"], found["same_recall"]) == (2, 1, 1.0)
    file.write_text("source,stream,id,entity\n")
    answer = hub("evaluate", "--truth", str(file))
    assert (answer.code, "source_id" in answer.told) == (2, True)
    assert hub("evaluate", "--truth", str(tmp_path / "none.csv")).code == 2


def test_evaluate_without_a_truth_measures_what_people_judged(hub: Hub, pair: tuple[str, str], tmp_path: Path):
    elsewhere = {**hub.variables, "ONERECORD_DATA_DIR": str(tmp_path)}
    hub("judge", "UNSURE", *pair, "--why", "who knows", "--author", "lead")
    nothing = onerecord("evaluate", **elsewhere)
    assert nothing.code == 2
    assert "--truth" in nothing.told
    hub("judge", "SAME", *pair, "--why", "I know her", "--author", "lead")
    answer = onerecord("evaluate", "--json", **elsewhere)
    assert answer.code == 0, answer.told
    judged = json.loads(answer.out)["person"]["judged"]
    assert (judged["judged"], judged["same_precision"]) == (1, 1.0)
    assert judged["same_precision_interval"][0] < 0.3, "one pair proves little"
    assert "judged pairs" in onerecord("evaluate", **elsewhere).err
    hub("judge", "UNSURE", *pair, "--why", "not so sure", "--author", "lead")


@pytest.fixture
def pair(hub: Hub) -> tuple[str, str]:
    """Refs of two persons that the model finds alike."""
    query = """SELECT a.ref, b.ref FROM identity.pair p JOIN canonical.party a ON a.party_id = p.party_a
               JOIN canonical.party b ON b.party_id = p.party_b WHERE p.kind = 'person' ORDER BY p.weight DESC LIMIT 1"""
    ((a, b),) = hub.rows(query)
    return a, b


@pytest.mark.parametrize("said", ["SAME", "DIFFERENT", "UNSURE", "same"])
def test_judge_enters_the_ledger_and_says_when_it_takes_effect(hub: Hub, pair: tuple[str, str], said: str):
    answer = hub("judge", said, *pair, "--why", "phoned [both], 3/4 sure", "--author", "lead")
    assert answer.code == 0, answer.told
    assert all(ref in answer.told for ref in pair)
    assert "takes effect with the next run" in answer.told
    (row,) = hub.rows("SELECT * FROM identity.judgement WHERE ended_at IS NULL AND author_kind = 'person'")
    assert (row.verdict, row.author, row.reason) == (said.lower(), "lead", "phoned [both], 3/4 sure")


def test_merge_and_unmerge_show_what_moves_and_do_it(hub: Hub):
    query = """SELECT DISTINCT ON (golden_id) ref, golden_id::text FROM golden.crosswalk JOIN canonical.party USING (ref)
               WHERE until IS NULL AND kind = 'organization' ORDER BY golden_id, ref LIMIT 2"""
    (a, first), (b, second) = hub.rows(query)
    dry = hub("merge", a, b, "--why", "one company", "--dry-run", "--json")
    assert dry.code == 0, dry.told
    foreseen = json.loads(dry.out)
    assert (foreseen["done"], set(foreseen["merged"])) == (False, {first, second} - set(foreseen["merged"].values()))
    done = json.loads(hub("merge", a, b, "--why", "one company", "--json").out)
    assert done == {**foreseen, "done": True}
    (survivor,) = done["merged"].values()
    answer = hub("unmerge", survivor, "--part", ",".join(one["ref"] for one in done["moved"]), "--why", "two after all")
    assert answer.code == 0, answer.told
    assert "published with the next run" in answer.told
    (gone,) = done["merged"]
    assert f"{gone} comes out of {survivor}" in answer.told


def test_what_needs_two_people_needs_them_here_too(hub: Hub):
    query = """SELECT DISTINCT ON (golden_id) ref FROM golden.crosswalk JOIN canonical.party USING (ref)
               WHERE until IS NULL AND kind = 'person' ORDER BY golden_id DESC, ref LIMIT 2"""
    (a,), (b,) = hub.rows(query)
    careful = {**hub.variables, "ONERECORD_REVIEW__TWO_PEOPLE_ABOVE__RECORDS": "1"}
    refused = onerecord("merge", a, b, "--why", "one household", **careful)
    assert refused.code != 0
    assert "propose it at /review/merge" in refused.told
    proposed = onerecord("judge", "SAME", a, b, "--why", "one household", "--author", "lead", **careful)
    assert "somebody else confirms it at /review/proposals/" in proposed.told
    assert hub.rows("SELECT proposer FROM identity.proposal WHERE status = 'waiting'") == [("lead",)]
    assert hub.rows("SELECT 1 FROM identity.judgement WHERE reason = 'one household'") == []


def test_export_writes_what_is_published(hub: Hub, tmp_path: Path):
    answer = hub("export", str(tmp_path / "out"))
    assert answer.code == 0, answer.told
    for view in ("customer", "customer_history", "crosswalk", "merge_log", "opportunity"):
        table = parquet.read_table(tmp_path / "out" / f"{view}.parquet")
        assert (table.num_rows,) == tuple(hub.rows(f"SELECT count(*) FROM golden.{view}")[0])
    customers = parquet.read_table(tmp_path / "out" / "customer.parquet").to_pylist()
    ((golden_id, name, members, finance),) = hub.rows(
        "SELECT golden_id::text, name, members, finance FROM golden.customer ORDER BY golden_id LIMIT 1"
    )
    (row,) = [one for one in customers if one["golden_id"] == golden_id]
    assert (row["name"], row["members"], json.loads(row["finance"])) == (name, members, finance)
    assert not [file for file in (tmp_path / "out").iterdir() if file.suffix != ".parquet"], "no half a file"
    assert hub("export", str(tmp_path), "--view", "secrets").code == 1


def test_override_says_a_value_and_takes_it_back(hub: Hub, pair: tuple[str, str]):
    answer = hub("override", pair[0], "phone=+49 30 901820", "--why", "phoned", "--until", "2099-01-01")
    assert answer.code == 0, answer.told
    ((number, said),) = hub.rows("SELECT manual_id, said FROM golden.manual_value WHERE ended_at IS NULL")
    assert said == {"phone": "+49 30 901820"}
    assert hub("override", pair[0], "--end", str(number), "--why", "wrong").code == 0
    assert hub.rows("SELECT 1 FROM golden.manual_value WHERE ended_at IS NULL") == []
    assert hub("override", pair[0], "--why", "nothing said").code == 2


def test_explain_shows_the_same_evidence_as_text_and_as_json(hub: Hub, pair: tuple[str, str]):
    hub("judge", "UNSURE", *pair, "--why", "ask [/again]", "--author", "lead")
    answer = hub("explain", *pair, "--json")
    assert answer.code == 0, answer.told
    assert answer.out.count("\n") == 1
    found = json.loads(answer.out)
    assert (found["a"], found["b"]) == pair
    assert found["total"] == pytest.approx(found["prior"] + sum(field["weight"] for field in found["fields"]))
    assert found["judgements"][0]["verdict"] == "unsure"
    shown = hub("explain", *pair)
    assert shown.code == 0
    assert all(field["field"] in shown.told for field in found["fields"])
    assert f"{found['probability']:.4f}" in shown.told
    assert "unsure by lead: ask [/again]" in shown.told


def test_explain_draws_the_evidence_that_it_tells(hub: Hub, pair: tuple[str, str], tmp_path: Path):
    file = tmp_path / "why.svg"
    answer = hub("explain", *pair, "--json", "--svg", str(file))
    assert answer.code == 0, answer.told
    found = json.loads(answer.out)
    root = ET.parse(file).getroot()  # noqa: S314  # our own writing
    words = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "same" in words, "the borders in force"
    assert f"{found['total']:+.1f}" in words
    assert all(any(field["label"][:20] in word for word in words) for field in found["fields"])
    assert hub("explain", *pair, "--svg", str(tmp_path / "no" / "why.svg")).code == 2


def test_explain_shows_a_name_as_it_is_even_where_it_looks_like_markup(hub: Hub, pair: tuple[str, str]):
    with hub.engine.begin() as connection:
        connection.execute(
            text("UPDATE canonical.party SET name = 'Jo [bold] [/x]' WHERE ref = :ref"), {"ref": pair[0]}
        )
    answer = hub("explain", *pair)
    assert answer.code == 0
    assert "[bold]" in answer.out
    assert "[/x]" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("judge", "MAYBE", "a:b:c", "d:e:f", "--why", "x"), 2, "SAME, DIFFERENT or UNSURE"),
        (("judge", "SAME", "a:b:c", "d:e:f", "--why", " "), 2, "--why"),
        (("judge", "SAME", "a:b:[/c]", "d:e:f", "--why", "x"), 4, "a:b:[/c]"),
        (("explain", "desk:ticket:7", "d:e:f"), 4, "'desk:ticket:7'"),
        (("dagster", "kitchen"), 2, "webserver and daemon"),
    ],
)
def test_a_mistake_is_one_line_and_the_exit_code_of_its_kind(hub: Hub, arguments, code, words):
    answer = hub(*arguments)
    assert answer.code == code
    assert words in answer.err
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("error: ")
    assert answer.out == ""


def test_a_person_and_an_organization_cannot_be_judged_the_same(hub: Hub):
    query = (
        "SELECT min(ref) FILTER (WHERE kind = 'person'), min(ref) FILTER (WHERE kind <> 'person') FROM canonical.party"
    )
    ((person, organization),) = hub.rows(query)
    answer = hub("judge", "SAME", person, organization, "--why", "x")
    assert answer.code == 1
    assert "organization" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("command", [("run", "--once", "--json"), ("migrate",), ("explain", "a:b:c", "d:e:f")])
@pytest.mark.parametrize("url", [NOWHERE, "postgresql//very-secret"], ids=["no answer", "no URL"])
def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path, command, url):
    answer = onerecord(*command, ONERECORD_DATABASE_URL=url, ONERECORD_DATA_DIR=str(tmp_path))
    assert answer.code == 2
    errors = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "database_url" in errors[0]
    assert "very-secret" not in answer.told
    assert answer.out == ""


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("databse_url = 'postgresql://x'", "databse_url"),
        ("[gate]\nmax_quarantined_share = 2", "gate.max_quarantined_share"),
        ("[[sources]]\nname = 'crm'\nsystem = 'salesforce'\nbase_url = 'https://x.example'", "sources.0.department"),
        ("[match]\nsame = 0.6\nreview = 0.7", "match.review"),
        ("this is no TOML", "onerecord.toml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, content: str, named: str):
    (tmp_path / "onerecord.toml").write_text(content)
    answer = onerecord("migrate")
    assert answer.code == 2
    assert named in answer.err
    assert answer.err.count("\n") == 1


def test_a_real_process_ends_with_the_same_line_and_code(tmp_path: Path):
    (tmp_path / "onerecord.toml").write_text("databse_url = 'postgresql://x'")
    command = start_command({}, "run", "--once", "--json", cwd=tmp_path)
    out, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, out) == (2, "")
    assert "databse_url" in err
    assert "Traceback" not in err


COMMANDS = {
    (): (
        "run",
        "dedupe",
        "judge",
        "merge",
        "unmerge",
        "override",
        "export",
        "trial",
        "eligibility",
        "baseline",
        "cost",
        "waive",
        "release",
        "explain",
        "evaluate",
        "migrate",
        "resync",
        "rebuild",
        "key",
        "user",
        "webhook",
        "sandbox",
        "dagster",
    ),
    ("run",): ("--once", "--json", "exit"),
    ("judge",): ("SAME", "DIFFERENT", "UNSURE", "--why", "salesforce:Contact:", "next run"),
    ("merge",): ("--why", "--dry-run", "--json", "leads to it"),
    ("unmerge",): ("--part", "--why", "--dry-run", "never brought together again"),
    ("eligibility",): ("--channel", "--purpose", "--offer", "--out", "golden_id", "unknown"),
    ("waive",): ("--run", "--why", "cannot be waived"),
    ("release",): ("--json", "waived", "held"),
    ("baseline",): ("--day",),
    ("cost",): ("add", "list", "remove"),
    ("cost", "add"): ("--from", "--until"),
    ("cost", "list"): (),
    ("cost", "remove"): (),
    ("export",): ("--view", "Parquet", "one moment", "crosswalk"),
    ("trial",): (
        "--set",
        "KEY=VALUE",
        "--match-again",
        "--show-values",
        "--json",
        "--why",
        "safe",
        "blocked",
        "match.same",
    ),
    ("override",): ("FIELD=VALUE", "--why", "--until", "--end", "provenance"),
    ("explain",): ("--json", "--svg", "evidence", "salesforce:Contact:"),
    ("evaluate",): ("--json", "--svg", "--truth", "judged"),
    ("dedupe",): ("--id", "--ignore", "--column", "--out", "--pairs", "--json", "people.csv"),
    ("search",): ("FIELD=VALUE", "--kind", "--json", "created", "Writes nothing"),
    ("model",): ("--json", "--svg", "judgements", "person"),
    ("migrate",): ("schema",),
    ("resync",): ("--stream", "--why", "from the beginning"),
    ("rebuild",): ("--why", "landed", "golden ids"),
    ("key",): ("--scope", "read:finance", "once"),
    ("user",): ("add", "list", "disable", "password", "role"),
    ("user", "add"): ("--role", "--department", "stdin", "no default", "masks", "engineer"),
    ("user", "list"): ("sessions",),
    ("user", "password"): ("stdin", "sessions end"),
    ("user", "role"): ("--role", "sessions end"),
    ("user", "disable"): ("sessions", "at once"),
    ("user", "enable"): ("again",),
    ("user", "own"): ("--end", "salesforce"),
    ("user", "contact"): ("--email", "--team", "stays as it is"),
    ("digest",): ("flags", "onerecord.toml"),
    ("dagster",): ("webserver", "daemon", "--port"),
    ("sandbox",): ("create", "tick", "fault", "simulated"),
    ("sandbox", "create"): ("--size", "--seed"),
    ("sandbox", "tick"): ("--days",),
    ("sandbox", "fault"): ("429", "wrong_type", "--count"),
    ("webhook",): ("signed", "in order", "add", "replay"),
    ("webhook", "add"): ("--operation", "--department", "--from", "https", "secret"),
    ("webhook", "list"): ("--json", "change feed"),
    ("webhook", "deliveries"): ("--failed", "--limit", "--json", "30 days"),
    ("webhook", "test"): ("ping",),
    ("webhook", "rotate"): ("--keep", "HOURS", "signs along"),
    ("webhook", "replay"): ("--from", "SEQUENCE", "--why"),
    ("webhook", "enable"): ("at once", "--why"),
    ("webhook", "disable"): ("--why", "Nothing is lost"),
    ("webhook", "remove"): ("--why", "audit log"),
    ("webhook", "deliver"): ("--once", "SIGTERM"),
}


@pytest.mark.parametrize(("command", "words"), COMMANDS.items(), ids=lambda given: " ".join(given)[:20])
def test_help_teaches_each_command(command: tuple[str, ...], words: tuple[str, ...]):
    answer = onerecord(*command, "--help", COLUMNS="200")
    assert answer.code == 0
    assert [word for word in words if word not in answer.out] == []


def test_no_command_is_without_help():
    from typer.main import get_command

    from hub.cli import app

    top = get_command(app)
    groups = ("cost", "sandbox", "user", "webhook")
    known = {(name,) for name in top.commands} | {
        (group, name) for group in groups for name in top.commands[group].commands
    }
    assert known == set(COMMANDS) - {()}


@pytest.mark.parametrize("arguments", [("run", "--json"), ("judge", "SAME", "a:b:c"), ("fly",)])
def test_a_wrong_call_is_a_usage_error(arguments: tuple[str, ...]):
    answer = onerecord(*arguments)
    assert answer.code == 2
    assert "Usage" in answer.err


def test_search_finds_who_is_known_before_a_customer_is_created(hub: Hub):
    known = hub.rows(
        "SELECT ref, given_name, family_name, email FROM canonical.party WHERE kind = 'person' AND given_name IS NOT NULL AND email IS NOT NULL LIMIT 1"
    )[0]
    asked = (f"given_name={known.given_name}", f"family_name={known.family_name}", f"email={known.email}")
    answer = hub("search", *asked, "--json")
    assert answer.code == 0, answer.told
    found = json.loads(answer.out)["candidates"]
    assert known.ref in {one["ref"] for one in found}
    assert found[0]["band"] == "same"
    assert "strongest" in hub("search", *asked).out
    assert "nobody" in hub("search", "name=Zebulon Quatermain").out
    assert hub("search", "Zebulon").code == 2


def test_a_trial_tells_what_a_setting_would_change_and_keeps_who_tried(hub: Hub, tmp_path: Path):
    answer = hub("trial", "--set", "hygiene.inactive_days=3", "--why", "sales asks", "--author", "ann", "--json")
    assert answer.code == 0, answer.told
    found = json.loads(answer.out)
    assert found["status"] == "safe"
    assert found["flags"]["inactive"]["opened"] > 0
    assert found["lines"] == ["[hygiene]", "inactive_days = 3"]
    assert hub.rows("SELECT actor, subject, reason FROM ops.audit WHERE act = 'try settings'") == [
        ("ann", "hygiene.inactive_days", "sales asks")
    ]
    file = tmp_path / "changes.toml"
    file.write_text("[hygiene]\ninactive_days = 3\n[match]\nsame = 0.9999999\n")
    shown = hub("trial", str(file))
    assert shown.code in {0, 3}, shown.told
    for words in ("Opportunity flags", "Customers", "match.same", "Nothing was changed"):
        assert words in shown.out
    wrong = hub("trial", "--set", "sandbox.size=3")
    assert (wrong.code, "cannot be tried" in wrong.err) == (2, True)


def test_rebuild_queues_everything_that_landed(hub: Hub):
    assert hub("rebuild", "--why", " ").code == 2
    answer = hub("rebuild", "--why", "to be sure")
    assert answer.code == 0, answer.told
    ((landed, queued),) = hub.rows(
        "SELECT (SELECT count(*) FROM landing.source_record), (SELECT count(*) FROM landing.to_conform)"
    )
    assert landed == queued
    assert f"{landed:,} landed records" in answer.told
    assert hub.rows("SELECT reason FROM ops.audit WHERE act = 'rebuild'") == [("to be sure",)]
