"""Changed settings, tried on what is stored now: what they would make of flags, customers, values and checks.

All of it happens in one transaction that sees one moment and is rolled back. It reads the hub's tables and writes
temporary ones, so that it holds no lock but those of any reader: nobody who reads, judges or runs the pipeline waits
for it. Only a migration does.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, text

from hub import audit, changes
from hub.golden import trial as golden
from hub.golden.gather import Rules
from hub.golden.trial import Value, Values
from hub.identity import trial as identity
from hub.identity.overturned import Overturned
from hub.identity.trial import Clusters
from hub.progress import Progress, Step
from hub.review.queries import routing
from hub.settings import Settings
from quality_checks import tried
from quality_checks.tried import Rule, Verdict

EXAMPLES = 3  # per rule, attribute and kind of change, unless told otherwise


@dataclass(frozen=True)
class Asked:
    """What is to be tried: the settings in force and the changes, at which moment, and how."""

    settings: Settings
    changes: Mapping[str, Any]
    as_of: dt.datetime
    match_again: bool = False
    examples: int = EXAMPLES


@dataclass(frozen=True)
class Trial:
    """What the changes would do. `keys`: dotted name -> value in force, and tried.

    `values` are those of the customers as they are now; `routed`: department -> pairs in its queue now, and then.
    `parts`: records of some parts that split. `lines` are the changes as they go into onerecord.toml. `notes` say what
    the trial could not know.
    """

    keys: dict[str, tuple[Any, Any]]
    flags: dict[str, Rule] = field(default_factory=dict)
    clusters: Clusters | None = None
    values: Values | None = None
    routed: dict[str, tuple[int, int]] = field(default_factory=dict)
    checks: tuple[Verdict, ...] = ()
    parts: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def overturned(self) -> tuple[Overturned, ...]:
        """What people decided and the changes contradict."""
        return self.clusters.overturned if self.clusters else ()

    @property
    def status(self) -> str:
        """blocked: people decided otherwise; held: nothing would be published, be that so now or not; unknown: to be
        matched again; safe: nothing of it.
        """
        if self.overturned:
            return "blocked"
        if any(check.holds for check in self.checks):
            return "held"
        return "safe" if self.clusters is None or self.clusters.complete else "unknown"

    def counts(self) -> dict[str, Any]:
        """The outcome in numbers, without a record's name: what the audit log keeps."""
        found: dict[str, Any] = {
            "flags": {
                name: {"before": rule.before, "after": rule.after, "opened": rule.opened, "resolved": rule.resolved,
                       "severity": rule.weighed}
                for name, rule in self.flags.items()
                if rule.opened or rule.resolved or rule.weighed
            }
        }  # fmt: skip
        if self.clusters is not None:
            one = self.clusters
            found["clusters"] = {
                "merged": len(one.merged), "split": len(one.split), "customers": one.changed, "records": one.moved,
                "waiting": list(one.waiting), "complete": one.complete,
            }  # fmt: skip
        if self.values is not None:
            found["values"] = {
                "customers": self.values.changed, "origin_only": self.values.retold,
                "attributes": {f"{kind}.{name}": number for (kind, name), number in self.values.attributes.items()},
            }  # fmt: skip
        found["overturned"] = len(self.overturned)
        found["held_by"] = [check.check for check in self.checks if check.holds]
        return found


def run(engine: Engine, asked: Asked, *, progress: Progress) -> Trial:
    """Try the changes. Nothing is changed.

    Raises:
        ConfigurationError: a setting is unknown, cannot be tried, or is out of range.
        ConflictError: everybody is to be compared anew, and the next run has a new model to train.
    """
    new = changes.applied(asked.settings, asked.changes)
    seeing = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with seeing as connection, connection.begin() as transaction:
        connection.execute(text("SET LOCAL timezone = 'UTC'"))
        found = _tried(connection, asked, new, progress)
        transaction.rollback()
    return found


def note(engine: Engine, found: Trial, *, actor: str, reason: str | None, values_shown: int) -> None:
    """Write the trial into the audit log: who, which settings, and the outcome in numbers."""
    settings = {key: {"in_force": old, "tried": new} for key, (old, new) in found.keys.items()}
    details = {"settings": settings, "status": found.status, **found.counts(), "values_shown": values_shown}
    with engine.begin() as connection:
        audit.record(connection, actor, "try settings", " ".join(found.keys), reason=reason, details=details)


def _tried(connection: Connection, asked: Asked, new: Settings, progress: Progress) -> Trial:
    old = asked.settings
    keys = {key: (changes.in_force(old, key), value) for key, value in changes.leaves(asked.changes)}
    flags = {}
    if old.hygiene != new.hygiene:
        progress(Step("trial", "opportunity flags"))
        flags = tried.flags(connection, old.hygiene, new.hygiene, as_of=asked.as_of, examples=asked.examples)
    clusters, notes = _clusters(connection, asked, new, progress)
    rules = [Rules(one.survivorship.policy(), one.source_priority, asked.as_of) for one in (old, new)]
    values = golden.values(connection, *rules, examples=asked.examples, progress=progress)
    if clusters and (clusters.merged or clusters.split) and values.looked_at:
        notes += ["values are told of the customers as they are now, not as they would be merged or split"]
    if old != new:
        progress(Step("trial", "checks"))
    return Trial(
        keys=keys,
        lines=tuple(changes.lines(asked.changes)),
        flags=flags,
        clusters=clusters,
        values=values if values.looked_at else None,
        routed=_routed(connection, old, new, clusters),
        checks=tuple(tried.checks(connection, old, new, as_of=asked.as_of, moved=clusters)),
        parts=dict(identity.examples(connection, clusters, asked.examples)) if clusters else {},
        notes=(*notes, *_meanwhile(connection)),
    )


