"""The marketing department: what its HubSpot portal holds. All properties are text or null, as in HubSpot."""

from typing import Any

from connectors.sandbox import ids, moments, noise
from connectors.sandbox.conduct import Plan
from connectors.sandbox.desk import Desk
from connectors.sandbox.noise import Seen
from connectors.sandbox.people import Address, Org, Person
from connectors.sandbox.store import Row

PORTAL = 62515
NEWSLETTER, OFFERS = 2849, 2850
STAGES = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent")
PROBABILITIES = dict(
    zip((*STAGES, "closedwon", "closedlost"), ("0.2", "0.4", "0.6", "0.8", "0.9", "1", "0"), strict=True)
)
EVENTS = ("SENT", "DELIVERED", "DELIVERED", "OPEN", "OPEN", "CLICK", "BOUNCE")
MODIFIED = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate", "deals": "hs_lastmodifieddate"}


def contact(desk: Desk, who: Person, seen: Seen, company: Row | None) -> Row:
    mail = desk.unique_mail("hubspot", seen.email, who.private_email)
    properties = {
        "email": mail or None, "firstname": seen.given or None, "lastname": seen.family or None,
        "phone": seen.phone or None,
        "mobilephone": seen.mobile or None, "jobtitle": seen.title or None, "company": seen.company or None,
        "date_of_birth": seen.birth or None,
        "hs_language": who.country.language, "lifecyclestage": desk.rng.choice(("subscriber", "lead", "customer")),
        "hs_email_optout": desk.rng.choice(("true", "false", None, None)),
        "hubspot_owner_id": str(40 + desk.rng.randrange(9)),
        "associatedcompanyid": company.id if company else None, "hs_calculated_merged_vids": None,
        "hs_merged_object_ids": None,
        **_address(desk, seen.address),
    }  # fmt: skip
    row = _row(desk, "contacts", properties, entity=who.entity, kind="person")
    if company:
        desk.link((row.object, row.seq), (company.object, company.seq), "contact_to_company", "company_to_contact")
    return row


def company(desk: Desk, org: Org, seen: Seen, parent: str | None = None) -> Row:
    properties = {
        "name": seen.name, "domain": org.domain if seen.website else None, "website": seen.website or None,
        "phone": seen.phone or None,
        "industry": desk.rng.choice(("CONSTRUCTION", "COMPUTER_SOFTWARE", "MACHINERY", None)),
        "hubspot_owner_id": str(40 + desk.rng.randrange(9)),
        "numberofemployees": str(desk.rng.choice((5, 20, 80, 250, 1200))), "hs_merged_object_ids": None,
        "hs_parent_company_id": parent,
        **_address(desk, seen.address),
    }  # fmt: skip
    return _row(desk, "companies", properties, entity=org.entity, kind="organization")


def _address(desk: Desk, at: Address | None) -> dict[str, str | None]:
    if at is None:
        return dict.fromkeys(("address", "city", "state", "zip", "country"))
    country = at.country.name if desk.rng.random() < 0.7 else at.country.code
    return {
        "address": noise.street_as_written(desk.rng, at.street), "city": at.city, "state": at.region or None,
        "zip": at.postcode, "country": country,
    }  # fmt: skip


def deal(desk: Desk, about: Row, people: list[Row], currency: str, plan: Plan) -> Row:
    """With the history of stage, amount, close date and next step that propertiesWithHistory shows."""
    named = about.data["properties"].get("name") or "Deal"
    stages = [(at, STAGES[step]) for at, step in plan.stages]
    stages += [(plan.ended, f"closed{plan.status}")] if plan.ended is not None else []
    times: dict[str, Any] = {
        "dealstage": stages, "closedate": [(at, moments.hubspot(close)) for at, close in plan.closes],
        "amount": [(at, None if amount is None else str(amount)) for at, amount in plan.amounts],
        "hs_next_step": plan.steps,
    }  # fmt: skip
    properties = {
        "dealname": f"{named} {desk.rng.randrange(2025, 2028)}", "pipeline": "default",
        **{name: values[-1][1] for name, values in times.items()}, "deal_currency_code": currency,
        "hubspot_owner_id": str(40 + desk.rng.randrange(9)), "hs_is_closed": str(plan.status != "open").lower(),
        "hs_is_closed_won": str(plan.status == "won").lower(), "dealtype": "newbusiness", "hs_merged_object_ids": None,
        "hs_deal_stage_probability": PROBABILITIES[stages[-1][1]],
        "notes_last_updated": moments.hubspot(plan.active) if plan.active else None,
    }  # fmt: skip
    history = {name: [_version(value, at) for at, value in reversed(values)] for name, values in times.items()}
    row = _row(desk, "deals", properties, created=plan.created, stamp=plan.stamp, history=history)
    for other in [] if plan.nobodys else [about, *people[: plan.people]]:
        name = {"hubspot.companies": "company", "hubspot.contacts": "contact"}[other.object]
        desk.link((row.object, row.seq), (other.object, other.seq), f"deal_to_{name}", f"{name}_to_deal")
    return row


