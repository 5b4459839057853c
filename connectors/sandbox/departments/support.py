"""The support department: what its Zendesk account holds."""

from typing import Any

from connectors.sandbox import ids, moments, names
from connectors.sandbox.desk import Desk
from connectors.sandbox.noise import Seen
from connectors.sandbox.people import Address, Org, Person
from connectors.sandbox.store import Row

HOST = "https://sandbox.zendesk.example/api/v2"
AGENTS = 8
SUBJECTS = (
    "Cannot log in", "Invoice question", "Delivery is late", "Feature request", "Printer error 0x2A",
    "Change of address",
    "Damaged parcel", "How do I export?", "Password reset", "Contract renewal",
)  # fmt: skip
COMPLAINTS = (
    "I am very unhappy with your service",
    "Third time the same fault",
    "I want my money back",
    "Formal complaint",
)


def base(desk: Desk) -> None:
    """The agents, who are users too."""
    for number in range(AGENTS):
        given, family = desk.rng.choice(names.AMERICA.given), desk.rng.choice(names.FRANCE.family)
        fields = {"name": f"{given} {family}", "email": f"{given}.{number}@ourcompany.example".lower(), "role": "agent"}
        _user(desk, fields, entity=f"agent{number}", created=desk.since)


def organization(desk: Desk, org: Org, seen: Seen) -> Row:
    object_ = "zendesk.organizations"
    seq, created = desk.next(object_), desk.moment()
    stamp = desk.stamp(created)
    data = {
        "id": ids.number(object_, seq), "url": f"{HOST}/organizations/{ids.number(object_, seq)}.json",
        "name": seen.name,
        "domain_names": [org.domain] if seen.website else [], "details": None, "notes": None,
        "external_id": None,
        "group_id": None, "shared_tickets": False, "shared_comments": False, "tags": [],
        "organization_fields": {"phone": seen.phone or None, **_fields_of(seen.address)},
        "created_at": moments.zendesk(created), "updated_at": moments.zendesk(stamp), "deleted_at": None,
    }  # fmt: skip
    return desk.add(object_, seq, created, stamp, data, entity=org.entity, kind="organization")


def _fields_of(at: Address | None) -> dict[str, str | None]:
    """Zendesk knows no address, so this account has fields of its own for it."""
    if at is None:
        return dict.fromkeys(("street", "city", "region", "postcode", "country"))
    return {
        "street": at.street, "city": at.city, "region": at.region or None, "postcode": at.postcode,
        "country": at.country.code,
    }  # fmt: skip


def user(desk: Desk, who: Person, seen: Seen, organization_row: Row | None) -> Row:
    """An end user: one name, one telephone; the birth date and the address are the department's own fields."""
    shared = bool(seen.phone) and not seen.mobile and who.org is not None and who.phone == who.org.phone
    fields = {
        "name": seen.name, "email": desk.unique_mail("zendesk", seen.email, who.private_email) or None,
        "phone": seen.mobile or seen.phone or None,
        "shared_phone_number": shared if seen.phone or seen.mobile else None, "locale": who.country.language,
        "organization_id": organization_row.data["id"] if organization_row else None,
        "notes": seen.company if seen.company and organization_row is None else None,
        "user_fields": {
            "birth_date": f"{seen.birth}T00:00:00+00:00" if seen.birth else None, **_fields_of(seen.address)
        },
    }  # fmt: skip
    return _user(desk, fields, entity=who.entity)


def _user(desk: Desk, fields: dict[str, Any], *, entity: str, created: int | None = None) -> Row:
    object_ = "zendesk.users"
    seq = desk.next(object_)
    created = desk.moment() if created is None else created
    stamp = desk.stamp(created)
    data = {
        "id": ids.number(object_, seq), "url": f"{HOST}/users/{ids.number(object_, seq)}.json", "phone": None,
        "shared_phone_number": None,
        "locale": "en", "iana_time_zone": "Europe/Berlin", "organization_id": None, "role": "end-user",
        "verified": desk.rng.random() < 0.8,
        "active": True, "suspended": False, "external_id": None, "alias": None, "details": None, "notes": None,
        "tags": [], "user_fields": {},
        **fields, "created_at": moments.zendesk(created), "updated_at": moments.zendesk(stamp),
    }  # fmt: skip
    return desk.add(object_, seq, created, stamp, data, entity=entity, kind="person")


