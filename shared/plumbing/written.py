"""Days and ids as they are written on the wire: one spelling each, and no other."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
EARLIEST, LATEST = date(1990, 1, 1), date(2099, 12, 31)
"""The first and the last day of care, money or rules."""


def written_day(text: object, earliest: date = date.min, latest: date = date.max) -> date:
    """The day that a text names. Raises ValueError for another spelling, or a day out of bounds."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("a day is written YYYY-MM-DD")
    day = date.fromisoformat(text)
    if not earliest <= day <= latest:
        raise ValueError("out of range")
    return day


def _of_this_time(text: object) -> date:
    return written_day(text, EARLIEST, LATEST)


def _uuid(text: object) -> UUID:
    if not isinstance(text, str) or not _CANONICAL.fullmatch(text):
        raise ValueError("a UUID in its canonical form")
    return UUID(text)


Day = Annotated[
    date, BeforeValidator(_of_this_time), WithJsonSchema({"type": "string", "format": "date"})
]
"""A day of care, money or rules: from EARLIEST to LATEST."""

Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id of ours."""