def _version(value: str | None, at: int) -> dict[str, Any]:
    return {
        "value": value or "",
        "timestamp": moments.hubspot(at),
        "sourceType": "CRM_UI",
        "sourceId": "userId:41",
        "updatedByUserId": 41,
    }


def email_event(desk: Desk, recipient: Row, kind: str | None = None) -> Row | None:
    """None where the contact has no address to write to."""
    mail = recipient.data["properties"]["email"]
    if not mail or "@" not in mail:
        return None
    object_ = "hubspot.email_event"
    seq, at = desk.next(object_), desk.moment(recipient.created)
    data = {
        "id": ids.make(object_, seq), "appId": 113, "appName": "Batch", "portalId": PORTAL,
        "emailCampaignId": 2_000 + desk.rng.randrange(9),
        "recipient": mail, "type": kind or desk.rng.choice(EVENTS), "created": at,
        "sentBy": {"id": ids.make("hubspot.sent", seq), "created": at},
    }  # fmt: skip
    return desk.add(object_, seq, at, at, data)


def subscription_change(desk: Desk, recipient: Row, change: str, after: int | None = None) -> Row | None:
    """A consent given (SUBSCRIBED) or withdrawn (UNSUBSCRIBED), for one list or for the whole portal."""
    mail = recipient.data["properties"]["email"]
    if not mail or "@" not in mail:
        return None
    object_ = "hubspot.subscription_change"
    seq, at = desk.next(object_), desk.moment(after or recipient.created)
    entry: dict[str, Any] = {
        "change": change, "source": "SOURCE_RECIPIENT", "portalId": PORTAL,
        "causedByEvent": {"id": ids.make(object_, seq), "created": at},
    }  # fmt: skip
    if desk.rng.random() < 0.7:
        entry |= {"changeType": "SUBSCRIPTION_STATUS", "subscriptionId": desk.rng.choice((NEWSLETTER, OFFERS))}
    else:
        entry |= {"changeType": "PORTAL_STATUS"}
    return desk.add(object_, seq, at, at, {"timestamp": at, "portalId": PORTAL, "recipient": mail, "changes": [entry]})


def _row(
    desk: Desk, name: str, properties: dict[str, Any], *, created: int | None = None, stamp: int | None = None,
    entity: str | None = None, kind: str | None = None, history: dict[str, Any] | None = None,
) -> Row:  # fmt: skip
    object_ = f"hubspot.{name}"
    seq = desk.next(object_)
    created = desk.moment() if created is None else created
    stamp = desk.stamp(created) if stamp is None else stamp
    id_ = ids.make(object_, seq)
    stamps = {"createdate": moments.hubspot(created), MODIFIED[name]: moments.hubspot(stamp), "hs_object_id": id_}
    data = {
        "id": id_, "properties": {**properties, **stamps}, "createdAt": moments.hubspot(created),
        "updatedAt": moments.hubspot(stamp), "archived": False, "history": history or {},
    }  # fmt: skip
    return desk.add(object_, seq, created, stamp, data, entity=entity, kind=kind)


def changed(row: Row, at: int, **properties: str | None) -> Row:
    """The record after these properties were set; tracked ones gain a line of history."""
    name = row.object.partition(".")[2]
    history = {key: list(value) for key, value in row.data["history"].items()}
    for key in history.keys() & properties.keys():
        history[key].insert(0, _version(properties[key], at))
    moment = moments.hubspot(at)
    data = {
        **row.data, "properties": {**row.data["properties"], **properties, MODIFIED[name]: moment}, "updatedAt": moment,
        "history": history,
    }  # fmt: skip
    return row._replace(stamp=at, visible=at, data=data)


def archived(row: Row, at: int) -> Row:
    data = {**row.data, "archived": True, "archivedAt": moments.hubspot(at)}
    return row._replace(stamp=at, visible=at, deleted=1, data=data)


def merged(survivor: Row, loser: Row, at: int) -> tuple[Row, Row]:
    """The survivor knows the loser's id; the loser is not listed any more, not even as archived."""
    before = survivor.data["properties"]["hs_merged_object_ids"]
    known = f"{before};{loser.id}" if before else loser.id
    changes: dict[str, str | None] = {"hs_merged_object_ids": known}
    if survivor.object == "hubspot.contacts":
        vids = survivor.data["properties"]["hs_calculated_merged_vids"]
        entry = f"{loser.id}:{at}"
        changes["hs_calculated_merged_vids"] = f"{vids};{entry}" if vids else f"{survivor.id}:{at};{entry}"
    return changed(survivor, at, **changes), loser._replace(stamp=at, deleted=2)
