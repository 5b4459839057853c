"""The deals of one company: what sales and marketing write down, what finance bills, and who says what differently."""

from dataclasses import dataclass

from connectors.sandbox import conduct, moments
from connectors.sandbox.conduct import Plan
from connectors.sandbox.departments import finance, marketing, sales
from connectors.sandbox.desk import Desk
from connectors.sandbox.moments import DAY
from connectors.sandbox.people import Org
from connectors.sandbox.store import Row

A_WHILE = 200 * DAY  # a shorter past has no room for a deal's history: days that pass bring new ones only


@dataclass(frozen=True)
class Deal:
    subject: str
    plan: Plan
    currency: str


@dataclass(frozen=True)
class Money:
    """What finance still shows of a company, ms: invoices that count, and payments as (when, amount, currency)."""

    invoices: list[int]
    payments: list[tuple[int, float, str]]
    subscriptions: list[int]

    @property
    def all(self) -> list[int]:
        return [*self.invoices, *(at for at, _, _ in self.payments), *self.subscriptions]


def deals(desk: Desk, org: Org, people: int) -> None:
    """Deals of `org`, of which `people` people are known, with their invoices; and what is broken in them."""
    account, company = _of(desk, org, "salesforce.Account"), _of(desk, org, "hubspot.companies")
    customer = _of(desk, org, "stripe.customer")
    made: list[Deal] = []
    contacts = [] if account is None else _live(desk, "salesforce.Contact", "AccountId", account.id)
    for _ in range(0 if account is None else _how_many(desk, len(contacts), customer)):
        plan = _plan(desk, org, norms=True, finance=customer is not None)
        if account is not None:
            made.append(_sold(desk, org, account, contacts, plan))
            _bill(desk, customer, plan)
    for _ in range(people if company else 0):
        if company is not None and desk.rng.random() < 0.15:
            plan = _plan(desk, org, norms=False, finance=customer is not None)
            made.append(_marketed(desk, org, company, plan))
            _bill(desk, customer, plan)
    _tell(desk, org, made)


def _of(desk: Desk, org: Org, object_: str) -> Row | None:
    found = (row for row in desk.rows if row.object == object_ and row.entity == org.entity and not row.deleted)
    return next(found, None)


def _live(desk: Desk, object_: str, key: str, value: str) -> list[Row]:
    rows = [row for row in desk.rows if row.object == object_ and not row.deleted]
    return [row for row in rows if row.data.get("properties", row.data)[key] == value]


def _how_many(desk: Desk, contacts: int, customer: Row | None) -> int:
    """Mostly of companies of which sales knows several people; few customers who are billed have no deal at all."""
    many: int = desk.rng.choice((1, 2, 3, 3, 4) if contacts > 1 else (0, 0, 0, 1))
    return 1 if not many and customer is not None and desk.rng.random() < 0.8 else many


def _plan(desk: Desk, org: Org, *, norms: bool, finance: bool) -> Plan:
    if desk.now - desk.since < A_WHILE:
        return conduct.newborn(desk.rng, desk.since, desk.now)
    return conduct.draw(desk.rng, desk.now, org.address.country.currency, norms=norms, finance=finance)


def _sold(desk: Desk, org: Org, account: Row, contacts: list[Row], plan: Plan) -> Deal:
    row = sales.opportunity(desk, account, contacts, org.address.country.currency, plan)
    return _noted(desk, f"salesforce:Opportunity:{row.id}", plan, org, min(len(contacts), plan.people))


def _marketed(desk: Desk, org: Org, company: Row, plan: Plan) -> Deal:
    contacts = _live(desk, "hubspot.contacts", "associatedcompanyid", company.id)
    row = marketing.deal(desk, company, contacts, org.address.country.currency, plan)
    return _noted(desk, f"hubspot:deals:{row.id}", plan, org, 0 if plan.nobodys else min(len(contacts), plan.people))


def _noted(desk: Desk, subject: str, plan: Plan, org: Org, people: int) -> Deal:
    few = {"few_contacts"} if plan.status == "open" and people < 2 else set()
    desk.broken += [(subject, rule) for rule in sorted(plan.broken | few)]
    return Deal(subject, plan, org.address.country.currency)


def _bill(desk: Desk, customer: Row | None, plan: Plan) -> None:
    """Most deals that were won lately are billed within three weeks; some open ones are paid already."""
    rng, amount = desk.rng, plan.amounts[-1][1]
    if customer is None or amount is None or desk.now - desk.since < A_WHILE:
        return
    if plan.paid:
        at = int(rng.uniform(plan.created + DAY, desk.now)) // 1_000 * 1_000
        finance.invoice(desk, customer, status="paid", created=at, total=round(amount * 100))
    elif plan.status == "won" and plan.ended is not None and plan.ended > desk.now - 95 * DAY and rng.random() < 0.85:
        at = min(desk.now, plan.ended + rng.randrange(1, 21) * DAY)
        finance.invoice(desk, customer, status=rng.choice(("open", "paid")), created=at, total=round(amount * 100))


def _tell(desk: Desk, org: Org, made: list[Deal]) -> None:
    """What sales and finance hold of the company, put side by side."""
    money = _money(desk, org)
    sold = any(deal.plan.status != "lost" for deal in filter(_owned, made))
    if not sold and max(money.all, default=0) > desk.now - 90 * DAY:
        desk.broken.append((org.entity, "hidden_sale"))
    for deal in filter(_owned, made):
        if _unbilled(desk, deal, money):
            desk.broken.append((deal.subject, "won_not_invoiced"))
        if _paid(deal, money, made):
            desk.broken.append((deal.subject, "open_but_paid"))


def _owned(deal: Deal) -> bool:
    return not deal.plan.nobodys


def _money(desk: Desk, org: Org) -> Money:
    customers = [row for row in desk.rows if row.object == "stripe.customer" and not row.deleted]
    theirs = {row.id for row in customers if row.entity == org.entity}
    rows = [row for row in desk.rows if row.data.get("customer") in theirs]
    invoices = [row.created for row in rows if row.object == "stripe.invoice" and row.data["status"] != "void"]
    payments = [
        (row.created, row.data["amount"] / 100, row.data["currency"].upper())
        for row in rows
        if row.object == "stripe.charge" and row.data["status"] == "succeeded" and not row.data["refunded"]
    ]
    return Money(invoices, payments, [row.created for row in rows if row.object == "stripe.subscription"])


def _unbilled(desk: Desk, deal: Deal, money: Money) -> bool:
    """Won one to three months ago, and no invoice since a month before."""
    if deal.plan.status != "won":
        return False
    today, won = moments.date(desk.now), deal.plan.closes[-1][1]
    if not moments.date(desk.now - 90 * DAY) < moments.date(won) <= moments.date(moments.of_date(today) - 30 * DAY):
        return False
    return not any(moments.date(at) >= moments.date(won - 30 * DAY) for at in money.invoices)


def _paid(deal: Deal, money: Money, made: list[Deal]) -> bool:
    """The same amount, or the first money of a company to which nothing was sold."""
    plan, amount = deal.plan, deal.plan.amounts[-1][1]
    after = [payment for payment in money.payments if payment[0] > plan.created]
    if plan.status != "open" or not after:
        return False
    same = any(
        amount and currency == deal.currency and abs(paid - amount) <= amount / 100 for _, paid, currency in after
    )
    first = min(money.all) > plan.created
    return same or (first and not any(_owned(other) and other.plan.status == "won" for other in made))
