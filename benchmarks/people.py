"""Generated persons of ten countries, a million in seconds: records of departments, with what goes wrong in them.

Names follow Zipf's law, as they do in life: the commonest family name of a country belongs to one person in a hundred,
and most names to a handful. Places, streets and numbering plans are those of the sandbox.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.sandbox.names import BRAND_PARTS, COUNTRIES, Country

Texts = NDArray[np.object_]
Random = np.random.Generator

PROVIDERS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "web.de", "orange.fr", "libero.it")
# Records per person: most customers are known to one department only.
RECORDS, SHARES = (1, 2, 3, 4), (0.70, 0.20, 0.07, 0.03)
COMPANIES, TOWNS = 60_000, 20_000
TEXTS = (
    "name",
    "given_name",
    "family_name",
    "email",
    "phone",
    "street",
    "city",
    "postcode",
    "country",
    "employer_name",
)


def persons(rows: int, *, seed: int = 0) -> pa.Table:
    """`rows` records of persons: the columns `TEXTS`, birth_date, and `person`, which numbers who it is."""
    random = np.random.default_rng(seed)
    copies = random.choice(RECORDS, rows, p=SHARES)
    who = np.repeat(np.arange(rows), copies)[:rows]
    count = int(who[-1]) + 1
    country = random.choice(len(COUNTRIES), count, p=_shares([one.weight for one in COUNTRIES]))
    columns: dict[str, Texts] = {name: np.empty(count, dtype=object) for name in TEXTS}
    for at, one in enumerate(COUNTRIES):
        here = np.nonzero(country == at)[0]
        for name, values in _of_country(one, len(here), random).items():
            columns[name][here] = values
    columns |= _work(columns, random)
    born = np.datetime64("1935-01-01") + random.integers(0, 25_000, count)
    records = {name: values[who] for name, values in columns.items()}
    _disturb(records, random)
    records["name"] = records["given_name"] + " " + records["family_name"]
    given = {name: pa.array(records[name], pa.string()) for name in TEXTS}
    dates = pa.array(born[who], pa.date32(), mask=random.random(rows) < 0.6)
    shuffled = pa.array(random.permutation(rows))
    return pa.table({**given, "birth_date": dates, "person": pa.array(who)}).take(shuffled)


def _of_country(country: Country, count: int, random: Random) -> dict[str, Texts]:
    first, last = country.family_parts
    composed = _pick([one + two for one in first for two in last], count, random, skew=0.3)
    doubled = _pick(first, count, random, skew=0) + np.char.lower(composed.astype(str)).astype(object)
    listed = _pick([name.replace("_", " ") for name in country.family], count, random, skew=0.7)
    kind = random.random(count)
    family = np.where(kind < 0.2, listed, np.where(kind < 0.35, composed, doubled))
    given = _pick(country.given, count, random, skew=0.8)
    second = _pick(country.given, count, random, skew=0)
    given = np.where(random.random(count) < 0.25, given + "-" + second, given)
    towns = [(*city[:1], city[2], "") for city in country.cities]
    towns += [(one + two, f"{number:02d}###", "") for number, (one, two) in _town_names(country, random)]
    town = _zipf(len(towns), count, random, skew=0.7)
    streets = [country.street_form.format(name, "{}") for name in [*country.streets, *first]]
    house = random.integers(1, 120, count).astype(str).astype(object)
    return {
        "given_name": given,
        "family_name": family,
        "city": np.array([one[0] for one in towns], dtype=object)[town],
        "postcode": _filled(np.array([one[1] for one in towns], dtype=object)[town], random),
        "street": np.array(
            [a.replace("{}", b) for a, b in zip(_pick(streets, count, random, skew=0.4), house, strict=True)],
            dtype=object,
        ),
        "country": np.full(count, country.code, dtype=object),
        "phone": _filled(f"+{country.dial} " + _pick(country.mobile, count, random, skew=0), random),
    }


def _town_names(country: Country, random: Random) -> list[tuple[int, tuple[str, str]]]:
    first, last = country.family_parts
    return [(int(random.integers(10, 99)), (one, two)) for one in first for two in (*last, "feld", "stad")]


def _work(columns: dict[str, Texts], random: Random) -> dict[str, Texts]:
    count = len(columns["given_name"])
    brands = [f"{one}{two} {three}" for one in BRAND_PARTS[0] for two in BRAND_PARTS[1] for three in BRAND_PARTS[0]][
        :COMPANIES
    ]
    company = _zipf(len(brands), count, random, skew=0.6)
    employer = np.array(brands, dtype=object)[company]
    domains = np.array([brand.lower().replace(" ", "") + ".com" for brand in brands], dtype=object)[company]
    private = random.random(count) < 0.6
    number = random.integers(1, 10_000, count).astype(str).astype(object)
    at = np.where(private, number + "@" + _pick(PROVIDERS, count, random, skew=0.8), "@" + domains)
    plain = [
        f"{a}.{b}".lower().replace(" ", "").replace("'", "")
        for a, b in zip(columns["given_name"], columns["family_name"], strict=True)
    ]
    return {
        "email": np.array(plain, dtype=object) + at,
        "employer_name": np.where(private & (random.random(count) < 0.7), None, employer),
    }


def _disturb(records: dict[str, Texts], random: Random) -> None:
    """What departments do to records: leave out, shorten, mistype."""
    rows = len(records["email"])
    for name, share in (("email", 0.2), ("phone", 0.35), ("employer_name", 0.2)):
        records[name][random.random(rows) < share] = None
    unplaced = random.random(rows) < 0.35
    for name in ("street", "postcode", "city"):
        records[name][unplaced] = None
    for at in np.nonzero(random.random(rows) < 0.06)[0]:
        records["given_name"][at] = records["given_name"][at][:1] + "."
    for name, share in (("family_name", 0.03), ("given_name", 0.02), ("street", 0.05), ("email", 0.01)):
        for at in np.nonzero(random.random(rows) < share)[0]:
            text = records[name][at]
            if text and len(text) > 4:
                place = int(random.integers(1, len(text) - 2))
                records[name][at] = text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _filled(patterns: Texts, random: Random) -> Texts:
    """Texts with a digit for every #, and 2 to 9 for every N."""
    wide = patterns.astype(str)
    letters = wide.view("U1").reshape(len(wide), -1)
    digits = random.integers(0, 10, letters.shape).astype("U1")
    some = random.integers(2, 10, letters.shape).astype("U1")
    letters = np.where(letters == "#", digits, np.where(letters == "N", some, letters))
    return np.ascontiguousarray(letters).view(wide.dtype)[:, 0].astype(object)


def _pick(several: Sequence[str], count: int, random: Random, *, skew: float) -> Texts:
    return np.array(several, dtype=object)[_zipf(len(several), count, random, skew=skew)]


def _zipf(size: int, count: int, random: Random, *, skew: float) -> NDArray[np.int64]:
    return random.choice(size, count, p=_shares(1.0 / np.arange(1, size + 1) ** skew))


def _shares(weights: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.asarray(weights, dtype=np.float64)
    return known / known.sum()
