"""The time zone of a customer, from the countries that its records name."""

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

from dedup.standardise.places import country_code

WINTER = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@cache
def zone_of(country: str | None, otherwise: str) -> ZoneInfo:
    """The zone of a country, given by its code or name: the westernmost of several, where a day ends last.

    `otherwise` names the zone where the country is not known.
    """
    names = get_global("territory_zones").get(country_code(country) or "", ())
    zones = [zone for name in names if (zone := _zone(name))]
    return min(zones, key=_east, default=ZoneInfo(otherwise))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return None


def _east(zone: ZoneInfo) -> tuple[dt.timedelta, str]:
    return WINTER.astimezone(zone).utcoffset() or dt.timedelta(), zone.key
