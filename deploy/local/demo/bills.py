"""What the demo's births are billed and coded as: items of the catalogue, diagnoses, procedures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.local.demo.care import Charge
from deploy.local.demo.town import Hospital
from services.settlement.domain.claimed import Medical
from services.settlement.domain.complication import Complication
from services.settlement.domain.loss import Loss
from services.settlement.domain.surgery import Surgery

_SINGLE, _TWINS = "Z37.000", "Z37.200"
CHECKED, CHECKED_AFTER = ("Z34.900",), ("Z39.200",)
"""Diagnoses of a visit, before the birth and after it."""
_BY_MODE = {
    "vaginal": ("O80.000", ("73.5900x001",)),
    "assisted": ("O81.000", ("72.7100",)),
    "cesarean": ("O82.000", ("74.1x01", "03.9100")),
}

_OF_SURGERY = {
    "iud_insert": ("Z30.100", "69.7x00"),
    "iud_remove": ("Z30.500", "97.7100"),
    "tubal_ligation": ("Z30.200", "66.3200"),
    "implant_insert": ("Z30.800", "86.0900"),
}


def codes_of(claimed: Medical) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Diagnoses and procedures of what is neither a birth nor a visit."""
    match claimed:
        case Surgery():
            diagnosis, procedure = _OF_SURGERY[claimed.procedure.value]
            return (diagnosis,), (procedure,)
        case Loss():
            late = claimed.weeks >= 28
            operation = "75.0x00" if late else "69.5100"
            return ("O04.900" if late else "O02.100",), (
                (operation,) if claimed.manner == "surgical" else ()
            )
        case Complication():
            return ("O47.000" if claimed.when == "before_birth" else "O90.800",), ()
    raise ValueError(claimed)


@dataclass(frozen=True, slots=True)
class Birth:
    """How a birth went, as its bill needs it. `claimed` is the mode that the hospital claims,
    `operated` what was done; `beds_more` are nights charged beyond the stay."""

    hospital: Hospital
    claimed: str
    operated: bool
    infants: int
    admitted_on: date
    event_on: date
    discharged_on: date
    single: bool = False
    doubled: bool = False
    awake: bool = False
    beds_more: int = 0
    raised: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Record:
    """What the hospital hands in beside the days."""

    charges: tuple[Charge, ...]
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]


def record_of(rng: Random, birth: Birth) -> Record:
    """A birth's bill and codes: dearer in higher levels, and a little by chance."""
    principal, procedures = _BY_MODE[birth.claimed]
    diagnoses = [principal]
    charges = _operation(rng, birth) if birth.operated else _delivery(rng, birth)
    charges += _ward(rng, birth)
    if rng.randrange(9) == 0:
        diagnoses.append("O24.400")
        charges.append(Charge("lab-glucose-tolerance", birth.admitted_on, 1, 3_600))
    if birth.claimed == "cesarean" and rng.randrange(3) == 0:
        diagnoses.append("O34.201")
    elif rng.randrange(5) == 0:
        diagnoses.append(rng.choice(["O42.900", "O69.100", "O36.500"]))
    diagnoses.append(_TWINS if birth.infants > 1 else _SINGLE)
    return Record(tuple(_priced(birth, one) for one in charges), tuple(diagnoses), procedures)


def _operation(rng: Random, birth: Birth) -> list[Charge]:
    level, day = birth.hospital.level, birth.event_on
    fen = 210_000 + 65_000 * level + rng.randrange(110_000)
    charges = [
        Charge("cesarean-section", day, 1 + birth.doubled, fen),
        Charge("drug-antibiotic", day, 3, 2_800),
        Charge("drug-oxytocic-oxytocin", day, 2, 1_200),
    ]
    if not birth.awake:
        charges.append(Charge("anaesthesia", day, 1, 38_000 + 9_000 * level))
    return charges


def _delivery(rng: Random, birth: Birth) -> list[Charge]:
    level, day = birth.hospital.level, birth.event_on
    fen = 120_000 + 35_000 * level + rng.randrange(50_000)
    charges = [
        Charge("delivery-care", day, 1 + birth.doubled, fen),
        Charge("drug-oxytocic-oxytocin", day, 1, 1_200),
    ]
    if rng.randrange(3) == 0:
        charges.append(Charge("epidural", day, 1, 52_000 + 6_000 * level))
    return charges


def _ward(rng: Random, birth: Birth) -> list[Charge]:
    level, first = birth.hospital.level, birth.admitted_on
    nights = max(1, (birth.discharged_on - first).days)
    charges = [
        Charge("bed-day", first, nights + birth.beds_more, 4_000 + 1_500 * level),
        Charge("nursing-day", first, nights, 1_800 + 600 * level),
        Charge("lab-blood-count", first, 1 + rng.randrange(2), 2_000),
        Charge("exam-fetal-monitoring", first, 1 + rng.randrange(4), 1_800),
    ]
    if birth.single or rng.randrange(1000) < 60:
        charges.append(Charge("ward-single", first, nights, 18_000 + rng.randrange(9_000)))
    return charges


def _priced(birth: Birth, charge: Charge) -> Charge:
    """The charge at the hospital's prices of that month."""
    times, parts = birth.raised
    return Charge(
        charge.item_code, charge.charged_on, charge.quantity, charge.price_fen * times // parts
    )
