"""How a department writes somebody down: the true attributes, seen through haste, age and taste.

Every record keeps a recognisable name and enough evidence to be found again: mail or telephone, and where only
one of them survives, the address or the employer.
"""

from dataclasses import dataclass
from random import Random

from connectors.sandbox import names
from connectors.sandbox.people import Address, Org, Person, ascii_fold


@dataclass(frozen=True)
class Seen:
    """One observation; empty text stands for a field that was left empty."""

    given: str
    family: str
    name: str
    email: str
    phone: str
    mobile: str
    address: Address | None
    birth: str
    title: str
    company: str
    website: str


def person(rng: Random, who: Person) -> Seen:
    given, family = _person_name(rng, who)
    has_mail, has_phone = _identifiers(rng, twin=who.twin)
    only_one = not (has_mail and has_phone)
    phone = phone_as_written(rng, who.phone, who.country.dial, who.country.trunk)
    mobile = phone_as_written(rng, who.mobile, who.country.dial, who.country.trunk)
    old = who.old_home is not None and rng.random() < 0.25 and not only_one
    keeps_address = who.twin or only_one or rng.random() < 0.7
    # Whoever is written down with the company's mailbox keeps a telephone, or nobody could tell colleagues apart.
    mailbox = who.org.email if who.org and has_phone and rng.random() < 0.08 else ""
    return Seen(
        given=given,
        family=family,
        name=_joined(rng, given, family, twin=who.twin),
        email=mailbox or (_mail(rng, who) if has_mail else rng.choice(("", "", "", "n/a", "none@none"))),
        phone=phone if rng.random() < 0.75 else rng.choice(("", "", "", "", "", "", "", "n/a", "000000", "TBD")),
        mobile=mobile if has_phone else "",
        address=((who.old_home if old else who.home) if keeps_address else None),
        birth=who.birth.isoformat() if who.twin or rng.random() < 0.35 else "",
        title=who.title if rng.random() < 0.8 else rng.choice(("", *names.PLACEHOLDERS)),
        company=company_as_written(rng, who.org) if who.org and (only_one or rng.random() < 0.85) else "",
        website="",
    )


def organization(rng: Random, org: Org, *, twin: bool = False) -> Seen:
    """A company: name, domain, switchboard, address; at least the domain or the telephone survives."""
    has_mail, has_phone = _identifiers(rng, twin=twin)
    country = org.address.country
    old = org.old_address is not None and rng.random() < 0.25 and has_mail and has_phone
    keeps_address = twin or not (has_mail and has_phone) or rng.random() < 0.75
    website = rng.choice(("https://www.{}", "www.{}", "{}", "http://{}/")).format(org.domain) if has_mail else ""
    return Seen(
        given="",
        family="",
        name=company_as_written(rng, org),
        email=org.email if has_mail else "",
        phone=phone_as_written(rng, org.phone, country.dial, country.trunk) if has_phone else "",
        mobile="",
        address=(org.old_address if old else org.address) if keeps_address else None,
        birth="",
        title="",
        company="",
        website=website,
    )


def _identifiers(rng: Random, *, twin: bool) -> tuple[bool, bool]:
    """Whether mail and telephone survive: never neither, both for those who have a namesake beside them."""
    draw = 0.0 if twin else rng.random()
    return draw < 0.86, draw < 0.66 or draw >= 0.86


def _person_name(rng: Random, who: Person) -> tuple[str, str]:
    given, family = who.given, who.family
    if who.twin:
        return given, family
    if given in names.NICKNAMES and rng.random() < 0.3:
        given = rng.choice(names.NICKNAMES[given])
    draw = rng.random()
    if draw < 0.06:
        given = typo(rng, given)
    elif draw < 0.15:
        family = typo(rng, family)
    elif draw < 0.20:
        given = f"{given[0]}."
    elif draw < 0.24:
        given, family = family, given
    elif draw < 0.27:
        given = f"{given} {rng.choice('ABCDEFGHJKLMRST')}."
    if rng.random() < 0.25:
        given, family = ascii_fold(given), ascii_fold(family)
    return _cased(rng, given), _cased(rng, family)


