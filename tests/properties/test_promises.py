"""The promises of the design, whatever happens and in whatever order: a machine that lands, judges, merges, takes apart,
overrules, retrains and rebuilds at random, on the real store, and looks after every run.
"""

import datetime as dt
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine
from sqlalchemy.engine import URL

import dedup
from connectors.base import Row
from hub.db.engine import make_engine
from hub.errors import ConflictError
from hub.golden import manual
from hub.identity import acts, ledger, models
from hub.model.kinds import ConsentStatus, PartyKind, Verdict
from hub.rebuild import queue_everything
from tests.conftest import cloned
from tests.properties import promises
from tests.properties.small_hub import (
    BORDERS,
    NOW,
    RECORDS,
    REFS,
    WHY,
    homes_of,
    landed,
    published_by,
    queried,
    released,
    retold,
    row,
    said_by,
    said_of_customers,
    trained,
)

values = st.fixed_dictionaries(
    {
        "given": st.sampled_from(["Ann", "Anne", "Bob"]),
        "family": st.sampled_from(["Lee", "Ray"]),
        "email": st.sampled_from([None, "ann@lee.example", "bob@ray.example"]),
        "phone": st.sampled_from([None, "+49301234567", "+442079460000"]),
        "born": st.sampled_from([None, "1980-05-03", "1951-07-09"]),
        "optout": st.booleans(),
    }
)
refs = st.sampled_from(REFS)


