"""A delivery as the record states it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.policy.shapes import DeliveryMode


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many children were born, and how; `weeks` of gestation, 40 where not stated.

    `complications` and `extras` are the pool's own names; a name that no rule of the pool uses
    changes nothing. `mode_stated` is what the record's own field calls the birth where its codes or
    lines tell of another mode: `mode` is by the latter, and the field is left to audit.
    """

    mode: DeliveryMode
    infants: int = 1
    weeks: int = 40
    complications: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    mode_stated: DeliveryMode | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.infants <= 9:
            raise ValueError("a delivery has 1 to 9 infants")
        if not 1 <= self.weeks <= 50:
            raise ValueError("gestation is counted in 1 to 50 weeks")
