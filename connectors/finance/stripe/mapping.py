"""Stripe objects as parties and facts. Pure."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.base import Mapped, Record
from connectors.fields import at, date, flag, needed, number, required, seconds, text
from connectors.finance.stripe.kind import kind_of
from hub.errors import MappingError
from hub.model.canonical import Invoice, Party, Payment, Subscription
from hub.model.kinds import InvoiceStatus, PartyKind, PaymentStatus, SubscriptionStatus

VERSION = 1

# https://docs.stripe.com/currencies: UGX and ISK have no minor unit any more, yet Stripe still sends hundredths.
ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))

INVOICES = {
    "open": InvoiceStatus.OPEN,
    "paid": InvoiceStatus.PAID,
    "void": InvoiceStatus.VOID,
    "uncollectible": InvoiceStatus.UNCOLLECTIBLE,
}
CHARGES = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "pending": PaymentStatus.PENDING,
    "failed": PaymentStatus.FAILED,
}
SUBSCRIPTIONS = {
    "active": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.ACTIVE,  # billing rests, the customer stays
    "trialing": SubscriptionStatus.TRIALING,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "incomplete": SubscriptionStatus.PAST_DUE,
    "canceled": SubscriptionStatus.CANCELED,
    "incomplete_expired": SubscriptionStatus.CANCELED,
}


def customer(record: Record) -> Mapped:
    """A Customer is an organization or a person, see kind.py. One that we only know as deleted is nobody."""
    row = record.payload
    if record.deleted_at and "created" not in row:
        return Mapped(ignored="deleted before it was first read")
    kind = kind_of(row)
    own = "business_name" if kind is PartyKind.ORGANIZATION else "individual_name"
    name = text(row, own) or text(row, "name") or text(row, "email") or required(row, "name")
    party = Party(
        **record.common(),
        department=record.department,
        kind=kind,
        name=name,
        email=text(row, "email"),
        phone=text(row, "phone"),
        street=_lines(row),
        city=text(row, "address.city"),
        region=text(row, "address.state"),
        postcode=text(row, "address.postal_code"),
        country=text(row, "address.country"),
        tax_id=_tax_id(row),
        birth_date=date(row, "metadata.birth_date"),
        language=_first_locale(row),
        employer_name=text(row, "business_name") if kind is PartyKind.PERSON else None,
        source_created_at=seconds(row, "created"),
    )
    return Mapped((party,))


def subscription(record: Record) -> Mapped:
    """A subscription with all its items: amounts add up, the first item names the product."""
    row = record.payload
    items = [item for item in at(row, "items.data") or [] if isinstance(item, dict)]
    code = text(row, "currency") or (text(_price(items[0]), "currency") if items else None)
    currency = code.upper() if code else None  # subscriptions of before 2022 leave it to their prices
    fact = Subscription(
        **record.common(),
        party_ref=record.ref_to("customers", _id(row, "customer")),
        status=_one_of(SUBSCRIPTIONS, row, "status"),
        product=_product(items[0]) if items else None,
        currency=currency,
        amount=sum((_item_amount(item, currency) for item in items), Decimal(0)) if currency and items else None,
        started_at=needed(seconds(row, "start_date") or seconds(row, "created"), "start_date"),
        ended_at=seconds(row, "ended_at") or seconds(row, "canceled_at"),
    )
    return Mapped((fact,))


def invoice(record: Record) -> Mapped:
    """An invoice since it was finalized; a draft is not a claim yet."""
    row = record.payload
    if record.deleted_at and "status" not in row:
        return Mapped(ignored="deleted before it was first read")
    if text(row, "status") == "draft":
        return Mapped(ignored="draft", ended=((Invoice, record.ref),))
    currency = _currency(row)
    fact = Invoice(
        **record.common(),
        party_ref=record.ref_to("customers", _id(row, "customer")),
        number=text(row, "number"),
        status=_one_of(INVOICES, row, "status"),
        currency=currency,
        total=_amount(row, "total", currency),
        paid=_amount(row, "amount_paid", currency),
        remaining=_amount(row, "amount_remaining", currency),
        issued_at=needed(seconds(row, "status_transitions.finalized_at") or seconds(row, "created"), "created"),
        due_at=seconds(row, "due_date"),
        paid_at=seconds(row, "status_transitions.paid_at"),
    )
    return Mapped((fact,))


def charge(record: Record) -> Mapped:
    """A charge is a payment; one that was given back in full is refunded. A guest's has no customer."""
    row = record.payload
    currency = _currency(row)
    status = _one_of(CHARGES, row, "status")
    fact = Payment(
        **record.common(),
        party_ref=record.ref_to("customers", _id(row, "customer")),
        invoice_ref=record.ref_to("invoices", _id(row, "invoice")),
        status=PaymentStatus.REFUNDED if flag(row, "refunded") else status,
        currency=currency,
        amount=_amount(row, "amount", currency),
        refunded=_amount(row, "amount_refunded", currency) if "amount_refunded" in row else Decimal(0),
        paid_at=needed(seconds(row, "created"), "created"),
    )
    return Mapped((fact,))


def major_units(minor: Decimal, currency: str) -> Decimal:
    """An amount as Stripe writes it, in the currency's smallest unit, in major units rounded to hundredths."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return minor.scaleb(-places).quantize(Decimal("0.01"))


def _amount(row: dict[str, Any], name: str, currency: str) -> Decimal:
    value = needed(number(row, name), name)
    if abs(value) >= Decimal(10) ** 16:
        raise MappingError("is larger than any amount", field=name)
    return major_units(value, currency)


def _currency(row: dict[str, Any]) -> str:
    code = required(row, "currency").upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise MappingError("is no ISO 4217 code", field="currency")
    return code


def _one_of(known: dict[str, Any], row: dict[str, Any], name: str) -> Any:
    value = required(row, name)
    if value not in known:
        raise MappingError("is a value that this mapping does not know", field=name)
    return known[value]


def _id(row: dict[str, Any], name: str) -> str | None:
    """An id, given as such or as the expanded object."""
    return text(row, f"{name}.id") if isinstance(row.get(name), dict) else text(row, name)


def _price(item: dict[str, Any]) -> dict[str, Any]:
    price = item.get("price") or item.get("plan")
    return price if isinstance(price, dict) else {}


def _item_amount(item: dict[str, Any], currency: str) -> Decimal:
    price = _price(item)
    name = "unit_amount" if "unit_amount" in price else "amount"
    quantity = number(item, "quantity")
    return major_units((number(price, name) or Decimal(0)) * (Decimal(1) if quantity is None else quantity), currency)


def _product(item: dict[str, Any]) -> str | None:
    price = _price(item)
    return text(price, "nickname") or text(price, "product.name") or _id(price, "product")


def _lines(row: dict[str, Any]) -> str | None:
    lines = [text(row, "address.line1"), text(row, "address.line2")]
    return ", ".join(line for line in lines if line) or None


def _tax_id(row: dict[str, Any]) -> str | None:
    known = at(row, "tax_ids.data")
    first = known[0] if isinstance(known, list) and known else None
    return text(first, "value") if isinstance(first, dict) else None


def _first_locale(row: dict[str, Any]) -> str | None:
    locales = row.get("preferred_locales")
    return locales[0] if isinstance(locales, list) and locales and isinstance(locales[0], str) else None


MAPPINGS: dict[str, Callable[[Record], Mapped]] = {
    "customers": customer,
    "subscriptions": subscription,
    "invoices": invoice,
    "charges": charge,
}