class Hub(RuleBasedStateMachine):
    """One hub with a database of its own."""

    new_database: Callable[[], Any]
    model: dedup.Model

    @initialize(world=st.tuples(*(values for _ in RECORDS)))
    def start(self, world: tuple[dict[str, Any], ...]) -> None:
        self.open = ExitStack()
        self.engine = self.fresh()
        self.acts = self.moment = 0
        self.objected: set[tuple[str, str]] = set()
        with self.engine.begin() as connection:
            models.save(connection, PartyKind.PERSON, self.model, BORDERS)
        for record, said in zip(RECORDS, world, strict=True):
            self.land(record, said)
        self.everything_holds()

    def fresh(self) -> Engine:
        engine = make_engine(self.open.enter_context(self.new_database()))
        self.open.callback(engine.dispose)
        return engine

    def teardown(self) -> None:
        if hasattr(self, "open"):
            with self.open:
                self.everything_holds()
                other = self.fresh()
                retold(self.engine, other)
                assert said_of_customers(self.engine) == said_of_customers(other)

    # What happens.

    @rule(record=st.sampled_from(RECORDS), said=values)
    def land(self, record: tuple[str, str], said: dict[str, Any]) -> None:
        # An objection that its source no longer shows holds on, which another hub that never saw it cannot know.
        said = {**said, "optout": said["optout"] or record in self.objected}
        self.objected |= {record} if said["optout"] else set()
        self.moment += 1
        stamp = (NOW - dt.timedelta(days=30) + dt.timedelta(minutes=self.moment)).strftime("%Y-%m-%dT%H:%M:%SZ")
        landed(self.engine, record[0], row(*record, said, stamp))

    @rule(said=values)
    def land_what_does_not_fit(self, said: dict[str, Any]) -> None:
        self.land(("mail", "9"), {**said, "family": {"odd": 1}})

    @rule(record=st.sampled_from(RECORDS))
    def delete(self, record: tuple[str, str]) -> None:
        known = queried(self.engine, "SELECT 1 FROM landing.source_record WHERE (source, source_id) = (:a, :b)",
                        a=record[0], b=record[1])  # fmt: skip
        if known:
            landed(self.engine, record[0], Row(record[1], {"id": record[1]}, deleted=True))

    @rule(ref=refs, status=st.sampled_from(list(ConsentStatus)), hours=st.integers(-3, 3))
    def consent(self, ref: str, status: ConsentStatus, hours: int) -> None:
        """Also one that was given long ago and is told late."""
        self.moment += 1
        said_by(self.engine, self.moment, ref, status, NOW - dt.timedelta(days=30) + dt.timedelta(hours=hours))

    @rule(a=refs, b=refs, verdict=st.sampled_from(list(Verdict)))
    def judge(self, a: str, b: str, verdict: Verdict) -> None:
        if a != b and {a, b} <= set(homes_of(self.engine)):
            with self.engine.begin() as connection:
                ledger.judge(connection, a, b, verdict, **WHY)
            self.acts += 1

    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        live = queried(
            self.engine, "SELECT judgement_id FROM identity.judgement WHERE ended_at IS NULL AND author_kind = 'person'"
        )
        if live:
            with self.engine.begin() as connection:
                ledger.undo(connection, data.draw(st.sampled_from(live))[0], **WHY)
            self.acts += 1

    @rule(a=refs, b=refs)
    def merge(self, a: str, b: str) -> None:
        self.merged(a, b)

    @rule(ref=refs)
    def take_out(self, ref: str) -> None:
        homes = homes_of(self.engine)
        if ref in homes and list(homes.values()).count(homes[ref]) > 1:
            self.unmerged(homes[ref], [[ref]])

    @rule(a=refs, b=refs)
    def merge_and_take_apart(self, a: str, b: str) -> None:
        """Is as if nothing had happened: values, facts, consents and ids."""
        released(self.engine)
        homes, before = homes_of(self.engine), published_by(self.engine)
        if {a, b} <= set(homes) and homes[a] != homes[b] and self.merged(a, b):
            released(self.engine)
            self.unmerged(homes_of(self.engine)[a], [[ref for ref, home in homes.items() if home == homes[b]]])
            released(self.engine)
            assert published_by(self.engine) == before

    @rule(ref=refs, phone=st.sampled_from(["+33123456789", None]))
    def overrule(self, ref: str, phone: str | None) -> None:
        if ref in homes_of(self.engine):
            with self.engine.begin() as connection:
                manual.say(connection, ref, {"phone": phone}, **WHY)
            self.acts += 1

    @rule(data=st.data())
    def believe_the_sources_again(self, data: st.DataObject) -> None:
        live = queried(self.engine, "SELECT manual_id FROM golden.manual_value WHERE ended_at IS NULL")
        if live:
            with self.engine.begin() as connection:
                manual.end(connection, data.draw(st.sampled_from(live))[0], **WHY)
            self.acts += 1

    @rule(offset=st.sampled_from([-6.0, -2.0, 0.0, 3.0]))
    def retrain(self, offset: float) -> None:
        with self.engine.begin() as connection:
            models.save(connection, PartyKind.PERSON, replace(self.model, offset=offset), BORDERS)

    @rule()
    def run(self) -> None:
        self.everything_holds()

    @precondition(lambda self: homes_of(self.engine))
    @rule()
    def rebuild(self) -> None:
        """Changes no id and no value, and publishes nothing."""
        released(self.engine)
        homes, before = homes_of(self.engine), published_by(self.engine)
        with self.engine.begin() as connection:
            queue_everything(connection, actor="ann", reason="to be sure")
        self.acts += 1
        assert not released(self.engine).published
        assert (homes_of(self.engine), published_by(self.engine)) == (homes, before)

    # What must hold.

    def everything_holds(self) -> None:
        released(self.engine)
        homes = homes_of(self.engine)
        assert not released(self.engine).published
        assert homes_of(self.engine) == homes
        promises.every_record_has_one_place(self.engine, homes)
        promises.every_id_leads_somewhere(self.engine)
        promises.different_is_different(self.engine, homes)
        promises.permission_is_never_widened(self.engine)
        promises.values_have_an_origin(self.engine)
        promises.the_feed_tells_everything(self.engine)
        assert len(queried(self.engine, "SELECT 1 FROM ops.audit WHERE actor = 'ann'")) == self.acts

    # How it is done.

    def merged(self, a: str, b: str) -> bool:
        homes = homes_of(self.engine)
        if not {a, b} <= set(homes) or homes[a] == homes[b]:
            return False
        with suppress(ConflictError), self.engine.connect() as connection:
            acts.perform(self.engine, acts.merge(connection, a, b, **WHY))
            self.acts += 1
            return True
        return False

    def unmerged(self, golden_id: str, parts: list[list[str]]) -> None:
        with self.engine.connect() as connection:
            act = acts.unmerge(connection, golden_id, parts, **WHY)
        acts.perform(self.engine, act)
        self.acts += 1
        homes = homes_of(self.engine)
        for part in parts:
            assert all(homes[a] == homes[b] for a, b in pairwise(part))


def test_the_promises_hold_whatever_happens(server: URL, template: URL) -> None:
    machine = type("Hub", (Hub,), {"new_database": lambda _self: cloned(server, template), "model": trained()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate),
        ),
    )
