"""Trials of settings are blocked by what people decided and by the gate, and change and stop nothing."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.golden import manual
from hub.golden.compose import compose
from hub.identity import ledger
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind, Verdict
from hub.progress import Step, silent
from hub.settings import GateSettings, Settings
from orchestration.tried import show
from quality_checks import runner, suites, tried
from quality_checks.trial import note, to_dict
from tests.integration.trial_world import (
    CERTAIN,
    DOUBTFUL,
    LIKELY,
    ME,
    STRICT,
    becomes,
    judged,
    pair_of,
    pipeline,
    rows,
    tries,
)
from tests.support import customers
from tests.webworld import NOW

SCHEMAS = ("landing", "canonical", "identity", "golden", "quality", "ops")


@pytest.mark.parametrize(
    ("probability", "verdict", "blocking", "harmless"),
    [
        (LIKELY, Verdict.DIFFERENT, "match.same=0.985", "match.same=0.993"),
        (DOUBTFUL, Verdict.SAME, "match.review=0.5", "match.review=0.48"),
        (LIKELY, Verdict.SAME, "match.review=0.993", "match.review=0.98"),
    ],
)
def test_a_border_that_contradicts_a_judgement_blocks(
    strict: Engine, probability: float, verdict: Verdict, blocking: str, harmless: str
) -> None:
    pair = pair_of(strict, probability)
    number = judged(strict, pair, verdict)
    found = tries(strict, blocking, in_force=STRICT)
    assert found.status == "blocked"
    (decision,) = found.overturned
    assert (decision.kind, decision.number, decision.author, decision.said) == (
        "judgement", number, "ann", verdict.value,
    )  # fmt: skip
    assert set(decision.refs) == set(pair)
    assert to_dict(found, show_values=False)["lines"] == []
    assert tries(strict, harmless, in_force=STRICT).overturned == ()


def test_a_judgement_that_the_settings_in_force_contradict_already_does_not_block(strict: Engine) -> None:
    judged(strict, pair_of(strict, CERTAIN), Verdict.DIFFERENT)
    found = tries(strict, "match.same=0.985", in_force=STRICT)
    assert (found.overturned, bool(found.clusters and found.clusters.merged)) == ((), True)


def test_a_manual_value_that_another_would_silence_blocks(strict: Engine) -> None:
    pair = pair_of(strict, LIKELY)
    with strict.begin() as connection:
        first, last = (
            manual.say(connection, ref, {"job_title": title}, **ME)
            for ref, title in zip(pair, ("Buyer", "Owner"), strict=True)
        )
    found = tries(strict, "match.same=0.985", in_force=STRICT)
    assert [(one.kind, one.number, one.author, one.said) for one in found.overturned] == [
        ("value", first, "ann", "job")
    ]
    assert str(last) in found.overturned[0].why
    assert found.status == "blocked"


@pytest.mark.parametrize(("limit", "held"), [(0.1, True), (0.5, False)])
def test_a_change_that_moves_too_many_customers_would_be_held(strict: Engine, limit: float, held: bool) -> None:
    said = ("match.same=0.985", f"gate.max_id_churn={limit}")
    found = tries(strict, *said, in_force=STRICT)
    new = becomes(*said, in_force=STRICT)
    for kind in PartyKind:
        match_parties(strict, kind, new.match, progress=silent)
    resolve(strict, run_id="run", progress=silent)
    compose(strict, new, run_id="run", as_of=NOW, progress=silent)
    churn = next(check for check in suites.CHECKS if check.name == "id_churn")
    with strict.connect() as connection:
        failing = tried._failing(connection, churn, runner.parameters(new, run_id="", as_of=NOW))
    told = {one.check: one for one in found.checks}["golden.id_churn"]
    assert (told.after, told.before, told.holds) == (failing, 0, held)
    assert (failing > 0) is held
    assert found.status == ("held" if held else "safe")


def test_a_limit_of_the_gate_itself_is_tried(settled: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rows of this world stand in quarantine; shares are judged from ten landed rows on."""
    with settled.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash)
                   SELECT 'crm', 'Contact', 'landed-' || n, '{}', 'x' FROM generate_series(1, 98) n"""
            )
        )
    for limit, status in ((0.03, "safe"), (0.01, "held")):
        found = tries(settled, f"gate.max_quarantined_share={limit}")
        told = {one.check: one.holds for one in found.checks}
        assert (found.status, told["landing.quarantined_share"]) == (status, status == "held")
        assert not any(check.startswith("golden.") for check in told)
    fails = Settings(gate=GateSettings(max_quarantined_share=0.005))
    found = tries(settled, "gate.max_quarantined_share=0.01", in_force=fails)
    assert found.status == "held", "nothing would be published, as now"
    assert [one["holds_already"] for one in to_dict(found, show_values=False)["checks"] if one["holds"]] == [True]
    show(found, show_values=False, overruled=())
    shown = " ".join(capsys.readouterr().out.split())
    assert "landing.quarantined_share fails by the settings in force already" in shown
    assert "safe" not in shown
    assert tries(settled, "gate.max_quarantined_share=0.03", in_force=fails).status == "safe", "it mends it"


def test_limits_on_what_a_run_measured_are_tried_on_the_last_run(settled: Engine) -> None:
    """Half of what was usual is filled, and the stream was read ten hours before the run."""
    with settled.begin() as connection:
        for number, filled in ((1, 90), (2, 54)):
            values = {"run": f"measured-{number}", "number": number, "filled": filled}
            for statement in _MEASURED_RUN:
                connection.execute(text(statement), values)
    for said, check in (
        ("gate.max_age_hours=9", "landing.stream_fresh"),
        ("gate.max_fill_drop=0.2", "canonical.fill_rates_hold"),
    ):
        found = tries(settled, said, in_force=Settings(sources=()))
        assert {one.check for one in found.checks if one.holds} == {check}
        assert found.status == "held"


_MEASURED_RUN = (
    "DELETE FROM landing.sync_run",
    """INSERT INTO ops.run (run_id, as_of, summary, started_at)
       VALUES (:run, now(), '{}', now() + make_interval(mins => :number))""",
    """INSERT INTO landing.sync_run (run_id, source, stream, started_at, finished_at)
       VALUES (:run, 'crm', 'Contact', now() - interval '10 hours', now())""",
    """INSERT INTO quality.fill_rate (run_id, source, stream, field, rows, filled)
       VALUES (:run, 'crm', 'Contact', 'party.phone', 100, :filled)""",
    """INSERT INTO golden.publication (number, run_id, as_of, published_at, warnings, customers, created, changed, retired)
       SELECT coalesce(max(number), 0) + 1, :run, now(), now(), 0, 0, 0, 0, 0 FROM golden.publication
       HAVING CAST(:number AS int) = 1""",
)


EVERYTHING = ("match.same=0.985", "hygiene.inactive_days=3", 'survivorship.person.address.prefer=["sales"]')


def checksum(engine: Engine) -> dict[str, Any]:
    """Of each table its rows, and of each sequence where it stands."""
    tables = rows(
        engine,
        """SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(:schemas) ORDER BY 1""",
        schemas=list(SCHEMAS),
    )
    found = {
        name: rows(engine, f"SELECT count(*), md5(string_agg(t::text || ctid, '' ORDER BY ctid)) FROM {name} t")[0]
        for (name,) in tables
    }
    assert len(found) > 30
    return {**found, "sequences": rows(engine, "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")}


@pytest.mark.parametrize("match_again", [False, True])
def test_a_trial_changes_nothing(strict: Engine, match_again: bool) -> None:
    judged(strict, pair_of(strict, LIKELY), Verdict.DIFFERENT)
    before = checksum(strict)
    assert tries(strict, *EVERYTHING, in_force=STRICT, match_again=match_again).overturned
    assert checksum(strict) == before


def test_a_trial_sees_what_waits_for_the_next_run_and_does_not_tell_it_as_its_own(settled: Engine) -> None:
    """A judgement that is not resolved yet merges two customers whether the setting is changed or not."""
    with settled.begin() as connection:
        ledger.judge(connection, *pair_of(settled, DOUBTFUL), Verdict.SAME, **ME)
    found = tries(settled, "match.review=0.4")
    assert found.clusters is not None
    assert (found.clusters.merged, found.clusters.split, found.clusters.changed) == ({}, {}, 0)
    assert any("wait to be resolved" in told for told in found.notes)


def test_others_judge_say_values_and_run_the_pipeline_meanwhile(settled: Engine) -> None:
    """Each waits two seconds at the most; the trial holds only the locks of a reader."""
    said: list[str] = []

    def meanwhile(step: Step) -> None:
        if step.subject != "checks":
            return
        a, b = pair_of(settled, LIKELY)
        with settled.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            ledger.judge(connection, a, b, Verdict.SAME, **ME)
            manual.say(connection, a, {"job_title": "Owner"}, **ME)
        pipeline(settled, Settings())
        locks = rows(
            settled,
            """SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
               JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_activity a USING (pid)
               WHERE a.state = 'idle in transaction' AND a.datname = current_database() AND n.nspname = ANY(:schemas)""",
            schemas=list(SCHEMAS),
        )
        said.extend(row[0] for row in locks)

    found = tries(settled, *EVERYTHING, progress=meanwhile)
    assert said == ["AccessShareLock"]
    assert found.overturned == ()
    assert rows(settled, "SELECT count(*) FROM identity.judgement WHERE author = 'ann'")[0][0] == 1


def test_the_audit_log_keeps_who_tried_what_and_numbers_only(settled: Engine) -> None:
    found = tries(settled, *EVERYTHING)
    note(settled, found, actor="ann", reason="too many flags", values_shown=0)
    ((actor, subject, reason, details),) = rows(
        settled, "SELECT actor, subject, reason, details FROM ops.audit WHERE act = 'try settings'"
    )
    assert (actor, reason) == ("ann", "too many flags")
    assert subject == "match.same hygiene.inactive_days survivorship.person.address.prefer"
    assert details["settings"]["match.same"] == {"in_force": 0.99, "tried": 0.985}
    assert details["clusters"]["merged"] == len(found.clusters.merged if found.clusters else ())
    assert details["values"]["customers"] > 0
    everything = str(details)
    assert "crm:" not in everything
    assert not [one for one in customers(settled).values() if one in everything]


def test_the_same_settings_change_nothing(settled: Engine) -> None:
    found = tries(settled, "match.same=0.99", "hygiene.inactive_days=14")
    assert (found.status, found.flags, found.clusters, found.values) == ("safe", {}, None, None)


def test_a_hub_without_anything_can_be_tried_on(db: Engine) -> None:
    found = tries(db, *EVERYTHING, match_again=True)
    assert found.status == "safe"
    assert found.clusters is not None
    assert found.clusters.waiting == (0, 0)
