"""The unit in which the world is made: customers that belong together, and all that four departments know of them."""

from dataclasses import dataclass, replace
from random import Random

from connectors.sandbox import dealing, moments, noise, people
from connectors.sandbox.departments import finance, marketing, sales, support
from connectors.sandbox.desk import Desk
from connectors.sandbox.noise import Seen
from connectors.sandbox.people import Org, Person
from connectors.sandbox.store import Row

KINDS = {"company": 58, "branches": 5, "building": 4, "consumer": 26, "relatives": 7}


@dataclass(frozen=True)
class Group:
    """Who is in it. `twins` are organizations that share a name and must stay apart."""

    kind: str
    orgs: tuple[Org, ...]
    persons: tuple[Person, ...]


def members(seed: int, number: int) -> Group:
    """The true customers of group `number`; the same for the same seed, at any time."""
    rng = Random(f"{seed}/who/{number}")
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    country = people.country_of(rng)
    if kind in ("consumer", "relatives"):
        one = people.person(rng, f"p{number}.0", country, None, number)
        if kind == "consumer":
            return Group(kind, (), (one,))
        elder = replace(one, twin=True, birth=one.birth.replace(year=1940 + one.birth.year % 30, day=1 + number % 28))
        return Group(kind, (), (elder, people.relative(rng, f"p{number}.1", elder)))
    orgs = [people.organization(rng, f"o{number}.0", country)]
    if kind == "branches":
        orgs.append(people.branch(rng, f"o{number}.1", orgs[0]))
    if kind == "building":
        for place in range(1, rng.choice((2, 3))):
            tenant = people.organization(rng, f"o{number}.{place}", country)
            phone = people.landline(rng, orgs[0].address)
            orgs.append(replace(tenant, address=orgs[0].address, phone=phone))
    persons: list[Person] = []
    for org in orgs:
        for _ in range(1 + int(rng.random() ** 2 * 4)):
            persons.append(people.person(rng, f"p{number}.{len(persons)}", country, org, number))
    return Group(kind, tuple(orgs), tuple(_own_mail(persons)))


def _own_mail(persons: list[Person]) -> list[Person]:
    """Colleagues of one name get a number in their mail address, as mail servers demand."""
    taken: set[str] = set()
    own = []
    for who in persons:
        mail = who.email if who.email not in taken else who.email.replace("@", f"{len(taken) + 1}@")
        taken.add(mail)
        own.append(replace(who, email=mail))
    return own


def fill(desk: Desk, group: Group) -> None:
    """Everything that the departments hold about the group at the beginning."""
    homes: dict[str, dict[str, Row]] = {}
    for org in group.orgs:
        above = homes.get(org.parent or "", {})
        homes[org.entity] = organization_rows(desk, org, above, twin=group.kind == "branches")
        desk.belongs += [(org.entity, org.parent)] if org.parent else []
    for who in group.persons:
        person_rows(desk, who, homes.get(who.org.entity, {}) if who.org else {})
    for org in group.orgs:
        dealing.deals(desk, org, sum(who.org is org for who in group.persons))


def organization_rows(desk: Desk, org: Org, above: dict[str, Row], *, twin: bool) -> dict[str, Row]:
    """One row or two in some of the departments; answers the row that others hang on, by object.

    `above` are the rows of the company that it belongs to: sales and marketing say so where they know both.
    """
    rng, rows = desk.rng, {}
    parents = {name: row.id for name, row in above.items()}

    def seen() -> Seen:
        return noise.organization(rng, org, twin=twin)

    if rng.random() < 0.75:
        rows["account"] = sales.account(desk, org, seen(), parents.get("account"))
        if rng.random() < 0.08:
            _merge_account(desk, rows["account"], sales.account(desk, org, seen(), parents.get("account")))
    if rng.random() < 0.6:
        rows["company"] = marketing.company(desk, org, seen(), parents.get("company"))
        if rng.random() < 0.07:
            rows["company"] = _merge_hubspot(
                desk, rows["company"], marketing.company(desk, org, seen(), parents.get("company"))
            )
    if rng.random() < 0.5:
        rows["organization"] = support.organization(desk, org, seen())
        if rng.random() < 0.05:
            support.organization(desk, org, seen())
    if rng.random() < 0.55 or not rows:
        rows["customer"] = finance.customer(desk, org, seen())
        if rng.random() < 0.05:
            finance.customer(desk, org, seen())
        money(desk, rows["customer"])
    return rows


