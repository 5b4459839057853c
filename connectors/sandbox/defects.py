"""Rows that do not fit their own schema: a wrong type, a required field that is missing."""

from random import Random
from typing import Any

_DEFECTS: dict[str, tuple[dict[str, Any], ...]] = {
    "salesforce.Account": ({"Name": None}, {"CreatedDate": "yesterday"}),
    "salesforce.Contact": ({"LastName": None, "FirstName": None, "Name": None}, {"CreatedDate": "yesterday"}),
    "salesforce.Lead": ({"LastName": None, "FirstName": None, "Name": None, "Company": None}, {"CreatedDate": "soon"}),
    "salesforce.Opportunity": ({"StageName": None}, {"Amount": "on request"}, {"CloseDate": "31.02.2026"}),
    "hubspot.contacts": ({"properties.createdate": "yesterday"},),
    "hubspot.companies": ({"properties.name": None, "properties.domain": None, "properties.website": None},),
    "hubspot.deals": ({"properties.dealstage": None}, {"properties.amount": "on request"}),
    "zendesk.users": ({"name": None}, {"created_at": "yesterday"}),
    "zendesk.organizations": ({"name": None},),
    "zendesk.tickets": ({"status": 7}, {"created_at": "yesterday"}),
    "stripe.customer": ({"created": "yesterday"},),
    "stripe.invoice": ({"currency": None}, {"total": "12,50"}),
    "stripe.charge": ({"amount": None},),
    "stripe.subscription": ({"status": None},),
}


def spoiled(rng: Random, object_: str, data: dict[str, Any]) -> dict[str, Any]:
    """A copy with one defect of its kind; objects without a list stay whole."""
    if object_ not in _DEFECTS:
        return data
    copy = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for path, value in rng.choice(_DEFECTS[object_]).items():
        outer, _, inner = path.rpartition(".")
        (copy[outer] if outer else copy)[inner] = value
    return copy
