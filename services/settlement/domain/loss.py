"""A miscarriage or an induction as the record states it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss in `weeks` of gestation. What is not stated is the plain case: surgical, inpatient."""

    weeks: int
    manner: Literal["surgical", "medical"] = "surgical"
    setting: Literal["outpatient", "inpatient"] = "inpatient"
    high_risk: bool = False
    complications: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.weeks <= 50:
            raise ValueError("gestation is counted in 1 to 50 weeks")
