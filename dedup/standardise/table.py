"""From a given arrow table to standardised, dictionary-encoded columns of persons and of organizations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.columns import Column, Index, Prepared, distinct_rows, encode, encode_together
from dedup.standardise import companies, contact, identifiers, people, places
from dedup.standardise.text import fold, given_value

# More addresses or numbers of one record than this add cost, not evidence.
MOST_EMAILS, MOST_PHONES, MOST_ROOTS, MOST_WORDS = 4, 2, 8, 6

TEXT_COLUMNS = [
    "name",
    "given_name",
    "family_name",
    "job_title",
    "email",
    "phone",
    "mobile",
    "street",
    "city",
    "region",
    "postcode",
    "country",
    "website",
    "tax_id",
    "employer_name",
]
GIVEN_COLUMNS = (*TEXT_COLUMNS, "other_emails", "birth_date")


def normal_form(table: pa.Table) -> pa.Table:
    """The table with exactly the columns of the contract, missing ones null.

    Raises ValueError naming the column if party_id is missing or repeated or a column has a type that cannot be read.
    """
    if "party_id" not in table.column_names:
        raise ValueError("the table has no column party_id")
    columns: dict[str, Any] = {"party_id": _cast(table, "party_id", pa.int64())}
    if columns["party_id"].null_count or len(pc.unique(columns["party_id"])) != table.num_rows:
        raise ValueError("party_id must be present and unique")
    for name in TEXT_COLUMNS:
        columns[name] = _cast(table, name, pa.string())
    columns["other_emails"] = _joined(table, "other_emails")
    columns["birth_date"] = pc.cast(_cast(table, "birth_date", pa.date32()), pa.string())
    return pa.table(columns)


def persons(table: pa.Table) -> Prepared:
    """Standardised columns of persons; work is done once per distinct value."""
    raw = normal_form(table)
    columns = _names(raw) | _emails(raw, ("given_name", "family_name", "name")) | _phones(raw) | _places(raw)
    columns |= _identifiers(raw) | _employers(raw)
    return Prepared(_ids(raw), columns, raw)


def organizations(table: pa.Table) -> Prepared:
    """Standardised columns of organizations; work is done once per distinct value."""
    raw = normal_form(table)
    columns = _companies(raw, "name") | _emails(raw, ()) | _phones(raw) | _places(raw) | _identifiers(raw)
    domains = columns["work_domain"]
    labels = [(str(value).split(".", 1)[0],) for value in domains.words]
    by_value = encode([*labels, (None,)], np.arange(len(labels) + 1))
    columns["domain"] = domains
    columns["domain_label"] = Column(by_value.codes[:, 0][domains.codes], by_value.words)
    return Prepared(_ids(raw), columns, raw)


def _ids(raw: pa.Table) -> Index:
    return np.asarray(raw.column("party_id").to_numpy(), dtype=np.int64)


def _cast(table: pa.Table, name: str, kind: pa.DataType) -> Any:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, kind)
    given = table.column(name).combine_chunks()
    if given.type == kind:
        return given
    try:
        return given.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"column {name} of type {given.type} cannot be read as {kind}") from error


def _joined(table: pa.Table, name: str) -> Any:
    """A column of lists, or of texts with values apart by line end or unit separator, as one text per record."""
    if name not in table.column_names or pa.types.is_null(table.column(name).type):
        return pa.nulls(table.num_rows, pa.string())
    lists = table.column(name).combine_chunks()
    if pa.types.is_string(lists.type) or pa.types.is_large_string(lists.type):
        return pc.replace_substring(lists.cast(pa.string()), "\x1f", "\n")
    if not (pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)):
        raise ValueError(f"column {name} of type {lists.type} is not a list of texts")
    texts = ["\n".join(str(value) for value in several if value) if several else None for several in lists.to_pylist()]
    return pa.array(texts, pa.string())


def _columns(
    parsed: Sequence[dict[str, Sequence[str | None]]], inverse: Index, widths: dict[str, int]
) -> dict[str, Column]:
    return {name: encode([one[name] for one in parsed], inverse, width) for name, width in widths.items()}


def _names(raw: pa.Table) -> dict[str, Column]:
    rows, inverse = distinct_rows(raw, ("given_name", "family_name", "name"))
    names = [people.parse(*row) for row in rows]
    given, family = [(one.given,) for one in names], [(one.family,) for one in names]
    roots, family_roots = [one.roots for one in names], [one.family_roots for one in names]
    initials = [_unique(root[0] for root in one.roots) for one in names]
    singles: dict[str, Sequence[str | None]] = {
        "letter": [people.YES if one.given and len(one.given) == 1 else None for one in names],
        "established": [people.YES if one.known else None for one in names],
        "generation": [one.generation for one in names],
        "given_sound": [people.sound(one.given) for one in names],
        "family_sound": [people.sound(one.family) for one in names],
        "name_key": [people.unordered(one) for one in names],
    }
    return {
        **encode_together({"given": (given, 1), "family": (family, 1)}, inverse),
        **encode_together(
            {
                "roots": (roots, MOST_ROOTS),
                "family_roots": (family_roots, MOST_ROOTS),
                # The longest is the formal name: Bill and Will both stand for William.
                "root": ([[max(several, key=len)] if several else [] for several in roots], 1),
            },
            inverse,
        ),
        **encode_together(
            {"initial": (initials, 4), "family_initial": ([(one.family and one.family[0],) for one in names], 1)},
            inverse,
        ),
        "family_parts": encode([one.parts for one in names], inverse, 3),
        **{name: encode([(value,) for value in values], inverse) for name, values in singles.items()},
    }


def _companies(raw: pa.Table, name: str) -> dict[str, Column]:
    rows, inverse = distinct_rows(raw, (name,))
    names = [companies.parse(row[0]) for row in rows]
    singles: dict[str, Sequence[str | None]] = {
        "name": [one.ordered for one in names],
        "core": [one.core for one in names],
        "distinctive": [one.distinctive for one in names],
        "glued": [one.core and one.core.replace(" ", "") for one in names],
        "acronym": [one.acronym for one in names],
        "single": [one.core if one.core and " " not in one.core else None for one in names],
        "first_word": [one.core and one.core.split()[0] for one in names],
        "name_sound": [people.sound(one.core and one.core.replace(" ", "")) for one in names],
    }
    return {
        "words": encode([one.words for one in names], inverse, MOST_WORDS),
        **{column: encode([(value,) for value in values], inverse) for column, values in singles.items()},
    }


def _employers(raw: pa.Table) -> dict[str, Column]:
    rows, inverse = distinct_rows(raw, ("employer_name",))
    names = [companies.parse(row[0]) for row in rows]
    return {
        "employer": encode([(one.ordered,) for one in names], inverse),
        "employer_key": encode([(one.distinctive,) for one in names], inverse),
    }


def _emails(raw: pa.Table, named: tuple[str, ...]) -> dict[str, Column]:
    rows, inverse = distinct_rows(raw, ("email", "other_emails", "website", *named))
    parsed: list[dict[str, Sequence[str | None]]] = []
    for email, others, website, *names in rows:
        addresses = [
            found for text in (email, *str(others or "").split("\n")) if (found := contact.parse_email(_text(text)))
        ]
        own = [one for one in addresses if not one.role] if named else addresses
        main = own[0] if own else None
        words = [fold(str(name)) for name in names if name]
        telling = main and len(main.local) > 4 and not contact.is_from_name(main.local, *words)
        parsed.append(
            {
                "email": _unique(one.address for one in own),
                "role_email": _unique(one.address for one in addresses if one.role),
                "email_letters": (
                    "".join(letter for letter in main.address if not letter.isdigit()) if main else None,
                ),
                "email_local": (main.local if main and telling else None,),
                "private": ("yes" if main and not main.work else None,),
                "work_domain": _unique((*(one.work for one in addresses), contact.domain(_text(website)))),
            }
        )
    return _columns(
        parsed,
        inverse,
        {"email": MOST_EMAILS, "role_email": 2, "email_letters": 1, "email_local": 1, "private": 1, "work_domain": 3},
    )


def _phones(raw: pa.Table) -> dict[str, Column]:
    rows, inverse = distinct_rows(raw, ("phone", "mobile", "country", "email", "website"))
    numbers = []
    for phone, mobile, country, email, website in rows:
        code = places.country_code(given_value(country)) or contact.country_of(_text(email), _text(website))
        numbers.append(_unique(contact.parse_phone(_text(value), code) for value in (phone, mobile)))
    return {
        "phone": encode(numbers, inverse, MOST_PHONES),
        # Seven digits name a subscriber in most numbering plans; area and country codes are left out or mistaken.
        "phone_tail": encode([[number[-7:] for number in several] for several in numbers], inverse, MOST_PHONES),
    }


def _places(raw: pa.Table) -> dict[str, Column]:
    rows, inverse = distinct_rows(raw, ("street", "city", "postcode", "country"))
    parsed: list[dict[str, Sequence[str | None]]] = []
    for row in rows:
        one = places.parse(*row)
        parsed.append(
            {
                "street": (one.street,),
                "house": (one.number,),
                "postcode": (one.postcode,),
                "city": (one.city,),
                "country": (one.country,),
            }
        )
    return _columns(parsed, inverse, dict.fromkeys(("street", "house", "postcode", "city", "country"), 1))


def _identifiers(raw: pa.Table) -> dict[str, Column]:
    taxes, tax_inverse = distinct_rows(raw, ("tax_id",))
    numbers = [identifiers.parse(_text(row[0])) for row in taxes]
    births, inverse = distinct_rows(raw, ("birth_date",))
    # Sources write these two for "not known".
    dates = [None if row[0] in {None, "1900-01-01", "1970-01-01"} else str(row[0]) for row in births]
    return {
        "tax_id": encode([(number,) for number, _ in numbers], tax_inverse),
        "tax_id_checked": encode([("yes" if checked else None,) for _, checked in numbers], tax_inverse),
        "birth_year": encode([(date and date[:4],) for date in dates], inverse),
        "birth_month": encode([(date and date[5:7],) for date in dates], inverse),
        "birth_day": encode([(date and date[8:],) for date in dates], inverse),
    } | encode_together(
        {
            "birth_date": ([(date,) for date in dates], 1),
            "birth_date_swapped": ([(_swapped(date),) for date in dates], 1),
        },
        inverse,
    )


def _swapped(date: str | None) -> str | None:
    """The ISO date with day and month exchanged."""
    return date and f"{date[:5]}{date[8:]}-{date[5:7]}"


def _unique(values: Any) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
