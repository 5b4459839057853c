"""Changed settings, tried: what a trial tells is what then happens when they are changed and the pipeline runs."""

from collections import Counter

import pytest
from sqlalchemy import Engine, text

from hub.db.tables import canonical
from hub.golden.compose import compose
from hub.progress import silent
from quality_checks.flags import flag_opportunities
from quality_checks.trial import to_dict
from quality_checks.tried import Rule
from tests.integration.trial_world import STRICT, becomes, pipeline, rows, tries, waiting
from tests.support import customers
from tests.webworld import NOW


def flags(engine: Engine) -> dict[tuple[str, str], str]:
    found = rows(engine, "SELECT rule, opportunity_ref, severity FROM quality.flag WHERE resolved_at IS NULL")
    return {(rule, ref): severity for rule, ref, severity in found}


HYGIENE = {
    "hygiene.inactive_days=21": {"inactive"},
    "hygiene.no_progress_days=100": {"no_progress"},
    "hygiene.past_close_days=9": {"past_close_date"},
    "hygiene.pushed_critical=2": {"pushed"},
    'hygiene.required_fields=["next_step"]': {"required_fields"},
}


@pytest.mark.parametrize("said", [*([one] for one in HYGIENE), [*HYGIENE]], ids=lambda said: f"{len(said)} {said[0]}")
def test_flags_open_resolve_and_turn_as_told(settled: Engine, said: list[str]) -> None:
    before = flags(settled)
    assert not any(rule.resolved_refs or rule.severity for rule in tries(settled, *said).flags.values()), "private"
    with settled.begin() as connection:
        connection.execute(text("UPDATE quality.flag SET public = true"))
    found = tries(settled, *said)
    flag_opportunities(settled, becomes(*said), as_of=NOW)
    after = flags(settled)
    opened = Counter({name: rule.opened for name, rule in found.flags.items()})
    resolved = {(name, ref) for name, rule in found.flags.items() for ref in rule.resolved_refs}
    turned = {(name, ref): then for name, rule in found.flags.items() for ref, _, then in rule.severity}
    assert opened == Counter(name for name, _ in after.keys() - before.keys())
    assert resolved == before.keys() - after.keys()
    assert turned == {one: after[one] for one in before.keys() & after.keys() if before[one] != after[one]}
    assert {name for name, rule in found.flags.items() if rule.opened + rule.resolved + rule.weighed} == set().union(
        *(HYGIENE[one] for one in said)
    )
    assert found.status == "safe"
    assert sum(rule.after for rule in found.flags.values()) == len(after)


def test_deals_whose_owners_were_not_told_yet_are_counted_and_not_named(settled: Engine) -> None:
    """No run has raised these flags so far: the settings in force will, or those that are tried."""

    def named(rules: dict[str, Rule]) -> set[str]:
        return {name for name, rule in rules.items() if rule.open_refs or rule.resolved_refs or rule.severity}

    said = ("hygiene.past_close_days=9", "hygiene.pushed_critical=2", "hygiene.inactive_days=3")
    with settled.begin() as connection:
        connection.execute(text("UPDATE quality.flag SET public = true"))
    shared = tries(settled, *said).flags
    assert shared["inactive"].opened
    assert named(shared) == {"past_close_date", "pushed"}
    with settled.begin() as connection:
        connection.execute(text("DELETE FROM quality.flag"))
    untold = tries(settled, *said).flags
    assert named(untold) == set()
    assert [(rule.opened, rule.resolved, rule.weighed) for rule in untold.values()] == [
        (rule.opened, rule.resolved, rule.weighed) for rule in shared.values()
    ]


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
