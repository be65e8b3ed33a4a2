"""The hospital as a rule sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Institution:
    """`level` is the settlement level of the agreement, 1 to 3; None where not stated."""

    level: int | None = None

    def __post_init__(self) -> None:
        if self.level not in (None, 1, 2, 3):
            raise ValueError("the level of a hospital is 1, 2 or 3")


UNSTATED = Institution()
