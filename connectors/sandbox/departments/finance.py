"""The finance department: what its Stripe account holds. Moments are whole seconds, money is in minor units."""

from typing import Any

from connectors.sandbox import ids, noise
from connectors.sandbox.desk import Desk
from connectors.sandbox.moments import DAY
from connectors.sandbox.noise import Seen
from connectors.sandbox.people import Org, Person
from connectors.sandbox.store import Row

EVENT_DAYS = 30
PLANS = (("Starter", 2_900), ("Team", 9_900), ("Business", 24_900), ("Enterprise", 99_000))


def customer(desk: Desk, who: Person | Org, seen: Seen) -> Row:
    """A company or an individual; the account's own metadata key `customer_type` says which."""
    company = isinstance(who, Org)
    currency = (who.address.country if isinstance(who, Org) else who.country).currency.lower()
    at = seen.address
    address = None
    if at is not None:
        address = {
            "line1": noise.street_as_written(desk.rng, at.street), "line2": None, "city": at.city,
            "state": at.region or None,
            "postal_code": at.postcode, "country": at.country.code,
        }  # fmt: skip
    metadata = {"customer_type": "company" if company else "individual"} | (
        {"birth_date": seen.birth} if seen.birth else {}
    )
    data: dict[str, Any] = {
        "name": seen.name, "email": seen.email or None, "phone": seen.phone or seen.mobile or None,
        "address": address, "balance": 0,
        "currency": currency, "delinquent": False, "description": None, "metadata": metadata, "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
    }  # fmt: skip
    kind = "organization" if company else "person"
    return _row(desk, "customer", desk.moment(), data, entity=who.entity, kind=kind)


def subscription(desk: Desk, of: Row) -> Row:
    rng, created = desk.rng, desk.moment(of.created)
    product, price = rng.choice(PLANS)
    status = rng.choices(("active", "canceled", "past_due", "trialing"), (70, 18, 7, 5))[0]
    ended = desk.moment(created) // 1_000 if status == "canceled" else None
    item = {
        "id": f"si_{of.id[4:]}", "object": "subscription_item", "quantity": 1,
        "price": {"id": f"price_{product.lower()}", "object": "price", "nickname": product,
        "currency": of.data["currency"], "unit_amount": price,
                  "product": f"prod_{product.lower()}", "recurring": {"interval": "month", "interval_count": 1}},
    }  # fmt: skip
    data = {
        "customer": of.id, "status": status, "currency": of.data["currency"], "start_date": created // 1_000,
        "canceled_at": ended, "ended_at": ended,
        "cancel_at_period_end": False, "current_period_start": created // 1_000,
        "current_period_end": (created + 30 * DAY) // 1_000,
        "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
        "metadata": {}, "collection_method": "send_invoice",
    }  # fmt: skip
    return _row(desk, "subscription", created, data, changed_at=ended * 1_000 if ended else None)


def invoice(
    desk: Desk, of: Row, subscription_row: Row | None = None, *, status: str | None = None, created: int | None = None,
    total: int | None = None,
) -> Row:  # fmt: skip
    """Paid ones get their charge, a few of them refunded; open ones may be overdue. `total` in minor units."""
    rng = desk.rng
    created = desk.moment((subscription_row or of).created) if created is None else created
    status = status or rng.choices(("paid", "open", "void", "uncollectible"), (78, 14, 5, 3))[0]
    total = rng.choice(PLANS)[1] * rng.choice((1, 1, 1, 3, 12)) if total is None else total
    paid_at = min(desk.now, created + rng.randrange(1, 40) * DAY) // 1_000 if status == "paid" else None
    seq = desk.next("stripe.invoice")
    data: dict[str, Any] = {
        "customer": of.id, "customer_name": of.data["name"], "customer_email": of.data["email"],
        "number": f"INV-{seq:07d}", "status": status,
        "currency": of.data["currency"], "subtotal": total, "total": total, "amount_due": total,
        "amount_paid": total if status == "paid" else 0,
        "amount_remaining": 0 if status in ("paid", "void") else total, "attempted": True, "paid": status == "paid",
        "charge": None,
        "due_date": (created + 30 * DAY) // 1_000, "subscription": subscription_row.id if subscription_row else None,
        "metadata": {},
        "status_transitions": {
            "finalized_at": created // 1_000, "paid_at": paid_at,
            "voided_at": created // 1_000 + 60 if status == "void" else None,
            "marked_uncollectible_at": None,
        },
        "lines": {"object": "list", "has_more": False, "url": "/v1/invoices/lines", "data": [
            {"id": f"il_{seq}", "object": "line_item", "amount": total, "currency": of.data["currency"],
            "description": "Service", "quantity": 1},
        ]},
    }  # fmt: skip
    row = _row(desk, "invoice", created, data, changed_at=paid_at * 1_000 if paid_at else None, seq=seq)
    if paid_at:
        charged = charge(desk, of, row, paid_at * 1_000)
        row = row._replace(data={**row.data, "charge": charged.id})
        desk.put(row)
    return row


