"""What can happen in a day to one group of customers. Each answers whether it found something to happen to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox import conduct, moments, names, noise, people
from connectors.sandbox.departments import finance, marketing, sales, support
from connectors.sandbox.desk import LATE, Desk
from connectors.sandbox.groups import Group
from connectors.sandbox.people import Org, Person
from connectors.sandbox.store import Row

PARTIES = ("salesforce.Account", "salesforce.Contact", "salesforce.Lead", "hubspot.contacts", "hubspot.companies",
           "zendesk.users", "zendesk.organizations", "stripe.customer")  # fmt: skip
MERGEABLE = ("salesforce.Account", "salesforce.Contact", "salesforce.Lead", "hubspot.contacts", "hubspot.companies")


@dataclass
class Scene:
    """A group, its rows as they are, and what changes: new rows go to the desk."""

    desk: Desk
    group: Group
    rows: list[Row]
    changed: dict[tuple[str, int], Row] = field(default_factory=dict)
    relinked: list[tuple[str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for row in self.live("hubspot.contacts"):
            self.desk.used_mail.add(("hubspot", str(row.data["properties"]["email"]).lower()))
        for row in self.live("zendesk.users"):
            self.desk.used_mail.add(("zendesk", str(row.data["email"]).lower()))

    def live(self, *objects: str) -> list[Row]:
        return [row for row in self.rows if row.object in objects and not row.deleted]

    def one(self, *objects: str, **wanted: Any) -> Row | None:
        """A live row whose data has the wanted values, if there is any."""
        fitting = [
            row for row in self.live(*objects) if all(row.data.get(key) == value for key, value in wanted.items())
        ]
        return self.desk.rng.choice(fitting) if fitting else None

    def of(self, entity: str, object_: str) -> Row | None:
        return next((row for row in self.live(object_) if row.entity == entity), None)

    def keep(self, row: Row) -> None:
        self.changed[row.object, row.seq] = row

    def at(self, row: Row) -> int:
        """A moment of today; now and then so late that exports leave it for tomorrow."""
        if self.desk.rng.random() < 0.02:
            return self.desk.now - LATE // 2
        return self.desk.moment(row.stamp)


def details(scene: Scene) -> bool:
    """Somebody corrects a telephone, a title or an address."""
    row = scene.one(*PARTIES)
    if row is None:
        return False
    rng, at = scene.desk.rng, scene.at(row)
    country = _country(scene)
    phone = noise.phone_as_written(rng, people.mobile(rng, country), country.dial, country.trunk)
    if row.object == "zendesk.organizations":
        scene.keep(support.changed(row, at, notes=f"Called on {moments.date(at)}"))
    elif row.object == "zendesk.users":
        scene.keep(support.changed(row, at, details="prefers mail", alias=None))
    elif row.object == "stripe.customer":
        scene.keep(finance.changed(scene.desk, row, at, "customer.updated", description=f"checked {moments.date(at)}"))
    elif row.object == "hubspot.companies":
        scene.keep(marketing.changed(row, at, phone=phone))
    elif row.object == "hubspot.contacts":
        scene.keep(marketing.changed(row, at, jobtitle=rng.choice(names.TITLES)))
    elif row.object == "salesforce.Account":
        scene.keep(sales.changed(row, at, Phone=phone, LastActivityDate=moments.date(at)))
    else:
        scene.keep(sales.changed(row, at, Title=rng.choice(names.TITLES), LastActivityDate=moments.date(at)))
    return True


def _country(scene: Scene) -> names.Country:
    group = scene.group
    return group.persons[0].country if group.persons else group.orgs[0].address.country


def duplicate(scene: Scene) -> bool:
    """Somebody is written down once more, or for the first time, in some department."""
    rng = scene.desk.rng
    everybody: tuple[Person | Org, ...] = (*scene.group.persons, *scene.group.orgs)
    who = rng.choice(everybody)
    if isinstance(who, Org):
        seen = noise.organization(rng, who, twin=scene.group.kind == "branches")
        make = rng.choice((sales.account, marketing.company, support.organization, finance.customer))
        make(scene.desk, who, seen)
        return True
    seen, employer = noise.person(rng, who), who.org.entity if who.org else ""
    account = scene.of(employer, "salesforce.Account")
    draw = rng.randrange(4)
    if draw == 0:
        sales.contact(scene.desk, who, seen, account.id if account else None)
    elif draw == 1:
        sales.lead(scene.desk, who, seen, None)
    elif draw == 2:
        marketing.contact(scene.desk, who, seen, scene.of(employer, "hubspot.companies"))
    else:
        support.user(scene.desk, who, seen, scene.of(employer, "zendesk.organizations"))
    return True


def removal(scene: Scene) -> bool:
    """A customer's row is deleted at its source."""
    row = scene.one(*PARTIES)
    if row is None:
        return False
    at, system = scene.at(row), row.object.partition(".")[0]
    if system == "salesforce":
        scene.keep(sales.deleted(row, at))
    elif system == "hubspot":
        scene.keep(marketing.archived(row, at))
        _recount(scene, at)
    elif system == "zendesk":
        scene.keep(support.deleted(row, at))
    else:
        scene.keep(finance.deleted(scene.desk, row, at))
    return True


