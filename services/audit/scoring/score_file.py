"""Scoring a file of claims: what `python -m services.audit score` does, without a database."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.audit.scoring.claims_file import read_claims
from services.audit.scoring.features import claim_features
from services.audit.scoring.price_notices import read_price_notices
from services.audit.scoring.series_file import write_series_flags


def score_file(claims: Path, out: Path) -> None:
    """Write `series_flags.csv` into `out`; posted prices are read from beside the claims.

    Raises BadFile.
    """
    notices = read_price_notices(claims.with_name("price_notices.csv"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def step(what: str) -> None:
            for task in progress.task_ids:
                progress.stop_task(task)
            progress.add_task(what)

        step("reading claims")
        with read_claims(claims) as history:
            step("features of claims")
            features = history.kept("features", claim_features(history.claims))
            out.mkdir(parents=True, exist_ok=True)
            step("series of hospitals")
            write_series_flags(features, notices, out / "series_flags.csv")
