"""What reviewers decided of single claims, from a file beside the claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.audit.scoring.claims_file import BadFile, rows_beside
from services.audit.scoring.ranker import Outcome

COLUMNS = ("claim_id", "outcome", "reviewed_on")


@dataclass(frozen=True, slots=True)
class Review:
    """One decision."""

    claim_id: str
    outcome: Outcome
    reviewed_on: date


def read_reviews(path: Path) -> dict[str, Review]:
    """The latest review of each claim of a file with columns claim_id, outcome and reviewed_on.

    No file, no reviews. Raises BadFile.
    """
    found = [_review(row, place) for row, place in rows_beside(path, COLUMNS)]
    found.sort(key=lambda review: review.reviewed_on)
    return {review.claim_id: review for review in found}


def _review(row: dict[str, str], place: str) -> Review:
    try:
        outcome = Outcome((row["outcome"] or "").strip().replace("_", " "))
    except ValueError:
        wanted = ", ".join(Outcome)
        raise BadFile(
            f"{place}: column outcome: {row['outcome']!r} is not one of {wanted}"
        ) from None
    try:
        on = date.fromisoformat((row["reviewed_on"] or "").strip()[:10])
    except ValueError:
        raise BadFile(f"{place}: column reviewed_on: {row['reviewed_on']!r} is not a day") from None
    return Review(row["claim_id"], outcome, on)
