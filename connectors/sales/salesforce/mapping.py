"""Salesforce rows as parties and facts. Pure."""

from collections.abc import Callable
from typing import Any

from connectors.base import Mapped, Record
from connectors.fields import date, flag, free_text, moment, money, needed, number, required, text
from hub.model.canonical import Consent, Opportunity, OpportunityChange, OpportunityContact, Party, Touch, ref
from hub.model.kinds import Channel, ConsentStatus, OpportunityStatus, PartyKind, TouchOutcome

VERSION = 2

OPT_OUTS = {"HasOptedOutOfEmail": Channel.EMAIL, "DoNotCall": Channel.PHONE}
HISTORY_FIELDS = {"StageName": "stage", "Amount": "amount", "CloseDate": "close_date", "NextStep": "next_step"}
CHANNELS = {  # Campaign.Type as Salesforce ships it; what an org added itself counts as e-mail, the usual one
    "conference": Channel.EVENT,
    "webinar": Channel.EVENT,
    "trade show": Channel.EVENT,
    "public relations": Channel.EVENT,
    "seminar / conference": Channel.EVENT,
    "event": Channel.EVENT,
    "direct mail": Channel.POST,
    "telemarketing": Channel.PHONE,
    "sms": Channel.SMS,
}
OUTCOMES = {
    "sent": TouchOutcome.SENT,
    "received": TouchOutcome.DELIVERED,
    "opened": TouchOutcome.OPENED,
    "clicked": TouchOutcome.CLICKED,
    "responded": TouchOutcome.RESPONDED,
    "attended": TouchOutcome.RESPONDED,
    "bounced": TouchOutcome.BOUNCED,
    "declined": TouchOutcome.DECLINED,
}


def account(record: Record) -> Mapped:
    """An Account is an organization."""
    row = record.payload
    party = Party(
        **record.common(),
        **_audit(record, "Account"),
        **_address(row, "Billing"),
        kind=PartyKind.ORGANIZATION,
        name=required(row, "Name"),
        phone=text(row, "Phone"),
        website=text(row, "Website"),
        parent_ref=record.ref_to("Account", text(row, "ParentId")),
    )
    return Mapped((party,))


def contact(record: Record) -> Mapped:
    """A Contact is a person, employed by its Account; its opt-outs are withdrawn consents."""
    row = record.payload
    party = Party(
        **record.common(),
        **_audit(record, "Contact"),
        **_person(row),
        **_address(row, "Mailing"),
        birth_date=date(row, "Birthdate"),
        employer_ref=record.ref_to("Account", text(row, "AccountId")),
    )
    return _with_opt_outs(record, party)


def lead(record: Record) -> Mapped:
    """A Lead is a person who names an employer; a converted one became the Contact it points at."""
    row = record.payload
    audit = _audit(record, "Lead")
    if flag(row, "IsConverted"):
        audit["merged_into_ref"] = record.ref_to("Contact", text(row, "ConvertedContactId"))
    party = Party(
        **record.common(),
        **audit,
        **_person(row),
        **_address(row, ""),
        website=text(row, "Website"),
        employer_name=text(row, "Company"),
    )
    return _with_opt_outs(record, party)


def opportunity(record: Record) -> Mapped:
    """An Opportunity hangs on its Account, else on its primary contact."""
    row = record.payload
    person = record.ref_to("Contact", text(row, "ContactId"))
    closed = flag(row, "IsClosed")
    won = OpportunityStatus.WON if flag(row, "IsWon") else OpportunityStatus.LOST
    fact = Opportunity(
        **record.common(),
        source_updated_at=moment(row, "SystemModstamp"),
        party_ref=record.ref_to("Account", text(row, "AccountId")) or person,
        contact_ref=person,
        name=required(row, "Name"),
        stage=required(row, "StageName"),
        status=won if closed else OpportunityStatus.OPEN,
        amount=money(row, "Amount"),
        currency=text(row, "CurrencyIsoCode"),
        probability=_float(row, "Probability"),
        close_date=date(row, "CloseDate"),
        next_step=free_text(row, "NextStep"),
        owner_id=text(row, "OwnerId"),
        owner_name=text(row, "Owner.Name"),
        source_created_at=needed(moment(row, "CreatedDate"), "CreatedDate"),
        last_activity_at=moment(row, "LastActivityDate"),
        closed_at=moment(row, "CloseDate") if closed else None,  # Salesforce sets it to the day of closing
    )
    return Mapped((fact,))


