"""Small files of claims, made for one question each."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from services.audit.scoring.claims_file import AMOUNTS, COLUMNS

Row = dict[str, Any]
Change = Callable[[Row, int, int], Row]
_PARTS = dict(zip(AMOUNTS[:10], (10, 5, 10, 15, 20, 5, 15, 10, 5, 5), strict=True))


def rows(
    hospitals: int, months: int, births: int, change: Change | None = None, seed: int = 1
) -> Iterator[Row]:
    """Births and prenatal visits of like hospitals; `change` rewrites rows by hospital and month.

    Hospitals are of level 1-3 in turn, four to a region.
    """
    draw = random.Random(seed)  # noqa: S311 - nothing secret
    number = 0
    for hospital in range(hospitals):
        for month in range(months):
            for kind in ["V", "V", "C"] * births + ["P"] * births:
                number += 1
                row = _row(draw, number, hospital, month, kind)
                yield change(row, hospital, month) if change else row


def dearer(hospital: int, since: int, factor: float) -> Change:
    """From a month on a hospital's bills grow by a factor."""

    def change(row: Row, at: int, month: int) -> Row:
        if at == hospital and month >= since:
            row |= {name: round(row[name] * factor, 2) for name in AMOUNTS}
        return row

    return change


def write(path: Path, some: Iterator[Row]) -> Path:
    """Write rows as a file of claims."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(some)
    return path


def _row(draw: random.Random, number: int, hospital: int, month: int, kind: str) -> Row:
    discharged = date(2021 + month // 12, month % 12 + 1, draw.randint(1, 28))
    los = 0 if kind == "P" else max(1, round(draw.lognormvariate(1.2, 0.3)))
    usual = {"V": 4000, "C": 6500, "P": 250}[kind]
    total = usual * draw.lognormvariate(0.05 * (hospital % 5), 0.16) * max(los, 1) ** 0.7 / 2
    parts = {name: round(total * share / 100, 2) for name, share in _PARTS.items()}
    total = round(sum(parts.values()), 2)
    return {
        "claim_id": f"c{number}",
        "person_id": f"p{number}",
        "sex": "F",
        "age": draw.randint(20, 40),
        "hospital_id": f"h{hospital:02d}",
        "level": 3 - hospital % 3,
        "region": f"r{hospital // 4}",
        "kind": "prenatal" if kind == "P" else "delivery",
        "case_type": kind,
        "severity": draw.choice([1, 1, 1, 2]),
        "admit_date": discharged - timedelta(days=los),
        "discharge_date": discharged,
        "month": f"{discharged:%Y-%m}",
        "los": los,
        "gest_weeks": draw.randint(37, 41),
        "diag_codes": "O80.000",
        "proc_codes": "74.1x01" if kind == "C" else "",
        "n_us": draw.randint(0, 2),
        "n_lab": draw.randint(2, 8),
        **parts,
        "total_amount": total,
        "fund_amount": round(total * 0.8, 2),
    }
