"""What the statistics say of one channel of an institution's month."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.audit.domain.rule import Words
from shared.money import NOTHING, Money


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """One alarm: `month` is `YYYY-MM`, `window_months` how many months it looks back over,
    `cases` how many claims they hold; `reason` says it in words, `features` and `model` are the
    versions that said it."""

    pool_code: str
    institution_code: str
    channel: str
    month: str
    score: Decimal
    window_months: int
    cases: int
    expected: Money
    actual: Money
    reason: Words
    features: str
    model: str

    @property
    def excess(self) -> Money:
        """What was spent above what was expected; less than nothing where it was below."""
        return self.actual - self.expected

    @property
    def at_risk(self) -> Money:
        """What the fund may have paid without ground."""
        return max(self.excess, NOTHING, key=lambda amount: amount.fen)
