"""Stripe objects as parties and facts."""

import datetime as dt
from decimal import Decimal

import pytest

from connectors.base import Record
from connectors.finance.stripe import mapping
from connectors.finance.stripe.kind import has_legal_form, kind_of
from hub.errors import MappingError
from hub.model.canonical import Invoice
from hub.model.kinds import Department, InvoiceStatus, PartyKind, PaymentStatus, SubscriptionStatus

CREATED = 1777883400
INVOICE = {
    "id": "in_1", "object": "invoice", "customer": "cus_1", "number": "A-1", "status": "open", "currency": "eur", "total": 123456,
    "amount_paid": 0, "amount_remaining": 123456, "created": CREATED, "due_date": CREATED + 86_400,
    "status_transitions": {"finalized_at": CREATED + 60, "paid_at": None},
}  # fmt: skip
CHARGE = {"id": "ch_1", "object": "charge", "customer": "cus_1", "invoice": "in_1", "status": "succeeded", "currency": "usd",
          "amount": 1000, "amount_refunded": 0, "refunded": False, "created": CREATED}  # fmt: skip


def record(stream: str, payload: dict, *, deleted: bool = False) -> Record:
    gone = dt.datetime(2026, 6, 1, tzinfo=dt.UTC) if deleted else None
    return Record("stripe", Department.FINANCE, stream, payload["id"], payload, gone)


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [
        (123456, "EUR", "1234.56"), (500, "JPY", "500.00"), (500, "KRW", "500.00"), (5120, "KWD", "5.12"), (500, "ISK", "5.00"),
        (500, "UGX", "5.00"), (0, "USD", "0.00"), (-250, "USD", "-2.50"),
    ],
)  # fmt: skip
def test_minor_units_follow_the_currency(minor, currency, major):
    assert mapping.major_units(Decimal(minor), currency) == Decimal(major)


@pytest.mark.parametrize(
    ("customer", "kind"),
    [
        ({"name": "Ann Lee", "email": "ann.lee@web.example"}, PartyKind.PERSON),
        ({"name": "Ann Lee", "email": "office@lee.example"}, PartyKind.ORGANIZATION),
        ({"name": "Lee Maschinenbau GmbH & Co. KG", "email": "ann.lee@lee.example"}, PartyKind.ORGANIZATION),
        (
            {"name": "Ann Lee", "email": "ann.lee@web.example", "metadata": {"customer_type": "company"}},
            PartyKind.ORGANIZATION,
        ),
        ({"name": "Northern Lights", "metadata": {"customer_type": "individual"}}, PartyKind.PERSON),
        ({"name": "Lee", "business_name": "Lee Ltd"}, PartyKind.ORGANIZATION),
        ({"name": "Lee", "individual_name": "Ann Lee"}, PartyKind.PERSON),
        (
            {"name": "Ann Lee", "email": "ann.lee@x.example", "tax_ids": {"data": [{"value": "DE1"}]}},
            PartyKind.ORGANIZATION,
        ),
        ({"name": "Northern Lights", "email": "hej@nl.example"}, PartyKind.ORGANIZATION),
        ({}, PartyKind.ORGANIZATION),
    ],
)
def test_who_is_an_organization(customer, kind):
    assert kind_of(customer) is kind


@pytest.mark.parametrize("name", ["Acme Ltd.", "Acme S.A.S.", "Acme, Inc", "ООО Ромашка"])
def test_legal_forms_are_known(name):
    assert has_legal_form(name)


def test_an_invoice_in_major_units_hangs_on_its_customer():
    (fact,) = mapping.invoice(record("invoices", INVOICE)).rows
    assert (fact.party_ref, fact.status, fact.currency) == ("stripe:customers:cus_1", InvoiceStatus.OPEN, "EUR")
    assert (fact.total, fact.remaining) == (Decimal("1234.56"), Decimal("1234.56"))
    assert fact.issued_at == dt.datetime.fromtimestamp(CREATED + 60, dt.UTC)


def test_a_draft_is_no_invoice_yet():
    draft = mapping.invoice(record("invoices", INVOICE | {"status": "draft"}))
    assert draft.ignored
    assert draft.ended == ((Invoice, "stripe:invoices:in_1"),)


def test_a_charge_given_back_in_full_is_refunded():
    refunded = CHARGE | {"refunded": True, "amount_refunded": 1000, "customer": {"id": "cus_2", "object": "customer"}}
    (payment,) = mapping.charge(record("charges", refunded)).rows
    assert (payment.status, payment.refunded) == (PaymentStatus.REFUNDED, Decimal("10.00"))
    assert (payment.party_ref, payment.invoice_ref) == ("stripe:customers:cus_2", "stripe:invoices:in_1")


def test_a_guest_pays_without_being_a_customer():
    (payment,) = mapping.charge(record("charges", CHARGE | {"customer": None, "invoice": None})).rows
    assert (payment.party_ref, payment.invoice_ref) == (None, None)


def test_a_subscription_adds_its_items_up():
    items = [
        {"price": {"nickname": "Gold", "unit_amount": 1000}, "quantity": 3},
        {"price": {"product": "prod_2", "unit_amount": 500}, "quantity": 1},
        {"price": {"product": "prod_metered", "unit_amount": None}},
    ]
    row = {"id": "sub_1", "customer": "cus_1", "status": "unpaid", "currency": "eur", "start_date": CREATED,
           "canceled_at": None, "items": {"data": items}}  # fmt: skip
    (fact,) = mapping.subscription(record("subscriptions", row)).rows
    assert (fact.status, fact.product, fact.amount) == (SubscriptionStatus.PAST_DUE, "Gold", Decimal("35.00"))


def test_a_customer_known_only_as_deleted_is_nobody():
    assert mapping.customer(record("customers", {"id": "cus_1", "deleted": True}, deleted=True)).ignored


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": "much"}, "total"),
        ({"total": None}, "total"),
        ({"total": 10**30}, "total"),
        ({"currency": "€"}, "currency"),
        ({"status": "odd"}, "status"),
        ({"created": "2026-01-01", "status_transitions": None}, "created"),
        ({"created": 10**18, "status_transitions": None}, "created"),
        ({"customer": ["cus_1"]}, "customer"),
    ],
)
def test_a_bad_field_is_named(change, field):
    with pytest.raises(MappingError) as caught:
        mapping.invoice(record("invoices", INVOICE | change))
    assert caught.value.field == field
