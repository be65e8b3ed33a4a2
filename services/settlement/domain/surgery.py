"""A family-planning surgery as the record states it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.policy.shapes import Procedure


@dataclass(frozen=True, slots=True)
class Surgery:
    """One surgery; it belongs to no pregnancy."""

    procedure: Procedure
    complications: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