def charge(desk: Desk, of: Row, about: Row, at: int) -> Row:
    total = about.data["subtotal"]
    refunded = total if desk.rng.random() < 0.04 else total // 2 if desk.rng.random() < 0.02 else 0
    data = {
        "customer": of.id, "invoice": about.id, "amount": total, "amount_captured": total,
        "amount_refunded": refunded, "refunded": refunded == total,
        "captured": True, "paid": True, "status": "succeeded", "currency": of.data["currency"], "failure_code": None,
        "failure_message": None,
        "description": None, "payment_intent": None, "receipt_email": of.data["email"], "metadata": {},
        "billing_details": {"name": of.data["name"], "email": of.data["email"], "phone": None,
        "address": of.data["address"]},
    }  # fmt: skip
    return _row(desk, "charge", at, data, event="succeeded")


def failed_charge(desk: Desk, of: Row, about: Row) -> Row:
    at = desk.moment(about.created)
    data = {
        "customer": of.id, "invoice": about.id, "amount": about.data["subtotal"], "amount_captured": 0,
        "amount_refunded": 0, "refunded": False,
        "captured": False, "paid": False, "status": "failed", "currency": of.data["currency"],
        "failure_code": "card_declined",
        "failure_message": "Your card was declined.", "description": None, "payment_intent": None,
        "receipt_email": of.data["email"], "metadata": {},
        "billing_details": {"name": of.data["name"], "email": of.data["email"], "phone": None,
        "address": of.data["address"]},
    }  # fmt: skip
    return _row(desk, "charge", at, data, event="failed")


def _row(
    desk: Desk, name: str, created: int, fields: dict[str, Any], *, changed_at: int | None = None,
    seq: int | None = None,
    entity: str | None = None, kind: str | None = None, event: str = "created",
) -> Row:  # fmt: skip
    object_ = f"stripe.{name}"
    seq = desk.next(object_) if seq is None else seq
    stamp = changed_at or created
    data = {"id": ids.make(object_, seq), "object": name, "created": created // 1_000, "livemode": False, **fields}
    row = desk.add(object_, seq, created, stamp, data, entity=entity, kind=kind)
    prefix = "customer.subscription" if name == "subscription" else name
    announce(desk, row, f"{prefix}.{event}", created)
    if changed_at:
        announce(
            desk, row, {"invoice": "invoice.paid", "subscription": "customer.subscription.deleted"}[name], changed_at
        )
    return row


def announce(desk: Desk, row: Row, type_: str, at: int) -> None:
    """An event with the object as it is after the change; kept for 30 days."""
    if at < desk.now - EVENT_DAYS * DAY:
        return
    object_ = "stripe.event"
    seq = desk.next(object_)
    data = {
        "id": ids.make(object_, seq), "object": "event", "api_version": "2024-06-20", "created": at // 1_000,
        "type": type_, "livemode": False,
        "pending_webhooks": 0, "request": {"id": None, "idempotency_key": None}, "data": {"object": row.data},
    }  # fmt: skip
    desk.add(object_, seq, at, at, data)


def changed(desk: Desk, row: Row, at: int, type_: str, **fields: Any) -> Row:
    """The object after the change, which an event of `type_` announces."""
    new = row._replace(stamp=at, visible=at, data={**row.data, **fields})
    announce(desk, new, type_, at)
    return new


def deleted(desk: Desk, row: Row, at: int) -> Row:
    """Gone from the lists; its id answers `deleted: true`, and an event told so."""
    new = row._replace(stamp=at, visible=at, deleted=1)
    announce(desk, row, "customer.deleted", at)
    return new
