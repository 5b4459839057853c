"""Changed settings, tried: what a trial tells is what then happens, and it changes and stops nothing."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.engine import URL

from hub import changes
from hub.db.engine import make_engine
from hub.db.tables import canonical
from hub.golden import manual
from hub.golden.compose import compose
from hub.golden.publish import publish
from hub.identity import ledger
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind, Verdict
from hub.progress import Step, silent
from hub.settings import MatchSettings, Settings
from quality_checks import runner, suites, tried
from quality_checks.flags import flag_opportunities
from quality_checks.trial import Asked, Trial, note, run, to_dict
from tests.conftest import cloned
from tests.support import customers
from tests.webworld import NOW

ME: dict[str, Any] = {"author": "ann", "reason": "met them"}
SCHEMAS = ("landing", "canonical", "identity", "golden", "quality", "ops")
# Chances of the pairs that the model finds in this world, by what the tests do with them.
DOUBTFUL, LIKELY, CERTAIN = 0.489, 0.991, 1.0
STRICT = Settings(match=MatchSettings(same=0.995))


@pytest.fixture(scope="module")
def settled_template(server: URL, world_template: URL) -> Iterator[URL]:
    """The world as the model itself sees it, with opportunities on the border of every limit, published."""
    with cloned(server, world_template) as url:
        engine = make_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM identity.match_index"))
            connection.execute(
                text("INSERT INTO canonical.to_match SELECT party_id FROM canonical.party ON CONFLICT DO NOTHING")
            )
            rows = [_opportunity(number) for number in range(40)]
            connection.execute(insert(canonical.Opportunity), rows)
            connection.execute(insert(canonical.OpportunityChange), [_push(n) for n in range(40) if n % 10 < 5])
        pipeline(engine, Settings())
        engine.dispose()
        yield url


@pytest.fixture(scope="module")
def strict_template(server: URL, settled_template: URL) -> Iterator[URL]:
    """The same world where likely pairs are not merged, but wait for people."""
    with cloned(server, settled_template) as url:
        engine = make_engine(url)
        pipeline(engine, STRICT)
        engine.dispose()
        yield url


@pytest.fixture
def strict(server: URL, strict_template: URL) -> Iterator[Engine]:
    with cloned(server, strict_template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def settled(server: URL, settled_template: URL) -> Iterator[Engine]:
    with cloned(server, settled_template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def _opportunity(number: int) -> dict[str, Any]:
    return {
        "ref": f"crm:Opportunity:t{number}", "source": "crm", "stream": "Opportunity", "source_id": f"t{number}",
        "party_ref": "crm:Contact:3", "name": "Renewal", "stage": "Proposal", "status": "open", "amount": 100,
        "currency": "EUR", "close_date": NOW.date() + dt.timedelta(days=10 - number), "next_step": "Call",
        "owner_id": "7", "source_created_at": NOW - dt.timedelta(days=90),
        "last_activity_at": NOW - dt.timedelta(days=number),
    }  # fmt: skip


def _push(number: int) -> dict[str, Any]:
    """Two or three of these, by its number, push the close date of one opportunity."""
    return {
        "ref": f"crm:History:t{number}", "source": "crm", "stream": "History", "source_id": f"t{number}",
        "opportunity_ref": f"crm:Opportunity:t{number // 3}", "field": "close_date",
        "old_value": f"2026-0{number % 3 + 1}-01", "new_value": f"2026-0{number % 3 + 2}-01",
        "changed_at": NOW - dt.timedelta(days=5),
    }  # fmt: skip


def pipeline(engine: Engine, settings: Settings) -> None:
    """What a run does after it has read the sources."""
    for kind in PartyKind:
        match_parties(engine, kind, settings.match, progress=silent)
    resolve(engine, run_id="run", progress=silent)
    compose(engine, settings, run_id="run", as_of=NOW, progress=silent)
    flag_opportunities(engine, settings, as_of=NOW)
    publish(engine, run_id="run", as_of=NOW)


def tries(
    engine: Engine,
    *said: str,
    in_force: Settings | None = None,
    progress: Callable[[Step], None] = silent,
    match_again: bool = False,
) -> Trial:
    nested = changes.read(None, said)
    asked = Asked(in_force or Settings(), nested, NOW, match_again=match_again, examples=1_000)
    return run(engine, asked, progress=progress)


def becomes(*said: str, in_force: Settings | None = None) -> Settings:
    return changes.applied(in_force or Settings(), changes.read(None, said))


def rows(engine: Engine, query: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query), values).all())


def waiting(engine: Engine) -> int:
    return int(rows(engine, "SELECT count(*) FROM identity.waiting_pair")[0][0])


def pair_of(engine: Engine, probability: float) -> tuple[str, str]:
    """The refs of a pair that the model holds for so likely, of which neither was judged."""
    found = rows(
        engine,
        """SELECT a.ref, b.ref FROM identity.pair p
           JOIN canonical.party a ON a.party_id = party_a JOIN canonical.party b ON b.party_id = party_b
           WHERE abs(probability - :wanted) < 0.001 ORDER BY 1, 2 LIMIT 1""",
        wanted=probability,
    )
    return found[0][0], found[0][1]


def flags(engine: Engine) -> dict[tuple[str, str], str]:
    found = rows(engine, "SELECT rule, opportunity_ref, severity FROM quality.flag WHERE resolved_at IS NULL")
    return {(rule, ref): severity for rule, ref, severity in found}


HYGIENE = {
    "hygiene.inactive_days=21": {"inactive"},
    "hygiene.no_progress_days=100": {"no_progress"},
    "hygiene.past_close_days=9": {"past_close_date"},
    "hygiene.pushed_critical=2": {"pushed"},
    'hygiene.required_fields=["currency"]': {"required_fields"},
}


@pytest.mark.parametrize("said", [*([one] for one in HYGIENE), [*HYGIENE]], ids=lambda said: f"{len(said)} {said[0]}")
def test_flags_open_resolve_and_turn_as_told(settled: Engine, said: list[str]) -> None:
    before = flags(settled)
    found = tries(settled, *said)
    flag_opportunities(settled, becomes(*said), as_of=NOW)
    after = flags(settled)
    opened = {(name, ref) for name, rule in found.flags.items() for ref in rule.open_refs}
    resolved = {(name, ref) for name, rule in found.flags.items() for ref in rule.resolved_refs}
    turned = {(name, ref): then for name, rule in found.flags.items() for ref, _, then in rule.severity}
    assert (opened, resolved) == (after.keys() - before.keys(), before.keys() - after.keys())
    assert turned == {one: after[one] for one in before.keys() & after.keys() if before[one] != after[one]}
    assert {name for name, rule in found.flags.items() if rule.opened + rule.resolved + rule.weighed} == set().union(
        *(HYGIENE[one] for one in said)
    )
    assert found.status == "safe"
    assert sum(rule.after for rule in found.flags.values()) == len(after)


@pytest.mark.parametrize(
    ("said", "merge", "split"),
    [
        (["match.same=0.985"], True, False),
        (["match.same=0.9999"], False, True),
        (["match.review=0.5"], False, False),
        (["match.same=0.985", "match.review=0.6"], True, False),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_customers_merge_and_split_as_told(strict: Engine, said: list[str], merge: bool, split: bool) -> None:
    homes, queue = customers(strict), waiting(strict)
    (last,) = rows(strict, "SELECT max(lineage_id) FROM identity.lineage")[0]
    found = tries(strict, *said, in_force=STRICT).clusters
    pipeline(strict, becomes(*said, in_force=STRICT))
    assert found is not None
    assert (bool(found.merged), bool(found.split)) == (merge, split)
    assert found.waiting == (queue, waiting(strict))
    assert found.waiting[0] != found.waiting[1]
    refs = dict(map(tuple, rows(strict, "SELECT party_id, ref FROM canonical.party")))
    then = {**homes, **{refs[party]: str(home) for party, home in found.homes.items()}}
    assert then == customers(strict)
    assert found.moved == sum(homes[ref] != home for ref, home in then.items())
    before, after = ({home: {ref for ref in one if one[ref] == home} for home in one.values()} for one in (homes, then))
    assert found.changed == sum(before.get(one) != after.get(one) for one in before.keys() | after.keys())
    logged = rows(
        strict,
        """SELECT event, golden_id, other_golden_id FROM identity.lineage
           WHERE lineage_id > :last AND event IN ('merged', 'split')""",
        last=last,
    )
    told = {("merged", *pair) for pair in found.merged.items()}
    told |= {("split", origin, part) for part, origin in found.split.items()}
    assert told == {tuple(row) for row in logged}


VALUES = {
    'survivorship.person.name={rules=["preferred_department"], prefer=["finance"]}': {"name", "given_name"},
    'source_priority=["finance", "support"]': set(),
    'survivorship.person.address.prefer=["sales"]': {"street"},
    'survivorship.person.job.rules=["most_recent"]': set(),
}


@pytest.mark.parametrize(
    "said", [*([one] for one in VALUES), [*VALUES]], ids=lambda said: f"{len(said)} {said[0].split('=')[0]}"
)
def test_values_change_as_told(settled: Engine, said: list[str]) -> None:
    columns = [column.name for column in canonical.Party.__table__.columns]
    query = "SELECT golden_id, to_jsonb(c) AS said FROM golden.composed_customer c"
    before = {row.golden_id: row.said for row in rows(settled, query)}
    found = tries(settled, *said)
    report = compose(settled, becomes(*said), run_id="run", as_of=NOW, progress=silent)
    after = {row.golden_id: row.said for row in rows(settled, query)}
    names = [name for name in next(iter(after.values())) if name in {*columns, "employer_id", "parent_id"}]
    differ = {
        (str(one), name): (before[one][name], after[one][name])
        for one in after
        for name in names
        if before[one][name] != after[one][name]
    }
    assert found.values is not None
    told = {(one.golden_id, one.attribute): (one.before["value"], one.after["value"]) for one in found.values.examples}
    assert told == differ
    assert {name for _, name in differ} >= set().union(*(VALUES[one] for one in said))
    assert found.values.changed == len({one for one, _ in differ})
    assert found.values.changed + found.values.retold == report.changed
    assert found.clusters is None


def test_values_are_shown_only_when_asked_for(settled: Engine) -> None:
    found = tries(settled, 'survivorship.person.address.prefer=["sales"]')
    streets = {row[0] for row in rows(settled, "SELECT DISTINCT street FROM canonical.party WHERE street IS NOT NULL")}
    hidden, shown = (str(to_dict(found, show_values=asked)) for asked in (False, True))
    assert not [street for street in streets if street in hidden]
    assert [street for street in streets if street in shown]


def judged(engine: Engine, pair: tuple[str, str], verdict: Verdict) -> int:
    with engine.begin() as connection:
        number = ledger.judge(connection, *pair, verdict, **ME)
    resolve(engine, run_id="judged", progress=silent)
    return number


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


def test_a_limit_of_the_gate_itself_is_tried(settled: Engine) -> None:
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


def test_pairs_that_are_not_stored_are_found_by_matching_again(settled: Engine) -> None:
    queue = waiting(settled)
    guess = tries(settled, "match.review=0.01")
    assert guess.status == "unknown"
    assert any("--match-again" in told for told in guess.notes)
    found = tries(settled, "match.review=0.01", match_again=True)
    pipeline(settled, becomes("match.review=0.01"))
    assert found.status == "safe"
    assert found.clusters is not None
    assert found.clusters.waiting == (queue, waiting(settled))
    assert found.clusters.waiting[1] > queue


def test_routes_move_the_queue_from_one_department_to_another(settled: Engine) -> None:
    queue = waiting(settled)
    found = tries(settled, 'review.routes=[{ to = ["marketing"], kind = "person" }]')
    assert found.routed["marketing"] == (0, queue)
    assert {after for _, after in found.routed.values()} == {0, queue}
    assert found.clusters is None
    assert found.lines == ("[review]", 'routes = [{ to = ["marketing"], kind = "person" }]')


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