def person_rows(desk: Desk, who: Person, at: dict[str, Row]) -> None:
    """A person's rows, linked to the employer's rows `at` each department, with tickets and mails."""
    rng, account, made = desk.rng, at.get("account"), len(desk.rows)
    account_id = account.id if account else None
    contacts: list[Row] = []
    if rng.random() < 0.6:
        contacts.append(sales.contact(desk, who, noise.person(rng, who), account_id))
        if rng.random() < 0.07:
            _merge_contact(desk, contacts[0], sales.contact(desk, who, noise.person(rng, who), account_id))
        if rng.random() < 0.02:
            gone = contacts.pop()
            desk.put(sales.deleted(gone, _lately(desk, gone, 200)))
    if rng.random() < 0.22:
        became = (account.id, contacts[0].id) if account and contacts and rng.random() < 0.6 else None
        contacts.append(sales.lead(desk, who, noise.person(rng, who), became))
    for row in contacts:
        if rng.random() < 0.45:
            sales.campaign_member(desk, row)
    if rng.random() < 0.62:
        _in_marketing(desk, who, at.get("company"))
    if rng.random() < 0.42:
        _in_support(desk, who, at.get("organization"))
    if who.org is None and (rng.random() < 0.5 or len(desk.rows) == made):
        money(desk, finance.customer(desk, who, noise.person(rng, who)))


def _in_marketing(desk: Desk, who: Person, company: Row | None) -> None:
    rng = desk.rng
    row = marketing.contact(desk, who, noise.person(rng, who), company)
    if rng.random() < 0.06:
        row = _merge_hubspot(desk, row, marketing.contact(desk, who, noise.person(rng, who), company))
    for _ in range(rng.choice((0, 1, 2, 4))):
        marketing.email_event(desk, row)
    if rng.random() < 0.5:
        given = marketing.subscription_change(desk, row, "SUBSCRIBED")
        if given and rng.random() < 0.25:
            marketing.subscription_change(desk, row, "UNSUBSCRIBED", after=given.created)
    if rng.random() < 0.015:
        desk.put(marketing.archived(row, _lately(desk, row, 85)))


def _in_support(desk: Desk, who: Person, organization: Row | None) -> None:
    rng = desk.rng
    row = support.user(desk, who, noise.person(rng, who), organization)
    if rng.random() < 0.05:
        support.user(desk, who, noise.person(rng, who), organization)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        ticket = support.ticket(desk, row)
        if rng.random() < 0.02:
            desk.put(support.deleted(ticket, _lately(desk, ticket, 85)))
    if rng.random() < 0.015:
        desk.put(support.deleted(row, _lately(desk, row, 85)))


def money(desk: Desk, customer: Row) -> None:
    """Subscriptions, invoices and what was paid or declined."""
    rng = desk.rng
    subscriptions = [finance.subscription(desk, customer) for _ in range(rng.choice((0, 1, 1, 2)))]
    for _ in range(rng.choice((0, 1, 2, 4))):
        invoice = finance.invoice(desk, customer, rng.choice(subscriptions) if subscriptions else None)
        if invoice.data["status"] in ("open", "uncollectible") and rng.random() < 0.4:
            finance.failed_charge(desk, customer, invoice)
    if rng.random() < 0.01:
        desk.put(finance.deleted(desk, customer, _lately(desk, customer, 28)))


def _lately(desk: Desk, row: Row, days: int) -> int:
    """A moment in the last days, after the row was last changed."""
    return desk.moment(max(row.stamp, desk.now - days * moments.DAY))


def _merge_account(desk: Desk, survivor: Row, other: Row) -> None:
    if desk.rng.random() < 0.3:
        desk.put(sales.deleted(other, _lately(desk, other, 200), survivor.id))


def _merge_contact(desk: Desk, survivor: Row, other: Row) -> None:
    draw = desk.rng.random()
    if draw < 0.3:
        desk.put(sales.deleted(other, _lately(desk, other, 200), survivor.id))
    elif draw < 0.5:
        desk.put(sales.deleted(other, _lately(desk, other, 200)))


def _merge_hubspot(desk: Desk, survivor: Row, other: Row) -> Row:
    if desk.rng.random() > 0.3:
        return survivor
    later = max(survivor, other, key=lambda row: row.stamp)
    survivor, loser = marketing.merged(survivor, other, _lately(desk, later, 200))
    desk.put(survivor)
    desk.put(loser)
    return survivor