def _clusters(
    connection: Connection, asked: Asked, new: Settings, progress: Progress
) -> tuple[Clusters | None, list[str]]:
    """What other borders make of the customers; None where no setting of matching changes."""
    old, notes = asked.settings, []
    if old.match == new.match and not asked.match_again:
        return None, []
    in_force = identity.borders(connection, old.match)
    if in_force != (old.match.same, old.match.review):
        notes.append(
            f"the pairs are stored by match.same = {in_force[0]} and match.review = {in_force[1]}: the settings in "
            "force are others, and take effect with the next run"
        )
    complete = asked.match_again
    progress(Step("trial", "customers"))
    if asked.match_again:
        identity.match_again(connection, new.match)
    else:
        reasons = _needs_matching(connection, asked, new, in_force[1])
        complete, notes = not reasons, notes + reasons
        identity.band_again(connection, new.match)
    return identity.clusters(connection, complete=complete, as_of=asked.as_of), notes


def _needs_matching(connection: Connection, asked: Asked, new: Settings, floor: float) -> list[str]:
    """Why the stored pairs do not tell all, and what it would take."""
    reasons = []
    if new.match.review < floor:
        reasons.append(f"pairs below match.review = {floor} are not stored")
    if identity.would_learn(connection, asked.settings.match, new.match):
        reasons.append("match.learn_after would move the model of another number of judgements, and so every pair")
    if not reasons:
        return []
    parties = connection.execute(text("SELECT count(*) FROM canonical.party")).scalar_one()
    return [*reasons, f"--match-again compares all {parties:,} records anew for this trial, as the next run would"]


def _routed(
    connection: Connection, old: Settings, new: Settings, clusters: Clusters | None
) -> dict[str, tuple[int, int]]:
    """The length of each department's queue by both settings, as far as it changes."""
    if old.review.routes == new.review.routes and clusters is None:
        return {}
    then = "identity.waiting_pair"
    if clusters is not None:
        connection.execute(text(_WOULD_WAIT))
        then = "tried_queue"
    before = identity.by_department(connection, routing.departments(old.review.routes, "w"), "identity.waiting_pair")
    after = identity.by_department(connection, routing.departments(new.review.routes, "w"), then)
    return {
        one: (before.get(one, 0), after.get(one, 0))
        for one in sorted(before.keys() | after.keys())
        if before.get(one) != after.get(one)
    }


_WOULD_WAIT = """
    CREATE TEMP TABLE tried_queue ON COMMIT DROP AS
    SELECT kind, sources, departments FROM identity.waiting_pair w
    WHERE NOT EXISTS (SELECT 1 FROM tried_touched t WHERE (t.party_a, t.party_b) = (w.party_a, w.party_b))
    UNION ALL SELECT kind, sources, departments FROM tried_waiting
"""


def _meanwhile(connection: Connection) -> list[str]:
    """What waits for the next run anyhow, and is not told as the work of the changes."""
    waiting = connection.execute(
        text("SELECT (SELECT count(*) FROM canonical.to_match), (SELECT count(*) FROM identity.to_resolve)")
    ).one()
    told = zip(waiting, ("are not matched yet", "wait to be resolved"), strict=True)
    return [f"{number:,} records {what}: the next run sees to it, changes or not" for number, what in told if number]


def to_dict(found: Trial, *, show_values: bool) -> dict[str, Any]:
    """The trial as JSON. Values are left out unless `show_values`; lines, unless the changes are safe."""
    clusters = found.clusters or Clusters()
    return {
        "status": found.status,
        "settings": {key: {"in_force": old, "tried": new} for key, (old, new) in found.keys.items()},
        **found.counts(),
        "examples": {
            "flags": {
                name: {"opened": rule.open_refs, "resolved": rule.resolved_refs, "severity": rule.severity}
                for name, rule in found.flags.items()
            },
            "parts": found.parts,
            "values": [value_of(one, show_values=show_values) for one in (found.values or Values()).examples],
        },
        "bands": [
            {"before": before, "after": after, "pairs": number} for (before, after), number in clusters.bands.items()
        ],
        "merged": {str(one): str(survivor) for one, survivor in clusters.merged.items()},
        "split": {str(one): str(origin) for one, origin in clusters.split.items()},
        "routed": {name: list(numbers) for name, numbers in found.routed.items()},
        "decisions": [asdict(one) for one in found.overturned],
        "checks": [{**asdict(one), "holds": one.holds, "holds_already": one.holds_already} for one in found.checks],
        "notes": list(found.notes),
        "lines": list(found.lines) if found.status == "safe" else [],
    }


def value_of(one: Value, *, show_values: bool) -> dict[str, Any]:
    """A value that would change, as JSON; which record and rule it is from, and the value only if `show_values`."""
    sides = {"before": dict(one.before), "after": dict(one.after)}
    for side in sides.values():
        value = side.pop("value")
        if show_values:
            side["value"] = None if value is None else str(value)
    return {"golden_id": one.golden_id, "attribute": one.attribute, **sides}
