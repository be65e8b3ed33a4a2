"""Hospitals times months as arrays: the sums of `hospital_months` with their places in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ibis.expr import types as ir

from services.audit.scoring.hospital_months import MEASURES, by_case, by_share
from services.audit.scoring.price_notices import PriceStep

Array = npt.NDArray[np.float64]
CASES = ("V", "C", "A", "P", "F")
SEVERITIES = 4
CELL_SUMS = (
    "n",
    "cost",
    "stay",
    "cost_cost",
    "stay_stay",
    "cost_stay",
    "total_fen",
    "exam_fen",
    "lab_fen",
    "days",
)
MEASURE_SUMS = ("n", "sum", "squares")


@dataclass(frozen=True, slots=True)
class Panel:
    """What is known of hospitals (rows, in order of id) from month `first` on (columns).

    cells[name]: case type x severity x hospital x month. measures[name]: the sums of MEASURE_SUMS x
    hospital x month. claims: number of claims. notices: log of what notices changed in the
    hospital's region since the first month.
    """

    hospitals: tuple[str, ...]
    level: npt.NDArray[np.int64]
    region: npt.NDArray[np.int64]
    first: int
    cells: dict[str, Array]
    measures: dict[str, Array]
    claims: Array
    notices: Array

    @property
    def months(self) -> int:
        return int(self.claims.shape[1])

    def until(self, month: int) -> Panel:
        """What was known when column `month` had closed."""
        end = month + 1
        return replace(
            self,
            cells={name: sums[..., :end] for name, sums in self.cells.items()},
            measures={name: sums[..., :end] for name, sums in self.measures.items()},
            claims=self.claims[:, :end],
            notices=self.notices[:, :end],
        )


def panel_of(features: ir.Table, steps: Sequence[PriceStep]) -> Panel:
    """Aggregate `features.claim_features` on their engine, and lay the sums out as arrays."""
    share = _columns(by_share(features).order_by("hospital_id", "at"))
    case = _columns(by_case(features))
    hospitals, row = np.unique(share["hospital_id"], return_inverse=True)
    first = int(share["at"].min())
    column = share["at"] - first
    shape = (len(hospitals), int(column.max()) + 1)

    def laid(values: Any, index: tuple[Any, ...], size: tuple[int, ...]) -> Array:
        out = np.zeros(size)
        out[index] = np.nan_to_num(values.astype(np.float64))
        return out

    # A hospital is what it was when first seen.
    _, seen = np.unique(row, return_index=True)
    regions, region = np.unique(share["region"][seen], return_inverse=True)
    cell = (
        np.array([CASES.index(name) for name in case["case_type"]]),
        case["severity"] - 1,
        np.searchsorted(hospitals, case["hospital_id"]),
        case["at"] - first,
    )
    return Panel(
        hospitals=tuple(hospitals.tolist()),
        level=share["level"][seen],
        region=region,
        first=first,
        cells={
            name: laid(case[name], cell, (len(CASES), SEVERITIES, *shape)) for name in CELL_SUMS
        },
        measures={
            name: np.stack(
                [laid(share[f"{name}_{kind}"], (row, column), shape) for kind in MEASURE_SUMS]
            )
            for name in MEASURES
        },
        claims=laid(share["claims"], (row, column), shape),
        notices=_noticed(steps, regions.tolist(), first, shape[1])[region],
    )


def _columns(table: ir.Table) -> dict[str, Any]:
    """A small table's columns as arrays; texts as texts, counts as whole numbers."""
    columns = {}
    for name, values in zip(table.columns, table.to_pyarrow().itercolumns(), strict=True):
        array = values.to_numpy()
        columns[name] = array.astype(str) if array.dtype == object else array
    return columns


def _noticed(steps: Sequence[PriceStep], regions: Sequence[str], first: int, months: int) -> Array:
    """By region and month, the sum of log changes of the notices so far."""
    noticed = np.zeros((len(regions), months))
    for step in steps:
        if step.region in regions and step.at < first + months:
            noticed[regions.index(step.region), max(step.at - first, 0) :] += step.log_change
    return noticed
