"""Days and ids as they are written on the wire: one spelling each, and no other."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema

from shared.money import Money
from shared.period import Month
from shared.plumbing.amiss import amiss

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
EARLIEST, LATEST = date(1990, 1, 1), date(2099, 12, 31)
"""The first and the last day of care, money or rules."""


def written_day(text: object, earliest: date = date.min, latest: date = date.max) -> date:
    """The day that a text names. Raises ValueError for another spelling, or a day out of bounds."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise amiss("not-a-day")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise amiss("not-a-day") from None
    if not earliest <= day <= latest:
        raise amiss("day-out-of-bounds")
    return day


def written_month(text: object) -> Month:
    """The month that a text names. Raises ValueError for another spelling."""
    if not isinstance(text, str):
        raise amiss("not-a-month")
    try:
        return Month.parse(text)
    except ValueError:
        raise amiss("not-a-month") from None


def written_amount(text: object) -> Money:
    """The amount that a text names. Raises ValueError for another spelling."""
    if not isinstance(text, str):
        raise amiss("not-an-amount")
    try:
        return Money.from_wire(text)
    except ValueError:
        raise amiss("not-an-amount") from None


def _of_this_time(text: object) -> date:
    return written_day(text, EARLIEST, LATEST)


def _uuid(text: object) -> UUID:
    if not isinstance(text, str) or not _CANONICAL.fullmatch(text):
        raise amiss("not-an-id")
    return UUID(text)


Day = Annotated[
    date, BeforeValidator(_of_this_time), WithJsonSchema({"type": "string", "format": "date"})
]
"""A day of care, money or rules: from EARLIEST to LATEST."""

Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id of ours."""
