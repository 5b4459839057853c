"""The matching problem of organizations. Default m and u: see `dedup.persons`."""

from dedup.compare import companies, contact
from dedup.spec import BlockingRule, Comparison, Level, MatchSpec
from dedup.standardise.table import organizations

_ASK = 3.0

_NAME = Comparison(
    name="name",
    columns=("name",),
    compare=companies.name,
    levels=(
        Level("same name", 0.65, 5e-5, low=5),
        Level("same name but for general words", 0.08, 2e-4, low=2, high=10),
        Level("one name is the initials of the other", 0.02, 5e-5, low=1, high=8),
        Level("similar name", 0.15, 3e-4, low=1, high=10),
        Level("one name contains the other", 0.06, 1e-3, low=-2, high=6),
        Level("names share a word", 0.03, 0.02, high=0, ceiling=_ASK),
        Level("different name", 0.01, 0.99, high=-4, voids=("address", "phone"), ceiling=_ASK),
    ),
    shown="name",
    terms=("name",),
    adjusted=(1,),
)
_WEB = Comparison(
    name="web",
    columns=("website", "email", "other_emails"),
    compare=contact.web,
    levels=(
        Level("same e-mail address", 0.25, 1e-6, low=6, high=18),
        Level("same web domain", 0.6, 5e-6, low=6, high=16),
        Level("same web domain but for its ending", 0.03, 1e-5, low=0, high=8),
        Level("different web domain", 0.12, 0.99, low=-7, high=-2),
    ),
    shown="domain",
    group="contact",
)
_PHONE = Comparison(
    name="phone",
    columns=("phone", "mobile"),
    compare=contact.phone,
    levels=(
        Level("same phone number", 0.65, 2e-6, low=7, high=18),
        Level("same phone number, shared by many", 0.05, 1e-3, low=0, high=4),
        Level("phone number with one slip", 0.05, 2e-5, low=0, high=9),
        Level("different phone number", 0.25, 0.99, low=-4, high=-0.5),
    ),
    shown="phone",
    group="contact",
)
_ADDRESS = Comparison(
    name="address",
    columns=("street", "postcode", "city", "region", "country"),
    compare=contact.address,
    levels=(
        Level("same address", 0.5, 1e-4, low=3, high=14),
        Level("similar address", 0.15, 1e-4, low=2, high=11),
        Level("same postcode", 0.08, 3e-3, low=0, high=8),
        Level("same place", 0.15, 2e-2, low=0, high=6),
        Level("different place", 0.10, 0.6, low=-6, high=-1),
        Level("different country", 0.02, 0.37, low=-8, high=-3),
    ),
    shown="street",
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

ORGANIZATION = MatchSpec(
    name="organization",
    standardise=organizations,
    comparisons=(_NAME, _WEB, _PHONE, _ADDRESS, _TAX_ID),
    blocking=(
        BlockingRule("same web domain", ("work_domain",)),
        BlockingRule("same e-mail address", ("email",)),
        BlockingRule("same phone number", ("phone",)),
        BlockingRule("same tax id", ("tax_id",)),
        BlockingRule("same name", ("name",)),
        BlockingRule("same name but for general words", ("distinctive",)),
        BlockingRule("same name written together", ("glued",)),
        BlockingRule("same initials", ("acronym",)),
        BlockingRule("same web domain but for its ending", ("domain_label",)),
        BlockingRule("similar name", ("name_sound",)),
        BlockingRule("same word and postcode", ("words", "postcode")),
        BlockingRule("same word and city", ("words", "city")),
        BlockingRule("same first word", ("first_word",)),
        BlockingRule("same street and house", ("street", "house")),
        BlockingRule("phone number without area", ("phone_tail",)),
    ),
    owner="distinctive",
    shareable=("email", "phone", "domain"),
    common=("name",),
)
