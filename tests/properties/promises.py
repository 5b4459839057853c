"""The promises of the design, as checks of one small hub."""

import json
from typing import Any

from sqlalchemy import Engine

from hub.golden import read
from tests.properties.small_hub import TOLD, published_by, queried


def every_record_has_one_place(engine: Engine, homes: dict[str, str]) -> None:
    landed = {
        f"{r[0]}:{r[1]}:{r[2]}" for r in queried(engine, "SELECT source, stream, source_id FROM landing.source_record")
    }
    held = {
        f"{r[0]}:{r[1]}:{r[2]}"
        for r in queried(engine, "SELECT source, stream, source_id FROM landing.quarantine WHERE resolved_at IS NULL")
    }
    assert landed == set(homes) | held
    members = [ref for customer in published_by(engine).values() for ref in customer["members"]]
    assert sorted(members) == sorted(homes), "each is a member of one golden record"
    for golden_id, customer in published_by(engine).items():
        assert {homes[ref] for ref in customer["members"]} == {golden_id}


def every_id_leads_somewhere(engine: Engine) -> None:
    published = set(published_by(engine))
    with engine.connect() as connection:
        for (golden_id,) in queried(engine, "SELECT DISTINCT golden_id FROM golden.change"):
            found = read.resolve_id(connection, golden_id)
            assert str(found.golden_id) in published


def different_is_different(engine: Engine, homes: dict[str, str]) -> None:
    for a, b in queried(
        engine,
        """SELECT a.ref, b.ref FROM identity.judgement j
           JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
           WHERE j.ended_at IS NULL AND j.verdict = 'different'""",
    ):
        assert homes[a] != homes[b]


def permission_is_never_widened(engine: Engine) -> None:
    withdrawn = {r[0] for r in queried(engine, "SELECT party_ref FROM canonical.consent WHERE status = 'withdrawn'")}
    for customer in published_by(engine).values():
        status = {one["status"] for one in customer["consents"]}
        assert status == ({"withdrawn"} if withdrawn.intersection(customer["members"]) else set())


def values_have_an_origin(engine: Engine) -> None:
    known = {
        r[0]: dict(zip(TOLD, r[1:], strict=True))
        for r in queried(engine, f"SELECT ref, {', '.join(TOLD)} FROM canonical.party")
    }
    for customer in published_by(engine).values():
        for name in TOLD:
            origin = customer["provenance"].get(name)
            if customer[name] is not None:
                assert origin is not None
            if origin is not None and origin["rule"] != "manual":
                assert origin["ref"] in customer["members"]
                assert customer[name] == json.loads(json.dumps(known[origin["ref"]][name], default=str))


def the_feed_tells_everything(engine: Engine) -> None:
    copy: dict[str, Any] = {}
    versions: dict[str, int] = {}
    changes = queried(
        engine,
        "SELECT sequence, CAST(golden_id AS text), version, before, after FROM golden.change ORDER BY 1",
    )
    for place, (sequence, golden_id, version, before, after) in enumerate(changes, start=1):
        assert (sequence, version) == (place, versions.get(golden_id, 0) + 1)
        assert copy.pop(golden_id, None) == before
        versions[golden_id] = version
        if after is not None:
            copy[golden_id] = after
    assert copy == published_by(engine, whole=True)
