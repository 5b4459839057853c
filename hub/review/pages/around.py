"""What the compare page tells beside the two records: what a merge makes of their customers, and who is close."""

from typing import Any

from sqlalchemy import Connection, Row

from hub.access import Principal
from hub.decide import carrying, proposals
from hub.decide.picture import Picture, as_if_merged
from hub.review.pages import deciding
from hub.review.queries import related
from hub.settings import Settings


def around(connection: Connection, who: Principal, settings: Settings, a: Row[Any], b: Row[Any]) -> dict[str, Any]:
    """What the templates of the compare page's lower half need. Waits for no lock; the caller rolls back.

    Composing needs temporary tables, which a read-only transaction may not make.
    """
    picture = _picture(connection, settings, a, b)
    refs = [record.ref for customer in picture.customers for record in customer.records] if picture else []
    return {
        "views": deciding.views(connection, picture, choices=True) if picture else [],
        "at_stake": carrying.needs_two(connection, settings, picture) if picture else None,
        "related": related.related(connection, who, refs),
        "earlier": related.earlier_judgements(connection, a.party_id, b.party_id),
        "proposal": proposals.of_records(connection, a.ref, b.ref),
    }


def _picture(connection: Connection, settings: Settings, a: Row[Any], b: Row[Any]) -> Picture | None:
    """The customer that both would be; none where they are one already, are not resolved yet, or can never be one."""
    if a.kind != b.kind or a.golden_id is None or b.golden_id is None or a.golden_id == b.golden_id:
        return None
    return as_if_merged(connection, [a.ref, b.ref], carrying.rules_of(settings))
