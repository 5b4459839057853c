"""The matching problem of persons.

Default m and u are rough shares seen in customer systems of a few thousand records; they matter only where
there is too little data to learn from. Bounds say what no amount of data may teach.
"""

from dedup.compare import contact, people
from dedup.spec import BlockingRule, Comparison, Contradiction, Level, MatchSpec, Overrule
from dedup.standardise.table import persons

# Two bits short of even odds for *same*: such a pair is shown to a person, however much else agrees.
_ASK = 3.0
_HOUSEHOLD = ("address", "phone", "birth_date", "employer")

_NAME = Comparison(
    name="name",
    columns=("given_name", "family_name", "name"),
    compare=people.name,
    levels=(
        Level("same name", 0.62, 2e-4, low=4),
        Level("same name, short form of the first name", 0.08, 5e-5, low=3),
        Level("similar name", 0.08, 1e-4, low=2),
        Level("similar first and family name", 0.01, 5e-5, low=0),
        Level("same family name and initial", 0.06, 4e-4, low=0, high=8),
        Level("same family name, no first name", 0.03, 5e-3, low=0, high=7),
        Level("same first name, no family name", 0.03, 1e-2, low=0, high=5),
        Level("same first name, other family name", 0.04, 1e-2, high=1, ceiling=_ASK),
        Level("close but different first name", 0.01, 2e-4, high=2, ceiling=_ASK),
        Level("same family name, different first name", 0.005, 5e-3, high=-4, voids=_HOUSEHOLD, ceiling=_ASK),
        Level("different name", 0.005, 0.97, high=-6, voids=_HOUSEHOLD, ceiling=_ASK),
    ),
    shown="name_key",
    terms=("given", "family"),
    adjusted=(1, 2, 3),
)
_GENERATION = Comparison(
    name="generation",
    columns=("name", "family_name"),
    compare=people.generation,
    levels=(
        Level("same generation", 0.98, 0.6, high=1),
        Level("one junior, one senior", 0.02, 0.4, high=-4, voids=("address", "phone", "employer"), ceiling=_ASK),
    ),
    shown="generation",
)
_BIRTH_DATE = Comparison(
    name="birth_date",
    columns=("birth_date",),
    compare=people.birth_date,
    levels=(
        Level("same birth date", 0.93, 5e-5, low=6),
        Level("birth date with one slip", 0.04, 1e-3, high=6),
        Level("similar birth date", 0.02, 1e-2, high=1),
        Level("different birth date", 0.01, 0.99, high=-5, voids=("address", "phone"), ceiling=_ASK),
    ),
    shown="birth_date",
)
_EMAIL = Comparison(
    name="email",
    columns=("email", "other_emails"),
    compare=contact.personal_email,
    levels=(
        Level("same e-mail address", 0.65, 1e-6, low=10),
        Level("same shared e-mail address", 0.02, 5e-4, low=0, high=5),
        Level("e-mail address with one slip", 0.04, 1e-6, low=5, high=14),
        Level("same unusual e-mail name", 0.02, 1e-6, low=3, high=10),
        Level("one private e-mail address and one of work", 0.12, 0.3, low=-3, high=0),
        Level("two different private e-mail addresses", 0.05, 0.2, low=-6, high=-1),
        Level("two different work e-mail addresses", 0.10, 0.5, low=-6, high=-1),
    ),
    shown="email",
    group="contact",
)
_PHONE = Comparison(
    name="phone",
    columns=("phone", "mobile"),
    compare=contact.phone,
    levels=(
        Level("same phone number", 0.65, 2e-6, low=8, high=18),
        Level("same phone number, shared by many", 0.08, 2e-3, low=0, high=4),
        Level("phone number with one slip", 0.05, 2e-5, low=0, high=9),
        Level("different phone number", 0.22, 0.99, low=-4, high=-0.5),
    ),
    shown="phone",
    group="contact",
)
_ADDRESS = Comparison(
    name="address",
    columns=("street", "postcode", "city", "region", "country"),
    compare=contact.address,
    levels=(
        Level("same address", 0.55, 1e-4, low=3, high=14),
        Level("similar address", 0.12, 1e-4, low=2, high=11),
        Level("same postcode", 0.08, 3e-3, low=0, high=8),
        Level("same place", 0.12, 2e-2, low=0, high=6),
        Level("different place", 0.11, 0.6, low=-5, high=-0.5),
        Level("different country", 0.02, 0.37, low=-7, high=-2),
    ),
    shown="street",
    group="contact",
)
_EMPLOYER = Comparison(
    name="employer",
    columns=("employer_name", "website", "email"),
    compare=people.employer,
    levels=(
        Level("same employer", 0.7, 3e-3, low=1, high=9),
        Level("same company domain", 0.1, 2e-3, low=1, high=9),
        Level("similar employer", 0.05, 1e-3, low=0, high=7),
        Level("different employer", 0.15, 0.99, low=-5, high=-0.5),
    ),
    shown="employer",
    group="contact",
)
_TAX_ID = Comparison(
    name="tax_id",
    columns=("tax_id",),
    compare=contact.tax_id,
    levels=(
        Level("same tax id", 0.93, 1e-6, low=12),
        Level("tax id with one slip", 0.05, 1e-5, low=0, high=10),
        Level("different tax id", 0.02, 0.99, high=-6, ceiling=_ASK),
    ),
    shown="tax_id",
)

PERSON = MatchSpec(
    name="person",
    standardise=persons,
    comparisons=(_NAME, _GENERATION, _BIRTH_DATE, _EMAIL, _PHONE, _ADDRESS, _EMPLOYER, _TAX_ID),
    blocking=(
        BlockingRule("same e-mail address", ("email",)),
        BlockingRule("same phone number", ("phone",)),
        BlockingRule("same tax id", ("tax_id",)),
        BlockingRule("same name", ("name_key",)),
        BlockingRule("similar name, same birth date", ("birth_date", "family_sound")),
        BlockingRule("same first name and birth date", ("birth_date", "root")),
        BlockingRule("similar name", ("root", "family_sound")),
        BlockingRule("similar spelling", ("given_sound", "family_sound")),
        BlockingRule("phone number without area, same initial", ("phone_tail", "initial")),
        BlockingRule("same family name and postcode", ("family_sound", "postcode")),
        BlockingRule("same family name and company domain", ("work_domain", "family_sound")),
        BlockingRule("same family name and employer", ("employer_key", "family_sound")),
        BlockingRule("same first name and company domain", ("work_domain", "root")),
        BlockingRule("same first name and employer", ("employer_key", "root")),
        BlockingRule("same first name and postcode", ("root", "postcode")),
        BlockingRule("same initial, street and house", ("street", "house", "initial")),
        BlockingRule("same family name, initial and city", ("family", "initial", "city")),
        BlockingRule("same unusual e-mail name", ("email_local",)),
    ),
    contradictions=(
        # Father and son share name and address, but not the mailbox and the telephone.
        Contradiction(
            "own mailbox and telephone each",
            (("email", (6,)), ("phone", (4,))),
            voids=("address",),
            ceiling=_ASK,
        ),
    ),
    overrules=(
        # Relatives share name, home and birthday, but no tax id; who shares all three mistyped the tax id.
        Overrule((("tax_id", (1,)),), contradicted=("name", "generation", "birth_date")),
        Overrule((("name", (1, 2, 3)), ("birth_date", (1,)), ("address", (1, 2))), contradicted=("tax_id",)),
    ),
    owner="family",
    shareable=("email", "phone"),
    common=("given", "family"),
)
