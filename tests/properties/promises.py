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
    """Whoever one of its records forbids is forbidden; whoever one allows, and none forbids, is allowed."""
    allows: dict[str, bool] = {}
    for ref, withdrawn_at, granted_at in queried(
        engine,
        """SELECT c.party_ref, max(c.recorded_at) FILTER (WHERE c.status = 'withdrawn'),
                  max(c.recorded_at) FILTER (WHERE c.status = 'granted' AND c.deleted_at IS NULL
                                                   AND p.deleted_at IS NULL AND p.merged_into_ref IS NULL)
           FROM canonical.consent c JOIN canonical.party p ON p.ref = c.party_ref GROUP BY c.party_ref""",
    ):
        if withdrawn_at is not None or granted_at is not None:
            allows[ref] = withdrawn_at is None or (granted_at is not None and granted_at > withdrawn_at)
    for customer in published_by(engine).values():
        told = [allows[ref] for ref in customer["members"] if ref in allows]
        expected = [] if not told else ["granted"] if all(told) else ["withdrawn"]
        assert [one["status"] for one in customer["consents"]] == expected


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
