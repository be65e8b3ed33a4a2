"""How long each step of a review may take, in work days: data, one limit for each state."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.audit.domain.flag import IN_REVIEW, Flag, FlagState
from services.audit.domain.work_day import after_work_days


class _TimeLimit(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    work_days: int = Field(ge=1)
    label: Literal["example", "operational"]
    note: str = Field(min_length=1)


TimeLimits = Mapping[FlagState, int]
"""Work days by state."""

_Read = TypeAdapter(dict[Annotated[FlagState, Field(strict=False)], _TimeLimit])


def read_time_limits(text: str) -> TimeLimits:
    """The limits of a file. Raises ValueError where a state of review has none, or another has."""
    limits = _Read.validate_python(tomllib.loads(text))
    if limits.keys() != IN_REVIEW:
        raise ValueError(f"a time limit for each step: {sorted(limits.keys() ^ IN_REVIEW)}")
    return {state: limit.work_days for state, limit in limits.items()}


SHIPPED_TIME_LIMITS = read_time_limits(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
"""Examples, which an agency replaces (`library`)."""


def with_last_day(flag: Flag, time_limits: TimeLimits, on: date) -> Flag:
    """The flag with the last day of the step that it entered on a day; none once it is settled."""
    days = time_limits.get(flag.state)
    return replace(flag, due_on=None if days is None else after_work_days(on, days))
