"""Salesforce rows as parties and facts."""

import datetime as dt
from decimal import Decimal

import pytest
from pydantic import ValidationError

from connectors.base import Record
from connectors.sales.salesforce import mapping
from hub.errors import MappingError
from hub.model.canonical import Consent
from hub.model.kinds import Channel, ConsentStatus, Department, OpportunityStatus, PartyKind, TouchOutcome

STAMP = "2026-05-04T08:30:00.000+0000"
CONTACT = {
    "Id": "003A", "AccountId": "001A", "FirstName": "Ann", "LastName": "Lee", "Email": " ann@lee.example ", "Phone": None,
    "Title": "CFO", "Birthdate": "1980-02-29", "MailingCity": "Ulm", "HasOptedOutOfEmail": False, "DoNotCall": False,
    "Owner": {"Name": "Joe Seller"}, "MasterRecordId": None, "IsDeleted": False, "CreatedDate": STAMP, "SystemModstamp": STAMP,
}  # fmt: skip
OPPORTUNITY = {
    "Id": "006A", "AccountId": "001A", "ContactId": "003A", "Name": "Machine", "StageName": "Proposal", "Amount": 1250.5,
    "Probability": 60.0, "CloseDate": "2026-09-30", "NextStep": "call", "IsClosed": False, "IsWon": False, "OwnerId": "005A",
    "Owner": {"Name": "Joe Seller"}, "LastActivityDate": "2026-05-01", "CreatedDate": STAMP, "SystemModstamp": STAMP,
}  # fmt: skip


def record(stream: str, payload: dict, *, deleted: bool = False) -> Record:
    gone = dt.datetime(2026, 6, 1, tzinfo=dt.UTC) if deleted else None
    return Record("salesforce", Department.SALES, stream, payload["Id"], payload, gone)


def test_a_contact_is_a_person_employed_by_its_account():
    (party,) = mapping.contact(record("Contact", CONTACT)).rows
    assert party.kind is PartyKind.PERSON
    assert (party.ref, party.employer_ref) == ("salesforce:Contact:003A", "salesforce:Account:001A")
    assert (party.name, party.email, party.city) == ("Ann Lee", "ann@lee.example", "Ulm")
    assert (party.birth_date, party.owner_name) == (dt.date(1980, 2, 29), "Joe Seller")
    assert party.source_created_at == dt.datetime(2026, 5, 4, 8, 30, tzinfo=dt.UTC)


def test_opt_outs_are_withdrawn_consents_and_end_when_they_are_taken_back():
    out = mapping.contact(record("Contact", CONTACT | {"HasOptedOutOfEmail": True}))
    consent = out.rows[1]
    assert isinstance(consent, Consent)
    assert (consent.channel, consent.status) == (Channel.EMAIL, ConsentStatus.WITHDRAWN)
    assert consent.party_ref == "salesforce:Contact:003A"
    again = mapping.contact(record("Contact", CONTACT))
    assert (Consent, consent.ref) in again.ended
    assert len(again.ended) == 2, "the call and the mail each"


def test_a_merged_contact_points_at_its_survivor():
    (party,) = mapping.contact(record("Contact", CONTACT | {"MasterRecordId": "003B"}, deleted=True)).rows
    assert party.merged_into_ref == "salesforce:Contact:003B"
    assert party.deleted_at is not None


def test_a_converted_lead_became_a_contact():
    lead = CONTACT | {
        "Id": "00QA",
        "Company": "Lee Ltd",
        "IsConverted": True,
        "ConvertedContactId": "003A",
        "City": "Ulm",
    }
    (party,) = mapping.lead(record("Lead", lead)).rows
    assert (party.merged_into_ref, party.employer_name, party.city) == ("salesforce:Contact:003A", "Lee Ltd", "Ulm")


def test_an_account_is_an_organization():
    account = {"Id": "001A", "Name": "Lee Ltd", "ParentId": "001P", "SystemModstamp": STAMP, "CreatedDate": STAMP}
    (party,) = mapping.account(record("Account", account)).rows
    assert party.kind is PartyKind.ORGANIZATION
    assert party.parent_ref == "salesforce:Account:001P"


@pytest.mark.parametrize(
    ("closed", "won", "status"),
    [
        (False, False, OpportunityStatus.OPEN),
        (True, True, OpportunityStatus.WON),
        (True, False, OpportunityStatus.LOST),
    ],
)
def test_an_opportunity_knows_how_it_ended(closed, won, status):
    (fact,) = mapping.opportunity(record("Opportunity", OPPORTUNITY | {"IsClosed": closed, "IsWon": won})).rows
    assert fact.status is status
    assert (fact.closed_at is None) == (not closed)
    assert (fact.amount, fact.party_ref, fact.contact_ref) == (
        Decimal("1250.50"), "salesforce:Account:001A", "salesforce:Contact:003A",
    )  # fmt: skip


def test_placeholders_stay_what_they_are_for_the_checks_to_see():
    (fact,) = mapping.opportunity(record("Opportunity", OPPORTUNITY | {"NextStep": "TBD", "Amount": None})).rows
    assert (fact.next_step, fact.amount) == ("TBD", None)


def test_history_counts_for_three_fields():
    row = {"Id": "017A", "OpportunityId": "006A", "Field": "CloseDate", "OldValue": "2026-01-01", "NewValue": "2026-04-01",
           "Opportunity": {"AccountId": "001A"}, "CreatedDate": STAMP}  # fmt: skip
    (change,) = mapping.history(record("OpportunityFieldHistory", row)).rows
    assert (change.field, change.opportunity_ref) == ("close_date", "salesforce:Opportunity:006A")
    assert change.party_ref == "salesforce:Account:001A"
    assert mapping.history(record("OpportunityFieldHistory", row | {"Field": "created"})).ignored


def test_a_campaign_membership_is_a_touch_of_the_contact_or_the_lead():
    row = {"Id": "00vA", "CampaignId": "701A", "Campaign": {"Name": "Fair", "Type": "Conference"}, "ContactId": None,
           "LeadId": "00QA", "Status": "Sent", "HasResponded": True, "CreatedDate": STAMP}  # fmt: skip
    (touch,) = mapping.campaign_member(record("CampaignMember", row)).rows
    assert (touch.party_ref, touch.channel, touch.campaign) == ("salesforce:Lead:00QA", Channel.EVENT, "Fair")
    assert touch.outcome is TouchOutcome.SENT


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"LastName": None}, "LastName"),
        ({"LastName": {"a": 1}}, "LastName"),
        ({"Birthdate": "31.12.1999"}, "Birthdate"),
        ({"CreatedDate": "yesterday"}, "CreatedDate"),
        ({"HasOptedOutOfEmail": "perhaps"}, "HasOptedOutOfEmail"),
        ({"Owner": {"Name": ["x"]}}, "Owner.Name"),
    ],
)
def test_a_bad_field_is_named(change, field):
    with pytest.raises(MappingError) as caught:
        mapping.contact(record("Contact", CONTACT | change))
    assert caught.value.field == field


def test_a_name_that_is_too_long_does_not_fit_but_a_long_next_step_is_cut():
    with pytest.raises(ValidationError, match="at most 2000"):
        mapping.contact(record("Contact", CONTACT | {"LastName": "x" * 100_000}))
    (fact,) = mapping.opportunity(record("Opportunity", OPPORTUNITY | {"NextStep": "y" * 100_000})).rows
    assert len(fact.next_step) == 2_000