def _recount(scene: Scene, at: int) -> None:
    """HubSpot counts anew who is on the deals, which moves their stamp."""
    for row in scene.live("hubspot.deals"):
        scene.keep(marketing.changed(row, max(at, row.stamp)))


def merge(scene: Scene) -> bool:
    """Two rows of one customer are merged by the department itself; what hung on the loser moves."""
    pairs = [
        (one, other)
        for one in scene.live(*MERGEABLE)
        for other in scene.live(one.object)
        if one.entity == other.entity and one.seq < other.seq
    ]
    if not pairs:
        return False
    survivor, loser = scene.desk.rng.choice(pairs)
    at = scene.at(survivor)
    if survivor.object.startswith("hubspot."):
        survivor, loser = marketing.merged(survivor, loser, at)
        scene.relinked.append((loser.object, loser.seq, survivor.seq))
        scene.keep(survivor)
        _recount(scene, at)
    else:
        loser = sales.deleted(loser, at, survivor.id)
        for row in scene.rows:
            moved = {
                key: survivor.id
                for key, value in row.data.items()
                if value == loser.id and key in ("AccountId", "ContactId", "LeadId")
            }
            if moved:
                scene.keep(sales.changed(row, at, **moved))
    scene.keep(loser)
    return True


def opportunity_opened(scene: Scene) -> bool:
    account = scene.one("salesforce.Account")
    if account is None:
        return False
    contacts = [row for row in scene.live("salesforce.Contact") if row.data["AccountId"] == account.id]
    sales.opportunity(scene.desk, account, contacts, _country(scene).currency, _newborn(scene))
    return True


def _newborn(scene: Scene) -> conduct.Plan:
    return conduct.newborn(scene.desk.rng, scene.desk.since, scene.desk.now)


def opportunity_moved(scene: Scene) -> bool:
    """A stage further, won, lost, or pushed again."""
    row, rng = scene.one("salesforce.Opportunity", IsClosed=False), scene.desk.rng
    if row is None:
        return False
    at, draw, data = scene.at(row), rng.random(), row.data
    fields: dict[str, Any] = {"LastActivityDate": moments.date(at)}
    if draw < 0.3 and str(data["CloseDate"])[:2] == "20":
        old = data["CloseDate"]
        fields["CloseDate"] = moments.date(at + rng.randrange(10, 90) * moments.DAY)
        sales.history(scene.desk, row.id, "CloseDate", (old, fields["CloseDate"]), at)
    else:
        order = [name for name, _ in sales.STAGES]
        place = order.index(data["StageName"]) if data["StageName"] in order else 0
        further = order[min(place + 1, len(order) - 1)]
        stage = sales.WON if draw < 0.55 else sales.LOST if draw < 0.65 else further
        closed = stage in (sales.WON, sales.LOST)
        chances = {**dict(sales.STAGES), sales.WON: 100, sales.LOST: 0}
        fields |= {
            "StageName": stage,
            "IsClosed": closed,
            "IsWon": stage == sales.WON,
            "Probability": float(chances[stage]),
        }
        if closed:
            fields["CloseDate"] = moments.date(at)
        sales.history(scene.desk, row.id, "StageName", (data["StageName"], stage), at)
    scene.keep(sales.changed(row, at, **fields))
    return True


def deal_moved(scene: Scene) -> bool:
    deals = [row for row in scene.live("hubspot.deals") if row.data["properties"]["hs_is_closed"] == "false"]
    if not deals:
        return False
    row = scene.desk.rng.choice(deals)
    stage = scene.desk.rng.choice((*marketing.STAGES, "closedwon", "closedlost"))
    closed = {
        "hs_is_closed": str(stage.startswith("closed")).lower(),
        "hs_is_closed_won": str(stage == "closedwon").lower(),
    }
    chance = marketing.PROBABILITIES[stage]
    scene.keep(marketing.changed(row, scene.at(row), dealstage=stage, hs_deal_stage_probability=chance, **closed))
    return True


