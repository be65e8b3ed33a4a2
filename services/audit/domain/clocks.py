"""How long each step of a review may take, in work days: data, one clock for each state."""

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


class _Clock(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    work_days: int = Field(ge=1)
    label: Literal["example", "operational"]
    note: str = Field(min_length=1)


Clocks = Mapping[FlagState, int]
"""Work days by state."""

_Read = TypeAdapter(dict[Annotated[FlagState, Field(strict=False)], _Clock])


def read_clocks(text: str) -> Clocks:
    """The clocks of a file. Raises ValueError where a state of review has none, or another has."""
    clocks = _Read.validate_python(tomllib.loads(text))
    if clocks.keys() != IN_REVIEW:
        raise ValueError(f"a clock for each step: {sorted(clocks.keys() ^ IN_REVIEW)}")
    return {state: clock.work_days for state, clock in clocks.items()}


SHIPPED_CLOCKS = read_clocks(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
"""Examples, which an agency replaces (`library`)."""


def timed(flag: Flag, clocks: Clocks, on: date) -> Flag:
    """The flag with the last day of the step that it entered on a day; none once it is settled."""
    days = clocks.get(flag.state)
    return replace(flag, due_on=None if days is None else after_work_days(on, days))
