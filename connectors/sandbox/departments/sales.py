"""The sales department: what its Salesforce org holds."""

from itertools import pairwise
from random import Random
from typing import Any

from connectors.sandbox import ids, moments, names, noise
from connectors.sandbox.conduct import Plan
from connectors.sandbox.desk import Desk
from connectors.sandbox.noise import Seen
from connectors.sandbox.people import Address, Org, Person
from connectors.sandbox.store import Row

STAGES = (
    ("Prospecting", 10),
    ("Qualification", 20),
    ("Needs Analysis", 30),
    ("Proposal/Price Quote", 60),
    ("Negotiation/Review", 80),
)
WON, LOST = "Closed Won", "Closed Lost"
USERS, CAMPAIGNS = 24, 12


def owner(rng: Random) -> str:
    return ids.salesforce("User", 1 + rng.randrange(USERS))


def base(desk: Desk) -> None:
    """The people who sell, and the campaigns."""
    for _ in range(USERS):
        who_given, who_family = desk.rng.choice(names.BRITAIN.given), desk.rng.choice(names.GERMANY.family)
        name = f"{who_given} {who_family}"
        mail = f"{who_given[0]}.{who_family}@ourcompany.example".lower()
        fields = {
            "Name": name,
            "FirstName": who_given,
            "LastName": who_family,
            "Email": mail,
            "Username": mail,
            "IsActive": True,
        }
        _row(desk, "User", desk.since, desk.since, fields)
    for number in range(CAMPAIGNS):
        season = ("Spring", "Summer", "Autumn", "Winter")[number % 4]
        name = f"{season} {('Webinar', 'Fair', 'Newsletter')[number % 3]} {2025 + number // 6}"
        created = desk.moment()
        fields = {
            "Name": name,
            "Type": ("Webinar", "Conference", "Email")[number % 3],
            "Status": "In Progress",
            "IsActive": True,
        }
        _row(desk, "Campaign", created, created, fields)


def account(desk: Desk, org: Org, seen: Seen, parent: str | None = None) -> Row:
    created = desk.moment()
    fields = {
        "Name": seen.name, "ParentId": parent, "Phone": seen.phone or None, "Website": seen.website or None,
        "OwnerId": owner(desk.rng),
        "Industry": desk.rng.choice(("Manufacturing", "Technology", "Construction", "Services", None)),
        "Type": desk.rng.choice(("Customer", "Prospect", "Partner", None)),
        "LastActivityDate": None, "MasterRecordId": None, **_address(desk.rng, "Billing", seen.address),
    }  # fmt: skip
    return _row(desk, "Account", created, desk.stamp(created), fields, entity=org.entity, kind="organization")


def contact(desk: Desk, who: Person, seen: Seen, account_id: str | None) -> Row:
    created = desk.moment()
    fields = {
        **_person(desk.rng, seen), "AccountId": account_id, "Birthdate": seen.birth or None, "OwnerId": owner(desk.rng),
        "HasOptedOutOfEmail": desk.rng.random() < 0.08, "DoNotCall": desk.rng.random() < 0.05,
        "LastActivityDate": None, "MasterRecordId": None, **_address(desk.rng, "Mailing", seen.address),
    }  # fmt: skip
    return _row(desk, "Contact", created, desk.stamp(created), fields, entity=who.entity, kind="person")


def lead(desk: Desk, who: Person, seen: Seen, converted: tuple[str, str] | None) -> Row:
    """`converted` names the account and the contact it became."""
    created = desk.moment()
    account_id, contact_id = converted or (None, None)
    fields = {
        **_person(desk.rng, seen), "Company": seen.company or "[not provided]", "Website": None,
        "OwnerId": owner(desk.rng),
        "Status": "Closed - Converted" if converted else desk.rng.choice(("Open - Not Contacted",
        "Working - Contacted")),
        "IsConverted": converted is not None, "ConvertedAccountId": account_id, "ConvertedContactId": contact_id,
        "ConvertedDate": moments.date(desk.moment(created)) if converted else None,
        "HasOptedOutOfEmail": desk.rng.random() < 0.08, "DoNotCall": desk.rng.random() < 0.05,
        "LeadSource": desk.rng.choice(("Web", "Trade Show", "Referral", None)), "LastActivityDate": None,
        "MasterRecordId": None, **_address(desk.rng, "", seen.address),
    }  # fmt: skip
    return _row(desk, "Lead", created, desk.stamp(created), fields, entity=who.entity, kind="person")


def _person(rng: Random, seen: Seen) -> dict[str, Any]:
    return {
        "FirstName": seen.given or None, "LastName": seen.family, "Name": f"{seen.given} {seen.family}".strip(),
        "Email": seen.email or None, "Phone": seen.phone or None, "MobilePhone": seen.mobile or None,
        "Title": seen.title or None,
        "Salutation": rng.choice((None, "Mr.", "Ms.", "Dr.")) if rng.random() < 0.1 else None,
    }  # fmt: skip


