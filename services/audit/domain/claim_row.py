"""A claim in the form of a claims file: the form in which history is scored, wherever it lies.

Amounts are in fen, days are days; what nobody told is None. A bill's kinds of charge come from the
groups that its items belong to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from services.audit.domain.claim import Claim, ItemCharged
from services.audit.domain.item_group import ItemGroups
from shared.money import Money

_CASES = {
    "prenatal": ("prenatal", "P"),
    "family_planning": ("fp_surgery", "F"),
    "loss": ("antepartum", "A"),
    "complication": ("antepartum", "A"),
}
# The first group that holds an item's code names its column; what no group holds is `amt_other`.
_CHARGES = {
    "amt_bed": ("bed", "ward"),
    "amt_nursing": ("nursing",),
    "amt_exam": ("ultrasound", "exam"),
    "amt_lab": ("lab",),
    "amt_surgery": ("surgery", "birth"),
    "amt_anesthesia": ("anaesthesia",),
    "amt_drug": ("drug",),
    "amt_consumable": ("consumable",),
    "amt_treatment": ("prenatal", "newborn"),
}
AMOUNTS = (*_CHARGES, "amt_other")
_FIRST_CLAIMS = 100
_SEVERITY_MAX = 4
# A birth itself, how it went and its outcome make no case more severe.
_NO_COMPLICATION = ("O80", "O81", "O82", "O83", "O84", "Z37")


def regions(claims: Sequence[Claim]) -> dict[str, str]:
    """The region of each institution of a pool, by all of its claims. Nobody tells where an
    institution lies: it is the county that most of its first claims are of, so that later claims
    move it nowhere."""
    first: dict[str, list[str]] = defaultdict(list)
    for claim in sorted(claims, key=lambda one: (one.discharged_on, one.claim_id)):
        counties = first[claim.institution_code]
        if len(counties) < _FIRST_CLAIMS:
            counties.append(claim.county_code)
    return {
        institution: min(set(counties), key=lambda one: (-counties.count(one), one))
        for institution, counties in first.items()
    }


def claim_row(claim: Claim, region: str, groups: ItemGroups) -> dict[str, Any]:
    """The claim as a row; `groups` are those of its pool, `region` is its institution's, `month`
    that of the discharge."""
    kind, case_type = _CASES.get(
        claim.benefit, ("delivery", "C" if claim.mode == "cesarean" else "V")
    )
    items = claim.items or ()
    return {
        "claim_id": str(claim.claim_id),
        "person_id": claim.person_ref,
        "sex": {"female": "F", "male": "M"}.get(claim.sex or ""),
        "age": claim.age,
        "hospital_id": claim.institution_code,
        "level": claim.institution_level,
        "region": region,
        "kind": kind,
        "case_type": case_type,
        "severity": severity(claim.diagnoses),
        "admit_date": claim.admitted_on,
        "discharge_date": claim.discharged_on,
        "month": claim.discharged_on.isoformat()[:7],
        "los": claim.days_in_hospital,
        "gest_weeks": claim.weeks,
        "diag_codes": ";".join(claim.diagnoses),
        "proc_codes": ";".join(claim.procedures),
        "n_us": _count(items, "ultrasound", groups),
        "n_lab": _count(items, "lab", groups),
        **charges(items, groups),
        "total_amount": claim.parts.total.fen,
        "fund_amount": claim.parts.fund.fen,
    }


def item_rows(claim: Claim) -> list[dict[str, Any]]:
    """The bill by item, as rules of items are asked of a history: `amount` in fen, days as days."""
    return [
        {
            "claim_id": str(claim.claim_id),
            "item_code": item.code,
            "quantity": item.quantity,
            "amount": item.amount.fen,
            "first_day": item.first_on,
            "last_day": item.last_on,
            "lines": item.lines,
            "days": item.days,
        }
        for item in claim.items or ()
    ]


def severity(diagnoses: Sequence[str]) -> int:
    """1 for a case without complications, and one more for each that is coded, at most 4."""
    told = {code[:3] for code in diagnoses if code.startswith("O")} - set(_NO_COMPLICATION)
    return min(1 + len(told), _SEVERITY_MAX)


def charges(items: Sequence[ItemCharged], groups: ItemGroups) -> dict[str, int]:
    """What the items come to by kind of charge, in fen."""
    sums = dict.fromkeys(AMOUNTS, Money(0))
    for item in items:
        sums[_charge_of(groups.of(item.code))] += item.amount
    return {name: amount.fen for name, amount in sums.items()}


def _charge_of(its: Collection[str]) -> str:
    for charge, groups in _CHARGES.items():
        if any(name in its for name in groups):
            return charge
    return "amt_other"


def _count(items: Sequence[ItemCharged], group: str, groups: ItemGroups) -> int:
    quantity = sum((i.quantity for i in items if group in groups.of(i.code)), Decimal(0))
    return int(quantity)
