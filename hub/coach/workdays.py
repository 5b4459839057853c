"""Working days: from which day on a flag is no longer its owner's alone. Pure."""

import datetime as dt

import holidays

from hub.coach.settings import CoachSettings
from hub.errors import ConfigurationError

_DAY = dt.timedelta(days=1)


def shared_from(raised: dt.date, coach: CoachSettings) -> dt.date:
    """The day from which managers see a flag that was raised on this day: private_days whole working days later.

    A flag raised on a Friday is private on Monday, Tuesday and Wednesday, and shared from Thursday.
    """
    last = calendar(coach).get_nth_working_day(raised, coach.private_days)
    return last + _DAY


def calendar(coach: CoachSettings) -> holidays.HolidayBase:
    """The days off: weekends and holidays of the country, and `coach.days_off`.

    Raises:
        ConfigurationError: the country or its region is not known.
    """
    try:
        known = (
            holidays.country_holidays(coach.country, subdiv=coach.region) if coach.country else holidays.HolidayBase()
        )
    except NotImplementedError:
        place = f"{coach.country} {coach.region or ''}".strip()
        raise ConfigurationError(f"coach.country, coach.region: no holidays are known for {place!r}") from None
    known.update(dict.fromkeys(coach.days_off, "day off"))
    return known