def _address(rng: Random, prefix: str, at: Address | None) -> dict[str, Any]:
    keys = [f"{prefix}{part}" for part in ("Street", "City", "State", "PostalCode", "Country")]
    if at is None:
        return dict.fromkeys(keys)
    country = at.country.name if rng.random() < 0.6 else at.country.code
    values = (noise.street_as_written(rng, at.street), at.city, at.region or None, at.postcode, country)
    return dict(zip(keys, values, strict=True))


def opportunity(desk: Desk, account_row: Row, contacts: list[Row], currency: str, plan: Plan) -> Row:
    """An opportunity that is handled as planned, with its history and the people on it."""
    rng = desk.rng
    stage, probability = STAGES[plan.stages[-1][1]]
    if plan.status != "open":
        stage, probability = (LOST, 0) if plan.status == "lost" else (WON, 100)
    people = contacts[: plan.people]
    fields = {
        "Name": f"{account_row.data['Name']} - {rng.choice(('Licences', 'Rollout', 'Renewal', 'Pilot', 'Extension'))}",
        "AccountId": None if plan.nobodys else account_row.id,
        "ContactId": people[0].id if people and not plan.nobodys else None, "OwnerId": account_row.data["OwnerId"],
        "StageName": stage, "Amount": plan.amounts[-1][1], "CurrencyIsoCode": currency,
        "CloseDate": moments.date(plan.closes[-1][1]), "Probability": float(probability),
        "NextStep": plan.steps[-1][1], "IsClosed": plan.status != "open", "IsWon": stage == WON,
        "Type": "New Business", "LeadSource": None,
        "ForecastCategoryName": "Pipeline" if plan.status == "open" else "Closed", "CampaignId": None,
        "LastActivityDate": moments.date(plan.active) if plan.active else None,
    }  # fmt: skip
    row = _row(desk, "Opportunity", plan.created, plan.stamp, fields)
    stages = [(at, STAGES[step][0]) for at, step in plan.stages]
    stages += [(plan.ended, stage)] if plan.ended is not None else []
    closes = [(at, moments.date(close)) for at, close in plan.closes]
    told = {"StageName": stages, "CloseDate": closes, "Amount": plan.amounts, "NextStep": plan.steps}
    for name, values in told.items():
        for (_, old), (at, new) in pairwise(values):
            history(desk, row.id, name, (old, new), at)
    for place, person in enumerate(people):
        role = {
            "OpportunityId": row.id,
            "ContactId": person.id,
            "Role": rng.choice(("Decision Maker", "Evaluator", None)),
            "IsPrimary": place == 0,
        }
        _row(desk, "OpportunityContactRole", plan.created, plan.created, role)
    return row


def history(desk: Desk, opportunity_id: str, field: str, change: tuple[Any, Any], at: int) -> Row:
    """One line of OpportunityFieldHistory; it has no SystemModstamp."""
    object_ = "salesforce.OpportunityFieldHistory"
    seq = desk.next(object_)
    data = {
        "Id": ids.make(object_, seq), "IsDeleted": False, "OpportunityId": opportunity_id, "Field": field,
        "DataType": "Text",
        "OldValue": change[0], "NewValue": change[1], "CreatedDate": moments.salesforce(at),
        "CreatedById": owner(desk.rng),
    }  # fmt: skip
    return desk.add(object_, seq, at, at, data)


def campaign_member(desk: Desk, member: Row) -> Row:
    created = desk.moment(member.created)
    status = desk.rng.choice(("Sent", "Sent", "Sent", "Responded", "Opened", "Declined"))
    is_lead = member.object.endswith("Lead")
    fields = {
        "CampaignId": ids.salesforce("Campaign", 1 + desk.rng.randrange(CAMPAIGNS)),
        "LeadId": member.id if is_lead else None,
        "ContactId": None if is_lead else member.id, "Status": status, "HasResponded": status == "Responded",
        "FirstRespondedDate": moments.date(created) if status == "Responded" else None,
    }  # fmt: skip
    return _row(desk, "CampaignMember", created, created, fields)


def _row(
    desk: Desk,
    name: str,
    created: int,
    stamp: int,
    fields: dict[str, Any],
    *,
    entity: str | None = None,
    kind: str | None = None,
) -> Row:
    object_ = f"salesforce.{name}"
    seq = desk.next(object_)
    moment = moments.salesforce(stamp)
    data = {
        "Id": ids.make(object_, seq), "IsDeleted": False, **fields, "CreatedDate": moments.salesforce(created),
        "LastModifiedDate": moment, "SystemModstamp": moment,
    }  # fmt: skip
    return desk.add(object_, seq, created, stamp, data, entity=entity, kind=kind)


def changed(row: Row, at: int, **fields: Any) -> Row:
    """The row after somebody wrote these fields."""
    moment = moments.salesforce(at)
    return row._replace(
        stamp=at, visible=at, data={**row.data, **fields, "LastModifiedDate": moment, "SystemModstamp": moment}
    )


def deleted(row: Row, at: int, survivor: str | None = None) -> Row:
    """In the recycle bin; merged into `survivor` where one is named."""
    gone = {"IsDeleted": True} | ({"MasterRecordId": survivor} if "MasterRecordId" in row.data else {})
    return changed(row, at, **gone)._replace(deleted=1)
