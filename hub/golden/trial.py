"""Other survivorship, tried: which golden values would be others. Nothing is written but temporary tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, text

from hub.golden import gather
from hub.golden.gather import Rules
from hub.golden.policy import Group, Rule
from hub.progress import Progress, Step

CHUNK = 10_000  # customers at a time
PUBLISHED = {"employer_ref": "employer_id", "parent_ref": "parent_id"}  # what is published of a ref of the source


@dataclass(frozen=True)
class Value:
    """A golden value that would change. `before` and `after`: ref of the record, the rule that decides, the value."""

    golden_id: str
    attribute: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Values:
    """How many customers of which kind and attribute would change; some examples; and how many change at all.

    `looked_at`: customers of several records, whose values are a matter of choice. `retold`: customers whose values
    stay, but with another record or rule as their origin; these are published anew as well.
    """

    looked_at: int = 0
    changed: int = 0
    retold: int = 0
    attributes: dict[tuple[str, str], int] = field(default_factory=dict)
    examples: tuple[Value, ...] = ()


def values(connection: Connection, old: Rules, new: Rules, *, examples: int, progress: Progress) -> Values:
    """Choose the values of all customers by both rules, and tell the differences; `examples` per attribute.

    Only groups of which a rule changed are chosen, and only for customers of several records: cost follows these.
    """
    kinds = {kind: groups for kind in old.policy if (groups := _concerned(old, new, kind))}
    if not kinds:
        return Values()
    customers = _customers(connection, list(kinds))
    told = _Told(examples)
    for done in range(0, len(customers), CHUNK):
        progress(Step("trial", "golden values", done, len(customers)))
        chunk = customers[done : done + CHUNK]
        for before, after in _chosen(connection, chunk, (_only(old, kinds), _only(new, kinds)), kinds):
            told.heed(before, after)
    progress(Step("trial", "golden values", len(customers), len(customers)))
    return Values(
        len(customers), told.changed, told.retold, dict(sorted(told.attributes.items())), tuple(told.examples)
    )


class _Told:
    """What was found so far."""

    def __init__(self, limit: int) -> None:
        self.limit, self.changed, self.retold = limit, 0, 0
        self.attributes: Counter[tuple[str, str]] = Counter()
        self.examples: list[Value] = []

    def heed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        differ = [name for name in before if name not in _ASIDE and before[name] != after[name]]
        self.changed += bool(differ)
        self.retold += not differ and before["provenance"] != after["provenance"]
        for name in differ:
            place = before["kind"], name
            self.attributes[place] += 1
            if self.attributes[place] <= self.limit:
                self.examples.append(Value(str(before["golden_id"]), name, _origin(before, name), _origin(after, name)))


_ASIDE = ("golden_id", "kind", "provenance")


def _origin(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    told = record["provenance"].get(name, {})
    return {"ref": told.get("ref"), "rule": told.get("rule"), "value": record[name]}


def _concerned(old: Rules, new: Rules, kind: str) -> tuple[str, ...]:
    """The names of the groups of a kind that may be chosen otherwise."""
    ranked = list(old.priority) != list(new.priority)

    def differs(before: Group, after: Group) -> bool:
        return before != after or (ranked and Rule.PRIORITY in after.rules)

    pairs = zip(old.policy[kind], new.policy[kind], strict=True)
    return tuple(before.name for before, after in pairs if differs(before, after))


def _only(rules: Rules, kinds: Mapping[str, Sequence[str]]) -> Rules:
    policy = {
        kind: tuple(group for group in rules.policy[kind] if group.name in names) for kind, names in kinds.items()
    }
    return replace(rules, policy=policy)


def _customers(connection: Connection, kinds: Sequence[str]) -> list[Any]:
    return list(
        connection.execute(
            text(
                """SELECT golden_id FROM identity.golden_id g JOIN identity.membership m USING (golden_id)
                   WHERE g.status = 'active' AND m.until IS NULL AND g.kind = ANY(:kinds)
                   GROUP BY golden_id HAVING count(*) > 1 ORDER BY golden_id"""
            ),
            {"kinds": [str(kind) for kind in kinds]},
        ).scalars()
    )


def _chosen(
    connection: Connection, customers: Sequence[Any], both: tuple[Rules, Rules], kinds: Mapping[str, Sequence[str]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each customer as it is chosen by the one and by the other rules."""
    names = (name for kind in kinds for group in both[0].policy[kind] for name in group.attributes)
    columns = [*_ASIDE, *dict.fromkeys(PUBLISHED.get(name, name) for name in names)]
    with connection.begin_nested() as tried:
        connection.execute(
            text("CREATE TEMP TABLE composing ON COMMIT DROP AS SELECT unnest(CAST(:ids AS uuid[])) AS golden_id"),
            {"ids": customers},
        )
        connection.execute(text("ANALYZE composing"))
        gather.members(connection)
        before, after = (list(gather.picked(connection, columns, rules)) for rules in both)
        tried.rollback()
    for one, other in zip(before, after, strict=True):
        yield dict(zip(columns, one, strict=True)), dict(zip(columns, other, strict=True))