def _joined(rng: Random, given: str, family: str, *, twin: bool) -> str:
    """The one name field of systems that have one."""
    draw = rng.random()
    if twin or draw < 0.86:
        return f"{given} {family}"
    if draw < 0.96:
        return f"{family}, {given}"
    return f"{family} {given}"


def _cased(rng: Random, text: str) -> str:
    draw = rng.random()
    return text.upper() if draw < 0.03 else text.lower() if draw < 0.06 else text


def _mail(rng: Random, who: Person) -> str:
    draw = rng.random()
    if who.org and draw < 0.16:
        return who.private_email
    local, _, domain = who.email.partition("@")
    if draw < 0.22:
        return f"{local}+{rng.choice(('news', 'shop', 'crm', 'support'))}@{domain}"
    if draw < 0.28:
        return who.email.title() if draw < 0.25 else who.email.upper()
    if draw < 0.30:
        return f"{typo(rng, local)}@{domain}"
    return who.email


def company_as_written(rng: Random, org: Org) -> str:
    """With its legal form, without it, spelled out, in capitals, or with a slip."""
    name, form = org.name, org.form
    draw = rng.random()
    if draw < 0.30:
        written = name
    elif draw < 0.42:
        written = f"{name}, {_long_form(form)}"
    elif draw < 0.50:
        written = f"{typo(rng, name)} {form}"
    elif draw < 0.56:
        written = f"{_abbreviated(name)} {form}"
    else:
        written = f"{name} {form}"
    if rng.random() < 0.2:
        written = ascii_fold(written)
    return written.upper() if rng.random() < 0.06 else written


def _long_form(form: str) -> str:
    return {"Ltd": "Limited", "Limited": "Ltd.", "Inc": "Incorporated", "Corp": "Corporation", "GmbH": "G.m.b.H.",
            "Sp. z o.o.": "Spółka z o.o.", "AG": "Aktiengesellschaft", "SARL": "S.A.R.L."}.get(form,
            f"{form}.".replace("..", "."))  # fmt: skip


def _abbreviated(name: str) -> str:
    swaps = (("Maschinenbau", "Masch.bau"), ("Systems", "Sys."), ("Solutions", "Sol."), ("Consulting", "Cons."),
             ("Industries", "Ind."), ("Construction", "Constr."), ("Engineering", "Eng."), ("Group",
             "Grp"))  # fmt: skip
    for long, short in swaps:
        if name.endswith(long):
            return name.removesuffix(long) + short
    return name


def typo(rng: Random, text: str) -> str:
    """One slip of the finger: a letter dropped, doubled, swapped or replaced. Short words keep their letters."""
    if len(text) < 5:
        return text
    at = rng.randrange(1, len(text) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + rng.choice("aeinrst") + text[at + 1 :]


def phone_as_written(rng: Random, number: str, dial: str, trunk: str) -> str:
    """`number` is +country and digits; people write it with spaces, dashes, trunk zero, slashes or a double zero."""
    national = number.removeprefix(f"+{dial}")
    head, tail = national[:3], national[3:]
    return rng.choice((
        f"+{dial} {head} {tail}",
        f"+{dial}{national}",
        f"+{dial} ({head}) {tail[:3]}-{tail[3:]}",
        f"00{dial} {head} {tail}" if dial != "1" else f"1-{head}-{tail[:3]}-{tail[3:]}",
        f"{trunk}{head} {tail}",
        f"{trunk}{head}/{tail}" if dial != "1" else f"({head}) {tail[:3]}-{tail[3:]}",
    ))  # fmt: skip


def street_as_written(rng: Random, street: str) -> str:
    """With the abbreviations of the trade now and then."""
    draw = rng.random()
    if draw < 0.25:
        for long, short in (
            ("straße", "str."),
            ("Street", "St"),
            ("Avenue", "Ave"),
            ("rue de", "r. de"),
            ("Calle", "C/"),
            ("straat", "str."),
        ):
            street = street.replace(long, short)
    elif draw < 0.35:
        street = ascii_fold(street)
    elif draw < 0.40:
        street = typo(rng, street)
    return street
