"""Work days: those of the published calendar, and Monday to Friday where none is published yet."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import chinese_calendar

_SATURDAY = 5


@cache
def is_work_day(day: date) -> bool:
    """Whether offices are open. The calendar of a year is published late in the year before; until
    then neither its holidays nor the weekends that make up for them are known."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # so the library says that it has no calendar of that year
        return day.weekday() < _SATURDAY


def after_work_days(day: date, count: int) -> date:
    """The last of so many work days after a day, which does not count itself."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_work_day(day)
    return day