def ticket(desk: Desk, requester: Row, *, complaint: bool | None = None) -> Row:
    """Good and bad ones; solved ones may have been rated. The export goes by generated_timestamp."""
    rng, object_ = desk.rng, "zendesk.tickets"
    seq, created = desk.next(object_), desk.moment(requester.created)
    complaint = rng.random() < 0.12 if complaint is None else complaint
    old = desk.now - created > 20 * moments.DAY
    status = (
        rng.choice(("solved", "closed", "closed", "closed", "open" if complaint else "closed"))
        if old
        else rng.choice(("new", "open", "pending", "solved", "hold"))
    )
    updated = desk.stamp(created)
    system = rng.random() < 0.1
    generated = desk.moment(updated) if system and updated < desk.now - moments.HOUR else updated
    subject = rng.choice(COMPLAINTS if complaint else SUBJECTS)
    id_ = ids.number(object_, seq)
    data = {
        "id": id_, "url": f"{HOST}/tickets/{id_}.json", "subject": subject, "raw_subject": subject,
        "description": f"{subject}. Please help.",
        "status": status, "priority": "high" if complaint else rng.choice((None, "low", "normal", "high")),
        "type": rng.choice((None, "question", "incident", "problem")),
        "requester_id": requester.data["id"], "submitter_id": requester.data["id"],
        "assignee_id": ids.number("zendesk.users", 1 + rng.randrange(AGENTS)),
        "organization_id": requester.data["organization_id"], "group_id": None,
        "tags": [*(["complaint"] if complaint else []), rng.choice(("web", "phone", "billing"))],
        "via": {"channel": rng.choice(("web", "email", "api"))}, "custom_fields": [], "has_incidents": False,
        "due_at": None, "external_id": None,
        "satisfaction_rating": {"score": "unoffered"}, "created_at": moments.zendesk(created),
        "updated_at": moments.zendesk(updated),
        "generated_timestamp": generated // 1_000,
    }  # fmt: skip
    row = desk.add(object_, seq, created, generated, data)
    if status in ("solved", "closed") and rng.random() < 0.45:
        rating(desk, row, complaint=complaint)
    return row


def rating(desk: Desk, about: Row, *, complaint: bool) -> Row:
    rng, object_ = desk.rng, "zendesk.satisfaction_ratings"
    seq, created = desk.next(object_), desk.moment(about.created)
    score = (
        rng.choice(("bad", "bad", "offered", "good"))
        if complaint
        else rng.choice(("good", "good", "good", "offered", "bad"))
    )
    id_ = ids.number(object_, seq)
    data = {
        "id": id_, "url": f"{HOST}/satisfaction_ratings/{id_}.json", "score": score, "ticket_id": about.data["id"],
        "requester_id": about.data["requester_id"], "assignee_id": about.data["assignee_id"], "group_id": None,
        "comment": rng.choice(("Thanks!", "Too slow", None, None)) if score != "offered" else None, "reason": None,
        "created_at": moments.zendesk(created), "updated_at": moments.zendesk(created),
    }  # fmt: skip
    return desk.add(object_, seq, created, created, data)


def changed(row: Row, at: int, **fields: Any) -> Row:
    """The record after an agent wrote these fields."""
    data = {**row.data, **fields, "updated_at": moments.zendesk(at)}
    if row.object == "zendesk.tickets":
        data["generated_timestamp"] = at // 1_000
    return row._replace(stamp=at, visible=at, data=data)


def deleted(row: Row, at: int) -> Row:
    """Deleted users stay as inactive ones, deleted tickets have the status `deleted`, organizations are just gone."""
    if row.object == "zendesk.users":
        return changed(row, at, active=False)._replace(deleted=1)
    if row.object == "zendesk.tickets":
        return changed(row, at, status="deleted")._replace(deleted=1)
    return changed(row, at, deleted_at=moments.zendesk(at))._replace(deleted=1)
