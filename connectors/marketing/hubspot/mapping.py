"""HubSpot rows as parties and facts. Pure."""

from itertools import pairwise
from operator import itemgetter
from typing import Any

from connectors.base import Mapped, Record
from connectors.fields import at, date, flag, free_text, moment, money, needed, number, required, text, texts
from hub.errors import MappingError
from hub.model.canonical import Canonical, Consent, Opportunity, OpportunityChange, Party, Touch, ref
from hub.model.kinds import Channel, ConsentStatus, OpportunityStatus, PartyKind, TouchOutcome

VERSION = 3

HISTORY = {"dealstage": "stage", "amount": "amount", "closedate": "close_date", "hs_next_step": "next_step"}
CONSENTS = {
    "SUBSCRIBED": ConsentStatus.GRANTED,
    "UNSUBSCRIBED": ConsentStatus.WITHDRAWN,
    "REPORTED_SPAM": ConsentStatus.WITHDRAWN,
}
OUTCOMES = {
    "SENT": TouchOutcome.SENT,
    "DELIVERED": TouchOutcome.DELIVERED,
    "OPEN": TouchOutcome.OPENED,
    "CLICK": TouchOutcome.CLICKED,
    "BOUNCE": TouchOutcome.BOUNCED,
    "DROPPED": TouchOutcome.BOUNCED,
}
NEVER_SEEN = Mapped(ignored="merged or deleted before it was first read")


def contact(record: Record) -> Mapped:
    """A contact is a person, employed by its primary company; without a name it is called by its address."""
    if "properties" not in record.payload:
        return NEVER_SEEN
    row = _properties(record)
    given, family, email = text(row, "firstname"), text(row, "lastname"), text(row, "email")
    name = " ".join(part for part in (given, family) if part) or email
    party = Party(
        **record.common(),
        **_audit(record, row, "lastmodifieddate"),
        kind=PartyKind.PERSON,
        name=name or required(row, "email"),
        given_name=given,
        family_name=family,
        job_title=text(row, "jobtitle"),
        email=email,
        other_emails=texts(row, "hs_additional_emails"),
        phone=text(row, "phone"),
        mobile=text(row, "mobilephone"),
        website=text(row, "website"),
        birth_date=date(row, "date_of_birth"),
        language=text(row, "hs_language"),
        employer_name=text(row, "company"),
        employer_ref=record.ref_to("companies", text(row, "associatedcompanyid")),
    )
    own = ref(record.source, "consents", f"{record.stream}:{record.source_id}:{Channel.EMAIL}")
    if not flag(row, "hs_email_optout"):
        return Mapped((party,), ended=((Consent, own),))
    consent = Consent(
        **record.common(own),
        party_ref=record.ref,
        channel=Channel.EMAIL,
        purpose="marketing",
        status=ConsentStatus.WITHDRAWN,
        recorded_at=needed(moment(row, "lastmodifieddate"), "lastmodifieddate"),
    )
    return Mapped((party, consent))


def company(record: Record) -> Mapped:
    """A company is an organization; one without a name is called by its domain."""
    if "properties" not in record.payload:
        return NEVER_SEEN
    row = _properties(record)
    party = Party(
        **record.common(),
        **_audit(record, row, "hs_lastmodifieddate"),
        kind=PartyKind.ORGANIZATION,
        name=text(row, "name") or text(row, "domain") or required(row, "name"),
        phone=text(row, "phone"),
        website=text(row, "website") or text(row, "domain"),
        parent_ref=record.ref_to("companies", text(row, "hs_parent_company_id")),
    )
    return Mapped((party,))


def deal(record: Record) -> Mapped:
    """A deal hangs on its company, else on its contact, and brings the history of stage, amount and close date."""
    if "properties" not in record.payload:
        return NEVER_SEEN
    row = _properties(record)
    person = record.ref_to("contacts", _associated(record, "contacts"))
    party = record.ref_to("companies", _associated(record, "companies")) or person
    status = _deal_status(row)
    closes = moment(row, "closedate")
    probability = number(row, "hs_deal_stage_probability")
    fact = Opportunity(
        **record.common(),
        source_updated_at=moment(row, "hs_lastmodifieddate"),
        party_ref=party,
        contact_ref=person,
        name=required(row, "dealname"),
        stage=required(row, "dealstage"),
        status=status,
        amount=money(row, "amount"),
        currency=text(row, "deal_currency_code"),
        probability=None if probability is None else float(probability * 100),
        close_date=closes.date() if closes else None,
        next_step=free_text(row, "hs_next_step"),
        owner_id=text(row, "hubspot_owner_id"),
        source_created_at=needed(moment(row, "createdate"), "createdate"),
        last_activity_at=moment(row, "notes_last_updated"),
        closed_at=None if status is OpportunityStatus.OPEN else closes,
        contact_count=len({text(each, "toObjectId") for each in at(record.payload, "associations.contacts") or []}),
    )
    return Mapped((fact, *_changes(record, party)))


