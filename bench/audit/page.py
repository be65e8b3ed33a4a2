"""The results page: tables in Markdown, plots as SVG, made by the run that they report."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from bench.audit.figures import FIGURES
from bench.audit.labels import CLEAN, LOOK_ALIKE, VIOLATION
from bench.audit.series_judge import (
    Series,
    alarms_by_look_alike,
    bar_by_months,
    recall_by_kind,
)

matplotlib.use("svg")
from matplotlib import pyplot

Runs = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Results:
    """All that one benchmark run found."""

    seeds: Sequence[int]
    scorer: Runs
    """Figures of audit's own scores, by seed."""
    baselines: Mapping[str, Runs]
    robust: Mapping[str, Runs]
    """Figures of the series on other strengths, sizes and volumes."""
    judged: Mapping[str, Sequence[Series]]
    """By detector, audit's own first: the scores on each seed."""
    cost: Runs
    """Claims, seconds and memory of each scoring run."""


def write_page(found: Results, out: Path) -> Path:
    """Write results.md and its plots into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    _curves(found, out / "precision_recall.svg")
    kinds = _by_kind(found)
    _bars(kinds, "events caught, by months", out / "kinds.svg")
    alike = _by_look_alike(found)
    _bars(alike, "look-alike months alarmed", out / "look_alikes.svg")
    page = out / "results.md"
    page.write_text(
        "\n".join(
            [
                "# What audit's scores are worth",
                f"Seeds {', '.join(map(str, found.seeds))}; medians, each seed in brackets. How it "
                "is counted: docs/audit-benchmark.md.",
                "", *_figures(found.scorer), "", *_scale(found.cost), "",
                "## Beside what an agency would try first",
                *_detectors({"audit": found.scorer, **found.baselines}),
                "", "![precision and recall](precision_recall.svg)", "",
                "## Robustness", *_detectors(found.robust), "",
                "## By kind", *_shares(kinds, "violation", "events caught"),
                "", "![kinds](kinds.svg)", "", *_shares(alike, "look-alike", "months alarmed"),
                "", "![look-alikes](look_alikes.svg)", "",
            ]
        ),
        encoding="utf-8",
    )  # fmt: skip
    return page


def _figures(runs: Runs) -> list[str]:
    lines = ["| figure | median | by seed | required | goal |", "|---|---|---|---|---|"]
    for figure in FIGURES:
        if any(figure.name not in run for run in runs):
            lines.append(
                f"| {figure.title} | not taken | | {figure.required:g} | {figure.goal:g} |"
            )
            continue
        values = [run[figure.name] for run in runs]
        middle = statistics.median(values)
        mark = "" if figure.reached(middle, figure.required) else " (missed)"
        seeds = ", ".join(f"{value:.3g}" for value in values)
        lines.append(
            f"| {figure.title} | {middle:.3g}{mark} | {seeds} | {figure.required:g} "
            f"| {figure.goal:g} |"
        )
    return lines


def _scale(cost: Runs) -> list[str]:
    return [
        "| claims | seconds, cold | claims/s | memory, MB |",
        "|---|---|---|---|",
        *(
            f"| {run['claims']:,.0f} | {run['seconds']:.1f} "
            f"| {run['claims'] / run['seconds']:,.0f} | {run['memory_mb']:,.0f} |"
            for run in cost
        ),
    ]


def _detectors(of: Mapping[str, Runs]) -> list[str]:
    names = ("recall_onsets", "recall_months", "soon", "precision", "stopped", "look_alikes")
    lines = [
        "| | recall by onsets | by months | within 3 months | average precision | money stopped "
        "| look-alikes |",
        "|---|---|---|---|---|---|---|",
    ]
    for detector, runs in of.items():
        middle = [statistics.median(run[name] for run in runs) for name in names]
        lines.append(f"| {detector} | " + " | ".join(f"{value:.3g}" for value in middle) + " |")
    return lines


def _shares(found: Mapping[str, tuple[int, int]], what: str, counted: str) -> list[str]:
    return [
        f"| {what} | {counted} | of |",
        "|---|---|---|",
        *(f"| {kind} | {some} | {of} |" for kind, (some, of) in found.items()),
    ]


def _by_kind(found: Results) -> dict[str, tuple[int, int]]:
    own = next(iter(found.judged.values()))
    return _added([recall_by_kind(one, bar_by_months(one)) for one in own])


def _by_look_alike(found: Results) -> dict[str, tuple[int, int]]:
    own = next(iter(found.judged.values()))
    return _added([alarms_by_look_alike(one, bar_by_months(one)) for one in own])


def _added(parts: Sequence[Mapping[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    kinds = sorted({kind for part in parts for kind in part})
    return {
        kind: (
            sum(part.get(kind, (0, 0))[0] for part in parts),
            sum(part.get(kind, (0, 0))[1] for part in parts),
        )
        for kind in kinds
    }


def _bars(shares: Mapping[str, tuple[int, int]], title: str, path: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 0.35 * len(shares) + 1))
    axes.barh(list(shares), [some / max(of, 1) for some, of in shares.values()], color="#4477aa")
    axes.set_xlim(0, 1)
    axes.set_xlabel(title)
    _saved(figure, path)


def _curves(found: Results, path: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 5))
    for name, series in found.judged.items():
        truth, score = [], []
        for one in series:
            judged = np.isin(one.state, [CLEAN, LOOK_ALIKE, VIOLATION])
            truth.append(one.state[judged] == VIOLATION)
            score.append(one.score[judged])
        precision, recall, _ = precision_recall_curve(
            np.concatenate(truth), np.concatenate(score), drop_intermediate=True
        )
        axes.plot(recall, precision, label=name, linewidth=2 if name == "audit" else 1)
    axes.set_xlabel("hospital-months of violations found")
    axes.set_ylabel("of those alarmed, how many are")
    axes.legend()
    _saved(figure, path)


def _saved(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
