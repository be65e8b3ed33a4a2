"""What the record states of a benefit, as it is kept beside the stay and told: plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.settlement.domain.claimed import Medical
from services.settlement.domain.complication import Complication
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.loss import Loss
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.surgery import Surgery
from shared.policy.shapes import Benefit, Circumstance, DeliveryMode, Procedure

Stored = Mapping[str, Any]


def stored_of(claimed: Medical, circumstances: frozenset[Circumstance]) -> dict[str, Any] | None:
    """What is kept; None for a plain delivery, whose mode, infants and weeks have their places."""
    facts = _facts(claimed)
    if circumstances:
        facts["circumstances"] = sorted(c.value for c in circumstances)
    return facts or None


def weeks_of(claimed: Medical) -> int | None:
    """The completed weeks of gestation that the record states."""
    match claimed:
        case Delivery() | Loss():
            return claimed.weeks
        case Prenatal():
            return claimed.week
        case Surgery() | Complication():
            return None


def with_codes(
    stored: dict[str, Any] | None, diagnoses: Sequence[str], procedures: Sequence[str]
) -> dict[str, Any] | None:
    """What is kept, with the record's codes beside it; the event tells them in their own places."""
    codes = {"diagnoses": list(diagnoses), "procedures": list(procedures)}
    stated = {name: of_kind for name, of_kind in codes.items() if of_kind}
    return (stored or {}) | stated or None


def codes_of(stored: Stored | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The diagnoses and procedures that a stay states."""
    return (_names(stored, "diagnoses"), _names(stored, "procedures")) if stored else ((), ())


def _facts(claimed: Medical) -> dict[str, Any]:
    match claimed:
        case Delivery():
            facts: dict[str, Any] = {}
            if claimed.mode_stated is not None:
                facts["mode_stated"] = claimed.mode_stated.value
        case Prenatal():
            facts = {
                "week": claimed.week,
                "unit": claimed.unit,
                "high_risk": claimed.high_risk,
                "first_visit": claimed.first_visit,
                "postnatal": claimed.postnatal,
            }
        case Loss():
            facts = {
                "weeks": claimed.weeks,
                "manner": claimed.manner,
                "setting": claimed.setting,
                "high_risk": claimed.high_risk,
            }
        case Surgery():
            facts = {"procedure": claimed.procedure.value}
        case Complication():
            return {"when": claimed.when, "months_after": claimed.months_after}
    if isinstance(claimed, Prenatal):
        return facts
    if claimed.complications:
        facts["complications"] = list(claimed.complications)
    if claimed.extras:
        facts["extras"] = list(claimed.extras)
    return facts


def delivery_of(mode: str, infants: int, weeks: int, stored: Stored | None) -> Delivery:
    """The delivery that a stay states. Raises ValueError for what is none."""
    if not stored:
        return Delivery(DeliveryMode(mode), infants, weeks)
    return Delivery(
        DeliveryMode(mode),
        infants,
        weeks,
        _names(stored, "complications"),
        _names(stored, "extras"),
        DeliveryMode(stored["mode_stated"]) if "mode_stated" in stored else None,
    )


def medical_of(benefit: Benefit, stored: Stored) -> Medical:
    """What a stay of another benefit than delivery states. Raises KeyError or ValueError."""
    match benefit:
        case Benefit.PRENATAL:
            return Prenatal(
                stored["week"],
                stored["unit"],
                stored["high_risk"],
                stored["first_visit"],
                stored["postnatal"],
            )
        case Benefit.LOSS:
            return Loss(
                stored["weeks"],
                stored["manner"],
                stored["setting"],
                stored["high_risk"],
                _names(stored, "complications"),
                _names(stored, "extras"),
            )
        case Benefit.FAMILY_PLANNING:
            return Surgery(
                Procedure(stored["procedure"]),
                _names(stored, "complications"),
                _names(stored, "extras"),
            )
        case Benefit.COMPLICATION:
            return Complication(stored["when"], stored["months_after"])
    raise ValueError(benefit)


def circumstances_of(stored: Stored | None) -> frozenset[Circumstance]:
    """The circumstances that a stay states."""
    return frozenset(Circumstance(c) for c in stored.get("circumstances", ())) if stored else _NONE


_NONE: frozenset[Circumstance] = frozenset()


def _names(stored: Stored, key: str) -> tuple[str, ...]:
    names: Sequence[str] = stored.get(key, ())
    return tuple(names)