def subscription_change(record: Record) -> Mapped:
    """Each change of a subscription is a consent given or withdrawn; a bounce is neither."""
    row = record.payload
    recorded = needed(moment(row, "timestamp"), "timestamp")
    changes = row.get("changes")
    if not isinstance(changes, list):
        raise MappingError("expected a list", field="changes")
    rows: list[Canonical] = []
    for position, change in enumerate(changes):
        kind = text(change, "change") if isinstance(change, dict) else None
        if kind not in CONSENTS:
            continue
        subscription = text(change, "subscriptionId")
        consent = Consent(
            **record.common(ref(record.source, "consents", f"{record.stream}:{record.source_id}:{position}")),
            channel=Channel.EMAIL,
            purpose=f"subscription {subscription}" if subscription else "marketing",
            status=CONSENTS[kind],
            recorded_at=recorded,
        )
        rows.append(consent)
    if not rows:
        return Mapped(ignored="a change that is no consent, such as a bounce")
    recipient = required(row, "recipient")
    return Mapped(tuple(rows), recipients={each.ref: recipient for each in rows})


def email_event(record: Record) -> Mapped:
    """An e-mail event is a touch of its recipient, where it tells an outcome."""
    row = record.payload
    kind = required(row, "type")
    if kind not in OUTCOMES:
        return Mapped(ignored="an e-mail event that tells no outcome")
    touch = Touch(
        **record.common(),
        channel=Channel.EMAIL,
        campaign=text(row, "emailCampaignId"),
        outcome=OUTCOMES[kind],
        touched_at=needed(moment(row, "created"), "created"),
    )
    return Mapped((touch,), recipients={record.ref: required(row, "recipient")})


def _properties(record: Record) -> dict[str, Any]:
    properties = record.payload.get("properties")
    if not isinstance(properties, dict):
        raise MappingError("expected an object", field="properties")
    return properties


def _audit(record: Record, row: dict[str, Any], modified: str) -> dict[str, Any]:
    return {
        "department": record.department,
        "street": text(row, "address"),
        "city": text(row, "city"),
        "region": text(row, "state"),
        "postcode": text(row, "zip"),
        "country": text(row, "country"),
        "merged_into_ref": record.ref_to(record.stream, text(record.payload, "mergedInto")),
        "source_created_at": moment(row, "createdate"),
        "source_updated_at": moment(row, modified),
    }


def _associated(record: Record, target: str) -> str | None:
    """The primary association where one is labelled so (type 5: deal to primary company), else the first."""
    linked = at(record.payload, f"associations.{target}") or []
    primary = [each for each in linked if any(kind.get("typeId") == 5 for kind in each.get("associationTypes") or [])]
    chosen = (primary or linked or [{}])[0]
    return text(chosen, "toObjectId")


def _deal_status(row: dict[str, Any]) -> OpportunityStatus:
    """HubSpot computes two flags for every pipeline; the default pipeline's stages say it themselves."""
    stage = text(row, "dealstage")
    if flag(row, "hs_is_closed_won") or stage == "closedwon":
        return OpportunityStatus.WON
    return OpportunityStatus.LOST if flag(row, "hs_is_closed") or stage == "closedlost" else OpportunityStatus.OPEN


def _changes(record: Record, party: str | None) -> list[OpportunityChange]:
    """From each value to the next. The first value is no change: the deal was born with it."""
    changes = []
    for name, field in HISTORY.items():
        versions = at(record.payload, f"propertiesWithHistory.{name}") or []
        path = f"propertiesWithHistory.{name}"
        dated = [(needed(moment(each, "timestamp"), path), text(each, "value")) for each in reversed(versions)]
        dated.sort(key=itemgetter(0))
        for (_, old), (changed_at, new) in pairwise(dated):
            own = ref(record.source, "deal_changes", f"{record.source_id}:{field}:{int(changed_at.timestamp() * 1000)}")
            changes.append(
                OpportunityChange(
                    **record.common(own),
                    party_ref=party,
                    opportunity_ref=record.ref,
                    field=field,
                    old_value=old,
                    new_value=new,
                    changed_at=changed_at,
                )
            )
    return changes