def deal_opened(scene: Scene) -> bool:
    company = scene.one("hubspot.companies")
    if company is not None:
        marketing.deal(scene.desk, company, [], _country(scene).currency, _newborn(scene))
    return company is not None


def payment(scene: Scene) -> bool:
    """An open invoice is paid."""
    row = scene.one("stripe.invoice", status="open")
    customer = scene.one("stripe.customer", id=row.data["customer"]) if row else None
    if row is None or customer is None:
        return False
    at = scene.at(row)
    charge = finance.charge(scene.desk, customer, row, at)
    due = row.data["subtotal"]
    times = {**row.data["status_transitions"], "paid_at": at // 1_000}
    paid = {
        "status": "paid",
        "paid": True,
        "amount_paid": due,
        "amount_remaining": 0,
        "charge": charge.id,
        "status_transitions": times,
    }
    scene.keep(finance.changed(scene.desk, row, at, "invoice.paid", **paid))
    return True


def refund(scene: Scene) -> bool:
    row = scene.one("stripe.charge", status="succeeded", amount_refunded=0)
    if row is None or not isinstance(row.data["amount"], int):
        return False
    scene.keep(
        finance.changed(
            scene.desk, row, scene.at(row), "charge.refunded", amount_refunded=row.data["amount"], refunded=True
        )
    )
    return True


def billing(scene: Scene) -> bool:
    """A new invoice, sometimes with a new subscription."""
    customer = scene.one("stripe.customer")
    if customer is None:
        return False
    new = finance.subscription(scene.desk, customer) if scene.desk.rng.random() < 0.3 else None
    finance.invoice(scene.desk, customer, new, status=scene.desk.rng.choice(("open", "paid")))
    return True


def cancellation(scene: Scene) -> bool:
    row = scene.one("stripe.subscription", status="active")
    if row is None:
        return False
    at = scene.at(row)
    ended = {"status": "canceled", "canceled_at": at // 1_000, "ended_at": at // 1_000}
    scene.keep(finance.changed(scene.desk, row, at, "customer.subscription.deleted", **ended))
    return True


def ticket_opened(scene: Scene) -> bool:
    user = scene.one("zendesk.users", role="end-user")
    if user is not None:
        support.ticket(scene.desk, user)
    return user is not None


def ticket_solved(scene: Scene) -> bool:
    """Solved and perhaps rated; now and then deleted instead."""
    open_ones = [
        row for row in scene.live("zendesk.tickets") if row.data["status"] in ("new", "open", "pending", "hold")
    ]
    if not open_ones:
        return False
    row, rng = scene.desk.rng.choice(open_ones), scene.desk.rng
    if rng.random() < 0.1:
        scene.keep(support.deleted(row, scene.at(row)))
        return True
    scene.keep(support.changed(row, scene.at(row), status="solved"))
    if rng.random() < 0.6:
        support.rating(scene.desk, row, complaint="complaint" in row.data["tags"])
    return True


def mailing(scene: Scene) -> bool:
    contact = scene.one("hubspot.contacts")
    return contact is not None and marketing.email_event(scene.desk, contact) is not None


def unsubscription(scene: Scene) -> bool:
    """A consent is withdrawn, and the contact's own flag follows."""
    contact = scene.one("hubspot.contacts")
    if contact is None or marketing.subscription_change(scene.desk, contact, "UNSUBSCRIBED") is None:
        return False
    scene.keep(marketing.changed(contact, scene.at(contact), hs_email_optout="true"))
    return True


def subscription_given(scene: Scene) -> bool:
    contact = scene.one("hubspot.contacts")
    return contact is not None and marketing.subscription_change(scene.desk, contact, "SUBSCRIBED") is not None


def campaign(scene: Scene) -> bool:
    member = scene.one("salesforce.Contact", "salesforce.Lead")
    if member is not None:
        sales.campaign_member(scene.desk, member)
    return member is not None


# Share of the groups to which it happens in a day; at least one each.
SHARES: tuple[tuple[float, Callable[[Scene], bool]], ...] = (
    (0.020, details), (0.010, duplicate), (0.004, removal), (0.004, merge), (0.008, opportunity_opened), (0.016,
    opportunity_moved),
    (0.002, deal_moved), (0.001, deal_opened), (0.012, payment), (0.003, refund), (0.012, billing), (0.003,
    cancellation),
    (0.014, ticket_opened), (0.012, ticket_solved), (0.024, mailing), (0.004, unsubscription), (0.004,
    subscription_given), (0.008, campaign),
)  # fmt: skip
