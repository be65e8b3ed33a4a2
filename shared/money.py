"""Money of a Chinese insurance fund: whole fen, and only lawful operations.

There is no bare division and no float here: a rate is a Decimal from the policy book, a ratio two
whole numbers, and whoever applies one says how the result is rounded, because rounding is policy
(place, step, mode).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Self

_WIRE = re.compile(r"-?(0|[1-9][0-9]{0,12})\.[0-9]{2}", re.ASCII)


class RoundingMode(StrEnum):
    """How a fraction of the step is settled; the pool's clause chooses."""

    HALF_UP = "half_up"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in fen. Negative amounts exist only in reversals and clearing."""

    fen: int

    def __post_init__(self) -> None:
        if type(self.fen) is not int:
            raise TypeError("money is a whole number of fen")

    @classmethod
    def from_wire(cls, text: str) -> Self:
        """Read the wire form, exactly two decimals ("4500.00"). Raises ValueError otherwise."""
        if not isinstance(text, str) or not _WIRE.fullmatch(text) or text == "-0.00":
            raise ValueError("money is a string with exactly two decimals")
        return cls(int(text.replace(".", "")))

    def to_wire(self) -> str:
        """The wire form: yuan with exactly two decimals."""
        return _wire(self.fen)

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + other.fen)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - other.fen)

    def __neg__(self) -> Money:
        return Money(-self.fen)

    def __bool__(self) -> bool:
        return self.fen != 0

    def __str__(self) -> str:
        return self.to_wire()

    def times(self, count: int) -> Money:
        """This amount taken `count` times."""
        return Money(self.fen * count)

    def at_rate(self, rate: Decimal, mode: RoundingMode, step_fen: int = 1) -> Money:
        """This amount times `rate`, exactly, then rounded once to a multiple of `step_fen` by
        `mode`."""
        if not isinstance(rate, Decimal):
            raise TypeError("a rate is a Decimal")
        numerator, denominator = rate.as_integer_ratio()
        return Money(_steps(self.fen * numerator, denominator * step_fen, mode) * step_fen)

    def ratio(
        self, numerator: int, denominator: int, mode: RoundingMode, step_fen: int = 1
    ) -> Money:
        """This amount times `numerator` / `denominator`, exactly, then rounded once by `mode`.

        For an amount that is not negative and a ratio of positive whole numbers.
        """
        if self.fen < 0 or numerator < 0 or denominator <= 0:
            raise ValueError("a ratio of an amount that is not negative")
        return Money(_steps(self.fen * numerator, denominator * step_fen, mode) * step_fen)

    @staticmethod
    def total(parts: Iterable[Money]) -> Money:
        """The sum of all parts; nothing for no part."""
        return Money(sum(part.fen for part in parts))


def _steps(amount: int, step: int, mode: RoundingMode) -> int:
    """How many steps an amount is. A fraction of one is settled by its size: up is away from
    nothing, on both sides of it."""
    if amount < 0:
        return -_steps(-amount, step, mode)
    steps, rest = divmod(amount, step)
    up = mode is RoundingMode.UP and rest > 0
    half = mode is RoundingMode.HALF_UP and 2 * rest >= step
    return steps + (up or half)


# One amount is written many times over: as a part, on the receipt, in a step, in the event.
@lru_cache(maxsize=1 << 16)
def _wire(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


NOTHING = Money(0)