def history(record: Record) -> Mapped:
    """A field history row is a change, where the field is one whose history counts."""
    row = record.payload
    name = required(row, "Field")
    if name not in HISTORY_FIELDS:
        return Mapped(ignored="history of another field")
    change = OpportunityChange(
        **record.common(),
        party_ref=record.ref_to("Account", text(row, "Opportunity.AccountId")),
        opportunity_ref=needed(record.ref_to("Opportunity", required(row, "OpportunityId")), "OpportunityId"),
        field=HISTORY_FIELDS[name],
        old_value=text(row, "OldValue"),
        new_value=text(row, "NewValue"),
        changed_at=needed(moment(row, "CreatedDate"), "CreatedDate"),
    )
    return Mapped((change,))


def contact_role(record: Record) -> Mapped:
    """A contact role is a person on a deal."""
    row = record.payload
    on = OpportunityContact(
        **record.common(),
        source_updated_at=moment(row, "SystemModstamp"),
        party_ref=record.ref_to("Contact", required(row, "ContactId")),
        opportunity_ref=needed(record.ref_to("Opportunity", required(row, "OpportunityId")), "OpportunityId"),
    )
    return Mapped((on,))


def campaign_member(record: Record) -> Mapped:
    """A membership is one touch of the Contact, else of the Lead; its Status is the outcome."""
    row = record.payload
    status = (text(row, "Status") or "").lower()
    outcome = TouchOutcome.RESPONDED if flag(row, "HasResponded") else TouchOutcome.SENT
    kind = (text(row, "Campaign.Type") or "").lower()
    touch = Touch(
        **record.common(),
        source_updated_at=moment(row, "SystemModstamp"),
        party_ref=record.ref_to("Contact", text(row, "ContactId")) or record.ref_to("Lead", text(row, "LeadId")),
        channel=CHANNELS.get(kind, Channel.EMAIL),
        campaign=text(row, "Campaign.Name") or required(row, "CampaignId"),
        outcome=OUTCOMES.get(status, outcome),
        touched_at=needed(moment(row, "FirstRespondedDate") or moment(row, "CreatedDate"), "CreatedDate"),
    )
    return Mapped((touch,))


def _audit(record: Record, stream: str) -> dict[str, Any]:
    row = record.payload
    return {
        "department": record.department,
        "owner_name": text(row, "Owner.Name"),
        "merged_into_ref": record.ref_to(stream, text(row, "MasterRecordId")),
        "source_created_at": moment(row, "CreatedDate"),
        "source_updated_at": moment(row, "SystemModstamp"),
    }


def _person(row: dict[str, Any]) -> dict[str, Any]:
    given, family = text(row, "FirstName"), required(row, "LastName")
    return {
        "kind": PartyKind.PERSON,
        "name": f"{given} {family}" if given else family,
        "given_name": given,
        "family_name": family,
        "job_title": text(row, "Title"),
        "email": text(row, "Email"),
        "phone": text(row, "Phone"),
        "mobile": text(row, "MobilePhone"),
    }


def _address(row: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {
        "street": text(row, f"{prefix}Street"),
        "city": text(row, f"{prefix}City"),
        "region": text(row, f"{prefix}State"),
        "postcode": text(row, f"{prefix}PostalCode"),
        "country": text(row, f"{prefix}Country"),
    }


def _with_opt_outs(record: Record, party: Party) -> Mapped:
    """A box that is not ticked permits nothing, so it leads to no row, and ends the one it led to before."""
    row = record.payload
    recorded = needed(moment(row, "SystemModstamp"), "SystemModstamp")
    withdrawn, ended = [], []
    for name, channel in OPT_OUTS.items():
        own = ref(record.source, "consents", f"{record.stream}:{record.source_id}:{channel}")
        if not flag(row, name):
            ended.append((Consent, own))
            continue
        consent = Consent(
            **record.common(own),
            party_ref=record.ref,
            channel=channel,
            purpose="marketing",
            status=ConsentStatus.WITHDRAWN,
            recorded_at=recorded,
        )
        withdrawn.append(consent)
    return Mapped((party, *withdrawn), ended=tuple(ended))


def _float(row: dict[str, Any], name: str) -> float | None:
    value = number(row, name)
    return None if value is None else float(value)


MAPPINGS: dict[str, Callable[[Record], Mapped]] = {
    "Account": account,
    "Contact": contact,
    "Lead": lead,
    "Opportunity": opportunity,
    "OpportunityFieldHistory": history,
    "OpportunityContactRole": contact_role,
    "CampaignMember": campaign_member,
}
