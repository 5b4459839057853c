"""What an act changed, kept so that it can be taken back hours or months later; and the taking back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row, text

from hub.decide.decision import Decision
from hub.decide.picture import Picture
from hub.errors import ConflictError, NotFoundError
from hub.golden import manual
from hub.identity import ledger
from hub.model.kinds import Verdict


@dataclass(frozen=True)
class Changed:
    """Pairs and records that an act is about: those of what it says, or of the act that it takes back."""

    parties: tuple[int, ...]
    refs: tuple[str, ...]


# What this transaction entered and ended: both have its own moment, which now() is.
_KEEP_JUDGEMENTS = """
    INSERT INTO identity.act_judgement (act_id, party_a, party_b, ended_id, entered_id)
    SELECT :act, party_a, party_b, ended.judgement_id, entered.judgement_id
    FROM (SELECT party_a, party_b, judgement_id FROM identity.judgement
          WHERE party_a = ANY(:parties) AND author_kind = 'person' AND ended_at = now()) ended
    FULL JOIN (SELECT party_a, party_b, judgement_id FROM identity.judgement
               WHERE party_a = ANY(:parties) AND author_kind = 'person'
                 AND made_at = now() AND ended_at IS NULL) entered
    USING (party_a, party_b)
"""
_KEEP_VALUES = """
    INSERT INTO identity.act_value (act_id, ref, attributes, ended_id, entered_id)
    SELECT :act, ref, attributes, ended.manual_id, entered.manual_id
    FROM (SELECT ref, attributes, manual_id FROM golden.manual_value
          WHERE ref = ANY(:refs) AND ended_at = now() AND made_at < now()) ended
    FULL JOIN (SELECT ref, attributes, manual_id FROM golden.manual_value
               WHERE ref = ANY(:refs) AND made_at = now() AND ended_at IS NULL) entered
    USING (ref, attributes)
"""


def keep(
    connection: Connection,
    decision: Decision,
    changed: Changed,
    did: Mapping[str, Any],
    *,
    confirmed_by: str | None = None,
) -> int:
    """Write down what this transaction did as one act; returns its number.

    Raises:
        ConflictError: somebody else took the same act back.
    """
    if decision.undoes is not None and undone_by(connection, decision.undoes):
        raise ConflictError(f"act {decision.undoes} was undone before")
    act_id: int = connection.execute(
        text(
            """INSERT INTO identity.act (kind, subject, author, reason, confirmed_by, undoes, did)
               VALUES (:kind, :subject, :author, :reason, :confirmed_by, :undoes, :did) RETURNING act_id"""
        ),
        {
            "kind": decision.kind,
            "subject": decision.subject,
            "author": decision.author,
            "reason": decision.reason,
            "confirmed_by": confirmed_by,
            "undoes": decision.undoes,
            "did": Jsonb(dict(did)),
        },
    ).scalar_one()
    named = {"act": act_id, "parties": list(changed.parties), "refs": list(changed.refs)}
    connection.execute(text(_KEEP_JUDGEMENTS), named)
    connection.execute(text(_KEEP_VALUES), named)
    return act_id


def did(picture: Picture, choices: Mapping[str, str]) -> dict[str, Any]:
    """What the row of history tells of an act: per customer afterwards its records, and what came along."""
    customers = [
        {
            "golden_id": one.golden_id,
            "records": len(one.records),
            "came": [record.ref for record in one.records if record.came_from],
            "from": sorted(one.origins - {one.golden_id}),
            "facts": one.facts(moved=True),
        }
        for one in picture.customers
    ]
    return {"customers": customers, "values": sorted(choices)}


def act(connection: Connection, act_id: int) -> Row[Any]:
    """One act, with who undid it. Raises NotFoundError."""
    row = connection.execute(text(f"{_ACTS} WHERE a.act_id = :id"), {"id": act_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no act {act_id}")
    return row


def acts(connection: Connection, author: str | None, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """The last acts before the act `before`, newest first; of one author or of all."""
    return connection.execute(
        text(
            f"""{_ACTS} WHERE (CAST(:author AS text) IS NULL OR a.author = :author)
                AND (CAST(:before AS bigint) IS NULL OR a.act_id < :before) ORDER BY a.act_id DESC LIMIT :limit"""
        ),
        {"author": author, "before": before, "limit": limit},
    ).all()


_ACTS = """
    SELECT a.*, u.act_id AS undone_by_act, u.author AS undone_by, u.made_at AS undone_at, o.kind AS undoes_kind
    FROM identity.act a LEFT JOIN identity.act u ON u.undoes = a.act_id LEFT JOIN identity.act o ON o.act_id = a.undoes
