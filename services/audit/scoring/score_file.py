"""Scoring a file of claims: what `python -m services.audit score` does, without a database."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from services.audit.scoring.baselines import read_new_pasts
from services.audit.scoring.claim_flags_file import write_claim_flags
from services.audit.scoring.claims_file import read_claims
from services.audit.scoring.features import marks, with_marks
from services.audit.scoring.hospital_scores import scores_of
from services.audit.scoring.panel import panel_of
from services.audit.scoring.price_notices import read_price_notices
from services.audit.scoring.reviews_file import read_reviews
from services.audit.scoring.series import series_of
from services.audit.scoring.series_file import write_series_flags


def score_file(
    claims: Path, out: Path, scored_on: date | None = None, champion: str | None = None
) -> None:
    """Write `series_flags.csv`, `claim_flags.csv`, `queue.csv` and `scoring.json` into `out`.

    Price notices, pasts begun anew and reviews are read from beside the claims. For `scored_on` and
    `champion` see `claim_flags_file.write_claim_flags`.

    Raises BadFile.
    """
    steps = read_price_notices(claims.with_name("price_notices.csv"))
    pasts = read_new_pasts(claims.with_name("baselines.csv"))
    reviews = read_reviews(claims.with_name("reviews.csv"))
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def step(what: str) -> TaskID:
            for task in progress.task_ids:
                progress.update(task, total=1, completed=1)
                progress.stop_task(task)
            return progress.add_task(what, total=None)

        step("reading claims")
        with read_claims(claims) as history:
            for remark in history.remarks:
                progress.console.print(remark, markup=False, highlight=False, soft_wrap=True)
            step("sums by hospital and month")
            features = with_marks(history.claims, history.kept("marks", marks(history.claims)))
            panel = panel_of(features, steps)
            step("series of hospitals")
            series = series_of(panel, pasts)
            step("scan of series")
            scored = scores_of(series)
            step("series_flags.csv")
            out.mkdir(parents=True, exist_ok=True)
            write_series_flags(panel, series, scored, features, out / "series_flags.csv")
            scoring = step("scores of claims")

            def tell(done: int, claims: int) -> None:
                progress.update(scoring, completed=done, total=claims)

            write_claim_flags(history, features, reviews, out, scored_on, champion, tell)
