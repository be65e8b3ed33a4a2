"""The figures of the benchmark: what is measured, what is required, what is hoped for."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.audit import claim_judge, series_judge
from bench.audit.series_judge import Series
from bench.figure import say, spread


@dataclass(frozen=True)
class Figure:
    """One row of the table; `least` tells whether less is better."""

    name: str
    title: str
    required: float
    goal: float
    least: bool = False

    def reached(self, value: float, mark: float) -> bool:
        return value <= mark if self.least else value >= mark


FIGURES = (
    Figure("recall_onsets", "event recall, counted by onsets", 0.68, 0.80),
    Figure("recall_months", "event recall, counted by months", 0.62, 0.75),
    Figure("soon", "caught within 3 months", 0.40, 0.55),
    Figure("precision", "average precision over hospital-months", 0.73, 0.80),
    Figure("stopped", "money stopped after the first alarm", 0.68, 0.75),
    Figure("look_alikes", "alarms per 1,000 lawful look-alike months", 90, 30, least=True),
    Figure("claims", "claims: average precision without labels", 0.20, 0.35),
    Figure("claims_reviewed", "claims: average precision after reviews", 0.50, 0.65),
    Figure("money_top", "claims: money in the top 0.5 %", 0.55, 0.65),
    Figure("rules_recall", "sex, age, duplicate, overlap rules: recall", 1.00, 1.00),
    Figure("rules_precision", "sex, age, duplicate, overlap rules: precision", 0.98, 1.00),
)
BY_NAME = {figure.name: figure for figure in FIGURES}


def of_series(judged: Series) -> dict[str, float]:
    """The figures of hospital-months. Early alarms, money and look-alikes at the bar by months,
    the stricter; the same by onsets beside them."""
    by_months = series_judge.caught_by_months(judged)
    by_onsets = series_judge.caught_by_onsets(judged)
    return {
        "recall_onsets": by_onsets.recall, "recall_months": by_months.recall,
        "soon": by_months.soon, "precision": series_judge.average_precision(judged),
        "stopped": by_months.stopped, "look_alikes": by_months.look_alikes,
        "look_alikes_single": by_months.single,
        "soon_onsets": by_onsets.soon, "stopped_onsets": by_onsets.stopped,
        "false_alarms_months": by_months.false_alarms,
        "false_alarms_onsets": by_onsets.false_alarms,
    }  # fmt: skip


def of_claims(claims: Path, labels: Path, flags: Path) -> dict[str, float]:
    """The figures of claims that nobody reviewed."""
    some = claim_judge.read_claims(claims, labels, flags)
    rules = claim_judge.of_rules(some)
    return {
        "claims": claim_judge.average_precision(some),
        "money_top": claim_judge.money_at_the_top(some),
        "rules_recall": min(rule.recall for rule in rules.values()),
        "rules_precision": min(rule.precision for rule in rules.values()),
        **{f"recall_{kind}": rule.recall for kind, rule in rules.items()},
        **{f"precision_{kind}": rule.precision for kind, rule in rules.items()},
    }


def told(prefix: str, runs: Sequence[Mapping[str, float]]) -> None:
    """Print the median of each figure over the seeds, one JSON line each."""
    for name in [name for name in runs[0] if all(name in run for run in runs)]:
        values = [run[name] for run in runs]
        figure = BY_NAME.get(name)
        more = {"goal": figure.goal} if figure else {}
        value = statistics.median(values)
        alarms = "alarms" in name or name.startswith("look_alikes")
        say(
            f"P13.{prefix}{name}", value, "alarms/1,000" if alarms else "share",
            required=figure.required if figure else None, spread=spread(values),
            by_seed=[round(v, 3) for v in values], **more,
        )  # fmt: skip
