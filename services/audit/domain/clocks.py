"""How long each step of a review may take, in work days: data, one clock for each state."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.flag import IN_REVIEW, Flag, FlagState
from services.audit.domain.work_day import after_work_days


class _Clock(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    work_days: int = Field(ge=1)
    label: Literal["example", "operational"]
    note: str = Field(min_length=1)


def read_clocks(text: str) -> dict[FlagState, int]:
    """Work days by state. Raises ValueError where a state of review has none, or another has."""
    clocks = {FlagState(name): _Clock.model_validate(c) for name, c in tomllib.loads(text).items()}
    if clocks.keys() != IN_REVIEW:
        raise ValueError(f"a clock for each step: {sorted(clocks.keys() ^ IN_REVIEW)}")
    return {state: clock.work_days for state, clock in clocks.items()}


CLOCKS = read_clocks(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def timed(flag: Flag, on: date) -> Flag:
    """The flag with the last day of the step that it entered on a day; none once it is settled."""
    days = CLOCKS.get(flag.state)
    return replace(flag, due_on=None if days is None else after_work_days(on, days))