"""


def undone_by(connection: Connection, act_id: int) -> int | None:
    """The act that took this one back, if any did."""
    return connection.execute(
        text("SELECT act_id FROM identity.act WHERE undoes = :id"), {"id": act_id}
    ).scalar_one_or_none()


def of_judgement(connection: Connection, judgement_id: int) -> int | None:
    """The act that says a judgement and values in one; None where the judgement can be taken back by itself."""
    return connection.execute(
        text(
            """SELECT act_id FROM identity.act_judgement JOIN identity.act USING (act_id)
               WHERE entered_id = :id AND kind = 'judge' LIMIT 1"""
        ),
        {"id": judgement_id},
    ).scalar_one_or_none()


def changed_by(connection: Connection, act_id: int) -> Changed:
    """The parties and the records that an act changed something of."""
    rows = connection.execute(
        text(
            """SELECT party_id, ref FROM canonical.party WHERE party_id IN (
                   SELECT party_a FROM identity.act_judgement WHERE act_id = :id
                   UNION SELECT party_b FROM identity.act_judgement WHERE act_id = :id)
               UNION SELECT party_id, ref FROM identity.act_value JOIN canonical.party USING (ref) WHERE act_id = :id
               ORDER BY party_id"""
        ),
        {"id": act_id},
    ).all()
    return Changed(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


# What an act changed and nobody changed since: what the person says now is what the act entered.
_STANDING = """
    SELECT a.ref AS a_ref, b.ref AS b_ref, live.judgement_id, ended.verdict AS before
    FROM identity.act_judgement c
    JOIN canonical.party a ON a.party_id = c.party_a JOIN canonical.party b ON b.party_id = c.party_b
    LEFT JOIN identity.judgement live ON live.party_a = c.party_a AND live.party_b = c.party_b
        AND live.author_kind = 'person' AND live.ended_at IS NULL
    LEFT JOIN identity.judgement ended ON ended.judgement_id = c.ended_id
    WHERE c.act_id = :id AND live.judgement_id IS NOT DISTINCT FROM c.entered_id
    ORDER BY c.party_a, c.party_b
"""


def take_back(connection: Connection, decision: Decision) -> int:
    """Say again what was said before the act that `decision` undoes; returns how many pairs that changes.

    What somebody judged anew since then is left as it is. Judgements are not resolved here.
    """
    rows = connection.execute(text(_STANDING), {"id": decision.undoes}).all()
    only_end = [row.judgement_id for row in rows if row.before is None and row.judgement_id is not None]
    connection.execute(
        text("UPDATE identity.judgement SET ended_at = now(), ended_by = :author WHERE judgement_id = ANY(:ids)"),
        {"author": decision.author, "ids": only_end},
    )
    again = [(row.a_ref, row.b_ref, Verdict(row.before)) for row in rows if row.before is not None]
    ledger.judge_all(connection, again, author=decision.author, reason=decision.reason)
    return len(only_end) + len(again)


def take_values_back(connection: Connection, decision: Decision) -> int:
    """As `take_back`, for values that were given by hand; returns how many groups that changes."""
    rows = connection.execute(
        text(
            """SELECT c.ref, live.manual_id, old.said, old.replaced, old.until FROM identity.act_value c
               LEFT JOIN golden.manual_value live ON live.ref = c.ref AND live.attributes = c.attributes
                   AND live.ended_at IS NULL
               LEFT JOIN golden.manual_value old ON old.manual_id = c.ended_id
               WHERE c.act_id = :id AND live.manual_id IS NOT DISTINCT FROM c.entered_id"""
        ),
        {"id": decision.undoes},
    ).all()
    signed = {"author": decision.author, "reason": decision.reason}
    for row in rows:
        if row.said is not None:
            manual.say(connection, row.ref, row.said, until=row.until, sources_say=row.replaced, **signed)
        elif row.manual_id is not None:
            manual.end(connection, row.manual_id, **signed)
    return len(rows)
