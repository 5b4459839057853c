"""Set-ups of Splink, as its documentation would have one write them, chosen by the columns of a file.

FEBRL and FAKE_1000 have the comparisons, the blocking rules and the training that the examples of Splink's own
documentation give for these very sets. For CRM and RESTAURANTS a set-up follows its advice: many strict blocking rules,
its comparisons for names and emails, term frequencies where values are skewed, u from a random sample, m by expectation
maximisation over rules that leave out different columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import splink.comparison_library as cl
from splink import ColumnExpression, block_on


@dataclass(frozen=True)
class Setup:
    """What a person writes for Splink. It is for files that have all columns that it `needs`."""

    needs: frozenset[str]
    comparisons: Callable[[], list[Any]]
    blocking: tuple[Any, ...]
    deterministic: tuple[Any, ...]
    recall: float
    training: tuple[Any, ...]
    most_pairs: float = 1e6
    clean: str = "*"
    link_type: str = "dedupe_only"
    kind: str = "hand-written"


def _febrl3() -> list[Any]:
    return [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    ]


def _febrl4() -> list[Any]:
    return [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]


def _fake_1000() -> list[Any]:
    return [
        cl.NameComparison("first_name"),
        cl.NameComparison("surname"),
        cl.LevenshteinAtThresholds(ColumnExpression("dob").cast_to_string(), 1),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
    ]


def _crm() -> list[Any]:
    return [
        cl.NameComparison("first_name"),
        cl.NameComparison("last_name"),
        cl.EmailComparison("email"),
        cl.LevenshteinAtThresholds("phone", [1, 3]),
        cl.ExactMatch("job_title").configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("company_name", [0.92, 0.8]),
        cl.JaroWinklerAtThresholds("city", [0.92, 0.8]),
        cl.ExactMatch("state_code").configure(term_frequency_adjustments=True),
        cl.ExactMatch("country_code").configure(term_frequency_adjustments=True),
    ]


def _restaurants() -> list[Any]:
    return [
        cl.JaroWinklerAtThresholds("name", [0.92, 0.8]),
        cl.JaroWinklerAtThresholds("addr", [0.92, 0.8]),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("phone", [1, 2]),
        cl.ExactMatch("type").configure(term_frequency_adjustments=True),
    ]


FEBRL_COLUMNS = frozenset({"given_name", "surname", "date_of_birth", "soc_sec_id", "street_number", "postcode"})

FEBRL3 = Setup(
    needs=FEBRL_COLUMNS,
    comparisons=_febrl3,
    blocking=(
        block_on("soc_sec_id"),
        block_on("given_name"),
        block_on("surname"),
        block_on("date_of_birth"),
        block_on("postcode"),
    ),
    deterministic=(
        block_on("soc_sec_id"),
        block_on("given_name", "surname", "date_of_birth"),
        "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
    ),
    recall=0.9,
    training=(block_on("date_of_birth"), block_on("postcode")),
)

FEBRL4 = Setup(
    needs=FEBRL_COLUMNS | {"address_1", "state", "source_dataset"},
    link_type="link_only",
    comparisons=_febrl4,
    blocking=(
        block_on("given_name", "surname"),
        "l.given_name = r.surname and l.surname = r.given_name",
        block_on("date_of_birth"),
        block_on("soc_sec_id"),
        block_on("state", "address_1"),
        block_on("street_number", "address_1"),
        block_on("postcode"),
    ),
    deterministic=(block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")),
    recall=0.8,
    training=(block_on("date_of_birth"), block_on("postcode")),
)

FAKE_1000 = Setup(
    needs=frozenset({"first_name", "surname", "dob", "city", "email"}),
    comparisons=_fake_1000,
    blocking=(block_on("first_name", "city"), block_on("surname"), block_on("dob")),
    deterministic=(
        block_on("first_name", "dob"),
        "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
        block_on("email"),
    ),
    recall=0.7,
    training=(block_on("first_name", "surname"), block_on("dob")),
)

CRM = Setup(
    needs=frozenset({"first_name", "last_name", "email", "phone", "job_title", "company_name", "city", "state_code"}),
    comparisons=_crm,
    blocking=(
        block_on("email"),
        block_on("phone"),
        block_on("first_name", "last_name"),
        block_on("last_name", "city"),
        block_on("first_name", "city"),
        block_on("last_name", "company_name"),
        block_on("first_name", "company_name"),
        block_on("city", "company_name"),
        block_on("job_title", "state_code", "country_code"),
    ),
    deterministic=(block_on("email"), block_on("first_name", "last_name", "phone")),
    recall=0.7,
    training=(block_on("email"), block_on("job_title", "state_code", "country_code")),
    most_pairs=1e7,
    clean="""* replace (
        lower(trim(first_name)) as first_name, lower(trim(last_name)) as last_name, lower(trim(email)) as email,
        nullif(regexp_replace(phone, '[^0-9]', '', 'g'), '') as phone,
        lower(trim(company_name)) as company_name, lower(trim(city)) as city
    )""",
)

RESTAURANTS = Setup(
    needs=frozenset({"name", "addr", "city", "phone", "type", "source_dataset"}),
    link_type="link_only",
    comparisons=_restaurants,
    blocking=(block_on("name"), block_on("phone"), block_on("city"), block_on("addr"), block_on("substr(name, 1, 4)")),
    deterministic=(block_on("phone"), block_on("name", "city")),
    recall=0.7,
    training=(block_on("substr(name, 1, 4)"), block_on("addr")),
    clean="* replace (regexp_replace(phone, '[^0-9]', '', 'g') as phone)",
)

HAND_WRITTEN = (FEBRL4, FEBRL3, FAKE_1000, CRM, RESTAURANTS)
