"""HubSpot rows as parties and facts."""

import datetime as dt
from decimal import Decimal

import pytest

from connectors.base import Record
from connectors.marketing.hubspot import mapping
from hub.errors import MappingError
from hub.model.canonical import Consent, Opportunity, OpportunityChange
from hub.model.kinds import ConsentStatus, Department, OpportunityStatus, PartyKind, TouchOutcome

STAMP = "2026-05-04T08:30:00.000Z"
CONTACT = {
    "email": "ann@lee.example", "firstname": "Ann", "lastname": "Lee", "associatedcompanyid": "201", "company": "Lee Ltd",
    "hs_email_optout": "false", "hs_additional_emails": "a@lee.example;b@lee.example", "createdate": STAMP, "lastmodifieddate": STAMP,
}  # fmt: skip


def record(stream: str, payload: dict, source_id: str = "101") -> Record:
    return Record("hubspot", Department.MARKETING, stream, source_id, payload)


def test_a_contact_is_a_person_of_its_primary_company():
    (party,) = mapping.contact(record("contacts", {"id": "101", "properties": CONTACT})).rows
    assert (party.kind, party.name) == (PartyKind.PERSON, "Ann Lee")
    assert (party.employer_ref, party.employer_name) == ("hubspot:companies:201", "Lee Ltd")
    assert party.other_emails == ("a@lee.example", "b@lee.example")


def test_a_contact_without_a_name_is_called_by_its_address_and_without_both_does_not_fit():
    nameless = CONTACT | {"firstname": None, "lastname": ""}
    (party,) = mapping.contact(record("contacts", {"id": "101", "properties": nameless})).rows
    assert party.name == "ann@lee.example"
    with pytest.raises(MappingError) as caught:
        mapping.contact(record("contacts", {"id": "101", "properties": nameless | {"email": None}}))
    assert caught.value.field == "email"


def test_the_loser_of_a_merge_points_at_its_survivor_and_one_never_read_is_nobody():
    (party,) = mapping.contact(record("contacts", {"id": "101", "mergedInto": "102", "properties": CONTACT})).rows
    assert party.merged_into_ref == "hubspot:contacts:102"
    assert mapping.contact(record("contacts", {"id": "101", "mergedInto": "102"})).ignored


def test_a_deal_brings_its_history_without_its_first_values():
    versions = [
        {"value": "closedwon", "timestamp": "2026-05-03T00:00:00Z"},
        {"value": "contractsent", "timestamp": "2026-05-02T00:00:00Z"},
        {"value": "qualifiedtobuy", "timestamp": "2026-05-01T00:00:00Z"},
    ]
    payload = {
        "id": "301",
        "properties": {
            "dealname": "Machine", "dealstage": "closedwon", "amount": "1250.5", "deal_currency_code": "EUR", "createdate": STAMP,
            "closedate": "2026-05-03T00:00:00Z", "hs_is_closed": "true", "hs_is_closed_won": "true", "hs_deal_stage_probability": "1",
        },
        "propertiesWithHistory": {"dealstage": versions, "amount": [versions[0] | {"value": "1250.5"}], "closedate": []},
        "associations": {
            "companies": [
                {"toObjectId": 201, "associationTypes": [{"typeId": 341}]},
                {"toObjectId": 202, "associationTypes": [{"typeId": 5}, {"typeId": 341}]},
            ],
            "contacts": [],
        },
    }  # fmt: skip
    deal, *changes = mapping.deal(record("deals", payload, "301")).rows
    assert isinstance(deal, Opportunity)
    assert (deal.status, deal.amount, deal.currency) == (OpportunityStatus.WON, Decimal("1250.50"), "EUR")
    assert (deal.party_ref, deal.contact_ref, deal.probability) == ("hubspot:companies:202", None, 100.0)
    assert [(c.field, c.old_value, c.new_value) for c in changes if isinstance(c, OpportunityChange)] == [
        ("stage", "qualifiedtobuy", "contractsent"),
        ("stage", "contractsent", "closedwon"),
    ]
    assert len({c.ref for c in changes}) == 2


def test_subscription_changes_are_consents_of_their_recipient():
    item = {
        "timestamp": 1777883400000, "recipient": "ann@lee.example",
        "changes": [
            {"change": "UNSUBSCRIBED", "changeType": "PORTAL_STATUS"},
            {"change": "SUBSCRIBED", "changeType": "SUBSCRIPTION_STATUS", "subscriptionId": 2849},
            {"change": "BOUNCED", "changeType": "PORTAL_BOUNCE"},
        ],
    }  # fmt: skip
    mapped = mapping.subscription_change(record("subscription_changes", item, "e1-1777883400000"))
    wide, single = mapped.rows
    assert isinstance(wide, Consent)
    assert isinstance(single, Consent)
    assert (wide.purpose, wide.status) == ("marketing", ConsentStatus.WITHDRAWN)
    assert (single.purpose, single.status) == ("subscription 2849", ConsentStatus.GRANTED)
    assert mapped.recipients == {wide.ref: "ann@lee.example", single.ref: "ann@lee.example"}
    bounce = item | {"changes": item["changes"][2:]}
    assert mapping.subscription_change(record("subscription_changes", bounce)).ignored


def test_e_mail_events_tell_outcomes():
    event = {"id": "e", "type": "OPEN", "created": 1777883400000, "recipient": "ann@lee.example", "emailCampaignId": 7}
    (touch,) = mapping.email_event(record("email_events", event)).rows
    assert (touch.outcome, touch.campaign) == (TouchOutcome.OPENED, "7")
    assert touch.touched_at == dt.datetime(2026, 5, 4, 8, 30, tzinfo=dt.UTC)
    assert mapping.email_event(record("email_events", event | {"type": "PROCESSED"})).ignored


@pytest.mark.parametrize("properties", [None, [], "text"])
def test_properties_of_the_wrong_type_are_named(properties):
    with pytest.raises(MappingError) as caught:
        mapping.company(record("companies", {"id": "1", "properties": properties}))
    assert caught.value.field == "properties"
