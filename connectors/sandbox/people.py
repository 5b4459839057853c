"""Who really exists: persons and organizations with their true attributes, before any department writes them down."""

import datetime as dt
import unicodedata
from dataclasses import dataclass, replace
from random import Random

from connectors.sandbox import names
from connectors.sandbox.names import COUNTRIES, Country

_WEIGHTS = [country.weight for country in COUNTRIES]
_LETTERS: dict[int, str] = {ord("ß"): "ss", ord("ł"): "l", ord("Ł"): "L", ord("ø"): "o", ord("æ"): "ae"}

_UMLAUTS: dict[int, str] = {
    ord("ä"): "ae",
    ord("ö"): "oe",
    ord("ü"): "ue",
    ord("Ä"): "Ae",
    ord("Ö"): "Oe",
    ord("Ü"): "Ue",
}


@dataclass(frozen=True)
class Address:
    street: str
    city: str
    region: str
    postcode: str
    country: Country


@dataclass(frozen=True)
class Org:
    """A company, or a branch of it that is a customer of its own. `name` has no legal form.

    `parent`: the entity of the company that it belongs to.
    """

    entity: str
    name: str
    form: str
    domain: str
    phone: str
    address: Address
    old_address: Address | None
    mailbox: str
    parent: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.name} {self.form}"

    @property
    def email(self) -> str:
        return f"{self.mailbox}@{self.domain}"


@dataclass(frozen=True)
class Person:
    """A human; `org` is the employer where there is one. `twin` marks those with a namesake beside them."""

    entity: str
    given: str
    family: str
    country: Country
    email: str
    private_email: str
    phone: str
    mobile: str
    home: Address
    old_home: Address | None
    birth: dt.date
    title: str
    org: Org | None = None
    twin: bool = False


def ascii_fold(text: str) -> str:
    """`Müller` -> `Muller`: how systems without accents keep a name."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def slug(text: str) -> str:
    """Letters and digits of a name, for mail addresses and domains: `Müller Bau` -> `mueller-bau`."""
    spelled = text.translate(_UMLAUTS)
    kept = "".join(char if char.isalnum() else " " for char in ascii_fold(spelled).replace("'", "").lower())
    return "-".join(kept.split())


def fill(rng: Random, pattern: str) -> str:
    """`#` becomes a digit, `N` a digit from 2 to 9."""
    return "".join(
        str(rng.randrange(10)) if char == "#" else str(rng.randrange(2, 10)) if char == "N" else char
        for char in pattern
    )


def common(rng: Random, options: tuple[str, ...]) -> str:
    """One of the options, the first far more often than the last, as surnames are."""
    return options[int(len(options) * rng.random() ** 1.8)]


def country_of(rng: Random) -> Country:
    return rng.choices(COUNTRIES, _WEIGHTS)[0]


def family_name(rng: Random, country: Country) -> str:
    """A frequent surname, or in the long tail one put together from syllables."""
    if rng.random() < 0.62:
        return common(rng, country.family).replace("_", " ")
    start, end = country.family_parts
    return rng.choice(start) + rng.choice(end)


def address(rng: Random, country: Country) -> Address:
    city, region, postcode, _ = country.cities[int(len(country.cities) * rng.random() ** 1.4)]
    street = country.street_form.format(rng.choice(country.streets), 1 + int(rng.random() ** 2 * 180))
    return Address(street, city, region, fill(rng, postcode), country)


def landline(rng: Random, at: Address) -> str:
    """A number of that city, international, digits only after the plus."""
    pattern = next(phone for city, _, _, phone in at.country.cities if city == at.city)
    return f"+{at.country.dial}{fill(rng, pattern).replace(' ', '')}"


def mobile(rng: Random, country: Country) -> str:
    return f"+{country.dial}{fill(rng, rng.choice(country.mobile)).replace(' ', '')}"


def organization(rng: Random, entity: str, country: Country) -> Org:
    """A company under a founder's name, a made-up brand, or its town."""
    at = address(rng, country)
    draw = rng.random()
    if draw < 0.4:
        name = f"{family_name(rng, country)} {rng.choice(country.trades)}"
    elif draw < 0.88:
        start, end = names.BRAND_PARTS
        name = f"{rng.choice(start)}{rng.choice(end)} {rng.choice(names.BRAND_TRADES)}"
    else:
        name = f"{at.city} {family_name(rng, country)} {rng.choice(country.trades)}"
    # The town and a number keep two companies of one name from owning one domain in a world of a million records.
    number = "" if rng.random() < 0.5 else str(rng.randrange(1, 99))
    domain = f"{slug(name)}-{slug(at.city)[:6]}{number}.{rng.choice(country.tlds)}"
    old = address(rng, country) if rng.random() < 0.15 else None
    return Org(entity, name, rng.choice(country.forms), domain, landline(rng, at), at, old, rng.choice(names.MAILBOXES))


def branch(rng: Random, entity: str, of: Org) -> Org:
    """A namesake in another town: other domain, other phone, not the same customer."""
    country = of.address.country
    towns = [city for city in country.cities if city[0] != of.address.city]
    city, region, postcode, _ = rng.choice(towns)
    at = replace(address(rng, country), city=city, region=region, postcode=fill(rng, postcode))
    domain = f"{slug(of.name)}-{slug(city)[:6]}.{rng.choice(country.tlds)}"
    phone = landline(rng, at)
    return replace(of, entity=entity, domain=domain, phone=phone, address=at, old_address=None, parent=of.entity)


def person(rng: Random, entity: str, country: Country, org: Org | None, number: int) -> Person:
    """`number` tells namesakes' private mailboxes apart; it is the group's place in the world."""
    given = common(rng, country.given)
    family = family_name(rng, country)
    home = address(rng, country)
    born = dt.date(1945, 1, 1) + dt.timedelta(days=rng.randrange(57 * 365))
    style = rng.choice(("{g}.{f}", "{i}{f}", "{f}.{g}", "{g}{f}", "{g}_{f}"))
    local = style.format(g=slug(given), f=slug(family).replace("-", ""), i=slug(given)[:1])
    tail = f"{born:%y}{number % 10_000}{entity[-1]}"
    private = f"{local.replace('-', '.')}{tail}@{common(rng, names.PRIVATE_MAIL)}"
    work = f"{slug(given)}.{slug(family).replace('-', '')}@{org.domain}" if org else private
    phone = org.phone if org and rng.random() < 0.45 else landline(rng, org.address if org else home)
    old = address(rng, country) if rng.random() < 0.2 else None
    title = rng.choice(names.TITLES) if org else ""
    return Person(
        entity, given, family, country, work, private, phone, mobile(rng, country), home, old, born, title, org
    )


def relative(rng: Random, entity: str, of: Person) -> Person:
    """Somebody of the same name at the same address, one generation younger: not the same customer."""
    born = of.birth.replace(day=1 + rng.randrange(28)) + dt.timedelta(days=365 * rng.randrange(22, 34))
    local = f"{slug(of.family).replace('-', '')}{slug(of.given)[:3]}{born:%Y}{rng.randrange(100, 999)}"
    own = f"{local}@{rng.choice(names.PRIVATE_MAIL)}"
    return replace(
        of, entity=entity, birth=born, email=own, private_email=own, mobile=mobile(rng, of.country),
        phone=landline(rng, of.home), twin=True,
    )  # fmt: skip
