"""The forms of audit's answers on scores of claims, and on the run that made them."""

from __future__ import annotations

from typing import Literal

from services.audit.api.shown import IdText, Instant, ScoreShown, Shown


class ClaimScored(Shown):
    """A claim with its score; `flagged` where a flag stands on it, whatever its state, `drawn`
    where the lot drew it."""

    claim_id: IdText
    institution_code: str
    flagged: bool
    drawn: bool
    score: ScoreShown


class ClaimScoresShown(Shown):
    """A page of the claims that are flagged, likely wrong or drawn by lot, the most money to expect
    first; `next` is the `after` of the next page, null on the last."""

    claims: list[ClaimScored]
    next: IdText | None


class DriftShown(Shown):
    """A figure outside its band from `low` to `high`; `of` names the feature or the model."""

    kind: Literal["psi", "alarm-rate", "calibration-slope"]
    of: str
    figure: str
    low: str
    high: str


class ScoringRunShown(Shown):
    """The last run: `likely` of its claims are more likely wrong than right; from `reviewed`
    decisions it could learn, `confirmed` of them of wrong claims."""

    claims: int
    likely: int
    features: str
    champion: str
    challenger: str | None
    reviewed: int
    confirmed: int
    warnings: list[DriftShown]
    scored_at: Instant


class ScoringShown(Shown):
    """What scores the pool's claims now; null where nothing was scored yet."""

    run: ScoringRunShown | None
