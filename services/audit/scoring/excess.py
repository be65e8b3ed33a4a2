"""What a channel stands at, and what its growth costs: yuan above the expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.audit.domain.growth_split import Spent
from services.audit.scoring.panel import CASES, SEVERITIES, Array, Panel
from shared.money import Money

_ELASTICITY = 0.7
_FEN = 100.0


@dataclass(frozen=True, slots=True)
class Window:
    """One hospital over some months of a panel."""

    panel: Panel
    hospital: int
    months: slice

    def cell(self, name: str) -> Array:
        """A sum of `Panel.cells`, by case type and severity."""
        sums: Array = self.panel.cells[name][:, :, self.hospital, self.months].sum(axis=-1)
        return sums

    def measure(self, name: str) -> Array:
        """The sums of one of `Panel.measures`."""
        sums: Array = self.panel.measures[name][:, self.hospital, self.months].sum(axis=-1)
        return sums

    def n(self, cases: str) -> float:
        """Number of claims of these case types."""
        return float(self.cell("n")[_rows(cases)].sum())

    def yuan(self, cases: str, name: str = "total_fen") -> float:
        """Their bills together, or one kind of charge in them."""
        return float(self.cell(name)[_rows(cases)].sum()) / _FEN

    def each(self, cases: str) -> float:
        """A mean bill, in yuan."""
        return self.yuan(cases) / max(self.n(cases), 1)


def window_of(panel: Panel, hospital: int, first: int, last: int) -> Window:
    """What a hospital did in the columns first..last."""
    return Window(panel, hospital, slice(first, last + 1))


def spent(window: Window) -> dict[str, Spent]:
    """What was spent by case type and severity, in whole fen."""
    n, fen = window.cell("n"), window.cell("total_fen")
    return {
        f"{case}{severity + 1}": Spent(int(n[row, severity]), Money(int(fen[row, severity])))
        for row, case in enumerate(CASES)
        for severity in range(SEVERITIES)
        if n[row, severity] > 0
    }


def actual(window: Window, channel: str) -> float:
    """Where a channel stands, in its own unit, without any adjustment."""
    match channel:
        case "cost":
            return window.each("VCAF")
        case "visit_cost":
            return window.each("P")
        case "stay":
            days = float(window.cell("days")[_rows("VCA")].sum())
            return days / max(window.n("VCA"), 1)
        case "caesarean":
            return window.n("C") / max(window.n("VC"), 1)
        case "severity":
            by_severity = window.cell("n")[_rows("VC")].sum(axis=0)
            coded = float((by_severity * np.arange(1, SEVERITIES + 1)).sum())
            return coded / max(window.n("VC"), 1)
        case "scans" | "lab":
            channel += "_told"
    n, total, _ = window.measure(channel)
    return float(total / max(n, 1))


def excess_yuan(window: Window, channel: str, gain: float) -> float:
    """What the growth of a channel cost in a window; nothing where it fell."""
    if gain <= 0:
        return 0.0
    births = window.n("VC")
    match channel:
        case "cost":
            excess = window.yuan("VCAF") * -np.expm1(-gain)
        case "visit_cost":
            excess = window.yuan("P") * -np.expm1(-gain)
        case "stay":
            excess = window.yuan("VCA") * -np.expm1(-gain * _ELASTICITY)
        case "caesarean":
            excess = gain * births * _dearer_cesarean(window)
        case "bare":
            excess = gain * window.n("C") * _dearer_cesarean(window)
        case "severity":
            excess = gain * births * _dearer_severity(window)
        case "tests_share" | "supplies_share" | "own_share":
            excess = gain * window.yuan("VC")
        case "unprepared" | "unprepared_late":
            excess = gain * window.yuan("VC")
        case "touching":
            excess = gain * window.n("VCA") * (window.each("A") or window.each("VC"))
        case "doubled":
            # One more bill of a charge: examinations or laboratory, whose sums are at hand.
            excess = gain * (window.yuan("VCA", "exam_fen") + window.yuan("VCA", "lab_fen")) / 2
        case "scans":
            excess = gain * window.n("P") * _price(window, "scans", "exam_fen")
        case _:
            excess = gain * window.n("P") * _price(window, channel, "lab_fen")
    return float(excess)


def _rows(cases: Sequence[str]) -> list[int]:
    return [CASES.index(case) for case in cases]


def _price(window: Window, items: str, charge: str) -> float:
    return window.yuan("P", charge) / max(float(window.measure(f"{items}_told")[1]), 1)


def _dearer_cesarean(window: Window) -> float:
    return max(window.each("C") - window.each("V"), 0.0)


def _dearer_severity(window: Window) -> float:
    """Yuan by which a bill grows with one step of severity."""
    n = window.cell("n")[_rows("VC")].sum(axis=0)
    fen = window.cell("total_fen")[_rows("VC")].sum(axis=0)
    step = np.arange(SEVERITIES) - (n * np.arange(SEVERITIES)).sum() / max(n.sum(), 1)
    spread = (n * step**2).sum()
    return max(float((step * fen).sum() / spread) / _FEN, 0.0) if spread > 0 else 0.0
