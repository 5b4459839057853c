"""Set-ups of the toolkit, chosen by the columns of a file; any other file gets a generic one, written by no hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Frame = Any


@dataclass(frozen=True)
class Setup:
    """Blocks, and fields compared exactly or by Jaro-Winkler. It is for files with all columns that it `needs`."""

    needs: frozenset[str]
    blocking: tuple[tuple[str, ...], ...]
    exact: tuple[str, ...]
    similar: tuple[str, ...]
    threshold: float = 0.85
    clean: Callable[[Frame], Frame] = lambda records: records
    kind: str = "hand-written"


def _lower(records: Frame) -> Frame:
    text = records.select_dtypes("object").columns
    return records.assign(**{column: records[column].str.lower().str.strip() for column in text})


def _digits(records: Frame) -> Frame:
    return _lower(records).assign(phone=records["phone"].str.replace(r"\D", "", regex=True).replace("", None))


FEBRL = Setup(
    needs=frozenset({"given_name", "surname", "date_of_birth", "soc_sec_id", "street_number", "postcode"}),
    blocking=(("soc_sec_id",), ("given_name",), ("surname",), ("date_of_birth",), ("postcode",)),
    exact=("date_of_birth", "soc_sec_id", "street_number", "postcode", "state"),
    similar=("given_name", "surname", "suburb", "address_1"),
)

FAKE_1000 = Setup(
    needs=frozenset({"first_name", "surname", "dob", "city", "email"}),
    blocking=(("first_name",), ("surname",), ("dob",), ("email",)),
    exact=("dob",),
    similar=("first_name", "surname", "city", "email"),
    clean=_lower,
)

CRM = Setup(
    needs=frozenset({"first_name", "last_name", "email", "phone", "job_title", "company_name", "city", "state_code"}),
    blocking=(
        ("email",),
        ("phone",),
        ("first_name", "last_name"),
        ("last_name", "city"),
        ("first_name", "city"),
        ("last_name", "company_name"),
        ("first_name", "company_name"),
        ("city", "company_name"),
        ("job_title", "state_code", "country_code"),
    ),
    exact=("job_title", "state_code", "country_code"),
    similar=("first_name", "last_name", "email", "phone", "company_name", "city"),
    clean=_digits,
)

RESTAURANTS = Setup(
    needs=frozenset({"name", "addr", "city", "phone", "type"}),
    blocking=(("name",), ("phone",), ("addr",), ("city",)),
    exact=("phone",),
    similar=("name", "addr", "city", "type"),
    clean=_digits,
)


def setup_for(records: Frame) -> Setup:
    """The hand-written set-up for the columns, or else: block by every column that makes few pairs, compare all."""
    columns = set(records.columns)
    return next((one for one in (FEBRL, FAKE_1000, CRM, RESTAURANTS) if one.needs <= columns), None) or _generic(
        records
    )


def _generic(records: Frame) -> Setup:
    text = [column for column in records.columns if column != "source_dataset"]
    return Setup(
        needs=frozenset(),
        blocking=tuple((column,) for column in text if _pairs(records[column]) <= 50 * len(records)),
        exact=(),
        similar=tuple(text),
        clean=lambda frame: _lower(
            frame.assign(**{column: frame[column].astype("string").astype(object) for column in text})
        ),
        kind="generic",
    )


def _pairs(values: Any) -> int:
    sizes = values.value_counts()
    return int((sizes * (sizes - 1) // 2).sum())
