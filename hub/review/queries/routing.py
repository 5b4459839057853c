"""Which departments judge which pairs: the routes of the settings as SQL, the same for lists and for one pair."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.access import Principal
from hub.sections.review import Route


def departments(routes: Sequence[Route], row: str) -> tuple[str, dict[str, Any]]:
    """An expression for the departments that judge a `row` with kind, sources and departments; and its parameters."""
    cases, parameters = [], dict[str, Any]()
    for number, route in enumerate(routes):
        asked = {"source": route.source, "kind": route.kind, "department": route.department}
        values = {f"route_{number}_{name}": str(value) for name, value in asked.items() if value is not None}
        parameters |= {**values, f"route_{number}_to": sorted(str(one) for one in route.to)}
        fits = " AND ".join(_FITS[name.rsplit("_", 1)[1]].format(row=row, name=name) for name in values) or "true"
        cases.append(f"WHEN {fits} THEN CAST(:route_{number}_to AS text[])")
    if not cases:
        return f"{row}.departments", {}
    return f"CASE {' '.join(cases)} ELSE {row}.departments END", parameters


_FITS = {
    "source": ":{name} = ANY({row}.sources)",
    "kind": "{row}.kind = :{name}",
    "department": ":{name} = ANY({row}.departments)",
}

_TIED = """
    (EXISTS (SELECT 1 FROM identity.pair p WHERE p.party_a = r.a AND p.party_b = r.b)
     OR EXISTS (SELECT 1 FROM identity.judgement j WHERE j.party_a = r.a AND j.party_b = r.b))"""
# The record's customer has a record of the departments `mine`.
_OWN = """
    EXISTS (SELECT 1 FROM identity.membership m
            JOIN identity.membership o ON o.golden_id = m.golden_id AND o.until IS NULL
            JOIN canonical.party p ON p.party_id = o.party_id
            WHERE m.party_id = r.{side} AND m.until IS NULL AND p.department = ANY(CAST(:mine AS text[])))"""


def may_judge(
    connection: Connection, who: Principal, routes: Sequence[Route], pairs: Sequence[tuple[int, int]]
) -> bool:
    """Whether all these pairs, the smaller id first, are routed to somebody, or were ever put as a question to them.

    Two records that neither the evidence nor a judgement ties are nobody's work: comparing and merging them is for who
    answers for a record of both customers, else any record could be seen and taken over beside one of one's own.
    """
    if who.departments is None:
        return True
    routed, parameters = departments(routes, "r")
    return not connection.execute(
        text(
            f"""SELECT EXISTS (
                SELECT 1 FROM (
                    SELECT p.a, p.b, one.kind, ARRAY[one.source, other.source] AS sources,
                        ARRAY[one.department, other.department] AS departments
                    FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) AS p(a, b)
                    JOIN canonical.party one ON one.party_id = p.a JOIN canonical.party other ON other.party_id = p.b
                ) r
                WHERE NOT (({routed}) && CAST(:mine AS text[])
                           AND ({_TIED} OR ({_OWN.format(side="a")} AND {_OWN.format(side="b")})))
                  AND NOT EXISTS (SELECT 1 FROM identity.question q WHERE q.party_a = r.a AND q.party_b = r.b
                                  AND q.department = ANY(CAST(:mine AS text[]))))"""
        ),
        {**parameters, "a": [a for a, _ in pairs], "b": [b for _, b in pairs], "mine": sorted(who.departments)},
    ).scalar_one()
