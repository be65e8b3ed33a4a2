"""Random rows of a claims file in which rules have much to find, and the cases that they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from services.audit.domain.case import Benefit, Billed, Case, Item, Sex
from services.audit.domain.item_group import SHIPPED_GROUPS, ItemGroups
from services.audit.domain.stays import NoPrenatalRecord
from shared.money import Money

_AMOUNTS = ("bed", "nursing", "exam", "lab", "surgery", "anesthesia")
_BENEFITS = {
    "delivery": Benefit.DELIVERY,
    "antepartum": Benefit.ANTEPARTUM,
    "prenatal": Benefit.PRENATAL,
    "fp_surgery": Benefit.FAMILY_PLANNING,
}
_DIAGNOSES = ("O80.000", "O82.100x002", "O72.100", "O14.900", "O24.900", "Z37.000", "O99.800")
_PROCEDURES = ("74.1x01", "73.6x01", "72.0x00", "66.2901", "63.7300", "69.7x00", "75.3400")
_CODES = (
    "bed-day", "nursing-1", "cesarean-section", "delivery-care", "anaesthesia", "newborn-care",
    "ultrasound", "blood-1", "drug-magnesium-1", "lab-glucose-1", "public-health-1", "other-1",
)  # fmt: skip


def random_rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of few persons, hospitals, days and amounts, so that they meet often."""
    draw = Random(seed)  # noqa: S311 - no secret
    rows = [_row(draw, number) for number in range(count)]
    again = draw.sample(rows, count // 30)
    return rows + [row | {"claim_id": f"c{draw.randrange(10**9):09d}again"} for row in again]


def _row(draw: Random, number: int) -> dict[str, Any]:
    kind, case_type = draw.choice(
        [("delivery", "V"), ("delivery", "C"), ("antepartum", "A"), ("prenatal", "P"),
         ("prenatal", "P"), ("fp_surgery", "F")]
    )  # fmt: skip
    los = 0 if kind == "prenatal" else draw.choice([0, 1, 2, 4])
    admitted = date(2024, 1, 20) + timedelta(days=draw.randrange(80))
    amounts = {f"amt_{name}": draw.choice([0, 0, 101, 5_000, 33_333]) for name in _AMOUNTS}
    total = sum(amounts.values()) + draw.choice([0, 1, 40_000])
    return {
        "claim_id": f"c{draw.randrange(10**9):09d}{number}",
        "person_id": f"p{draw.randrange(200)}",
        "sex": draw.choice("FFFFM"),
        "age": draw.choice([9, 11, 12, 30, 55, 56, 71]),
        "hospital_id": draw.choice(["h1", "h2", "h3"]),
        "kind": kind,
        "case_type": case_type,
        "severity": draw.choice([1, 1, 2, 3, 4]),
        "admit_date": admitted,
        "discharge_date": admitted + timedelta(days=los),
        "gest_weeks": draw.choice([None, 8, 13, 14, 38]),
        "diag_codes": ";".join(draw.sample(_DIAGNOSES, draw.randrange(3))) or None,
        "proc_codes": ";".join(draw.sample(_PROCEDURES, draw.randrange(3))) or None,
        "n_us": draw.choice([None, 0, 1, 2, 3, 9]),
        "n_lab": draw.choice([None, 0, 5]),
        **amounts,
        "total_amount": total,
        "fund_amount": total * draw.choice([0, 70, 100]) // 100,
    }


def random_items(seed: int, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items of half of the claims."""
    draw = Random(seed)  # noqa: S311 - no secret
    return [
        {
            "claim_id": row["claim_id"],
            "item_code": code,
            "quantity": Decimal(draw.choice(["1", "2", "3.5", "7"])),
            "amount": draw.choice([0, 100, 3_331, 90_000]),
            "first_day": row["admit_date"] - timedelta(days=draw.choice([0, 0, 0, 3, 4])),
            "last_day": row["discharge_date"] + timedelta(days=draw.choice([0, 0, 0, 1])),
            "lines": (lines := draw.choice([1, 1, 2, 3])),
            "days": draw.randrange(1, lines + 1),
        }
        for row in rows
        if draw.random() < 0.5
        for code in draw.sample(_CODES, draw.randrange(1, 6))
    ]


def as_cases(
    rows: Sequence[dict[str, Any]],
    items: Sequence[dict[str, Any]],
    clusters: NoPrenatalRecord | None,
    groups: ItemGroups = SHIPPED_GROUPS.of_all,
) -> list[Case]:
    """The cases that the rows tell of; `clusters` says which deliveries count as unrecorded."""
    of_claim: dict[str, list[Item]] = {}
    for row in items:
        first, last = row["first_day"], row["last_day"]
        item = Item(
            row["item_code"], row["quantity"], Money(row["amount"]), first, last,
            lines=row["lines"], days=row["days"],
        )  # fmt: skip
        of_claim.setdefault(row["claim_id"], []).append(item)
    found = [_case(row, of_claim.get(row["claim_id"]), groups) for row in rows]
    return found if clusters is None else _clustered(found, clusters)


def _case(row: dict[str, Any], items: list[Item] | None, groups: ItemGroups) -> Case:
    billed = {
        "anaesthesia" if name == "anesthesia" else name: Billed(None, Money(row[f"amt_{name}"]))
        for name in _AMOUNTS
    }
    if row["n_us"] is not None:
        billed["ultrasound"] = Billed(Decimal(row["n_us"]), None)
    if row["n_lab"] is not None:
        billed["lab"] = Billed(Decimal(row["n_lab"]), billed["lab"].amount)
    if items is not None:
        billed = groups.billed(items, whole=True)
    return Case(
        pool="1",
        case_id=row["claim_id"],
        person=row["person_id"],
        institution=row["hospital_id"],
        benefit=_BENEFITS[row["kind"]],
        filed=row["discharge_date"].isoformat(),
        admitted=row["admit_date"],
        event=row["admit_date"],
        discharged=row["discharge_date"],
        total=Money(row["total_amount"]),
        fund=Money(row["fund_amount"]),
        sex=Sex.FEMALE if row["sex"] == "F" else Sex.MALE,
        age=row["age"],
        mode={"V": "vaginal", "C": "cesarean"}.get(row["case_type"]),
        weeks=row["gest_weeks"],
        severity=row["severity"],
        diagnoses=_codes(row["diag_codes"]),
        procedures=_codes(row["proc_codes"]),
        items=None if items is None else groups.marked(items),
        billed=billed,
    )


def _codes(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split(";"))


def _clustered(cases: list[Case], asked: NoPrenatalRecord) -> list[Case]:
    def place(case: Case) -> tuple[str, int, int]:
        return (case.institution, case.discharged.year, case.discharged.month)

    counted = Counter(
        place(case)
        for case in cases
        if case.benefit is Benefit.DELIVERY
        and asked.at_month_end(case.discharged)
        and not asked.has_record(case, cases)
    )
    return [replace(case, month_end_unrecorded=counted[place(case)]) for case in cases]
