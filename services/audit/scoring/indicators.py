"""Limits of agreements that were passed, as findings in words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

from services.audit.domain.indicator import Indicator, Measured
from services.audit.domain.rule import Words
from services.audit.domain.series import SeriesFinding, Versions
from services.audit.domain.watch_rule import WATCH_RULES
from shared.policy.speech import Language

VERSIONS: Final = Versions(features="indicators-1", model="agreement-limit-1")
_WORDS = tomllib.loads((Path(__file__).parent / "words" / "indicators.toml").read_text("utf-8"))
_SMALLEST = Decimal("0.0001")


def channel_of(indicator: Indicator) -> str:
    """The channel that an indicator's flags stand on: a family of its own beside growth."""
    return f"agreement-{indicator}"


def passed(pool_code: str, months: Iterable[Measured]) -> list[SeriesFinding]:
    """A finding for every month in which an institution passed a limit by enough cases; the score
    is how many times the limit it came to."""
    return [
        SeriesFinding(
            pool_code=pool_code,
            institution_code=one.institution_code,
            channel=channel_of(one.indicator),
            month=one.month,
            score=(one.value / one.limit if one.limit else one.value).quantize(_SMALLEST),
            window_months=one.months,
            cases=one.cases,
            expected=one.spent - one.excess,
            actual=one.spent,
            reason=Words(zh=_said(one, "zh"), en=_said(one, "en")),
            features=VERSIONS.features,
            model=VERSIONS.model,
        )
        for one in months
        if one.passed
    ]


def _said(one: Measured, language: Language) -> str:
    sentence: str = _WORDS["sentence"][language]
    rule = WATCH_RULES.newest(channel_of(one.indicator))
    return sentence.format(
        name=getattr(rule.title, language),
        last=one.month,
        months=one.months,
        n=one.cases,
        value=_shown(one.indicator, one.value, language),
        limit=_shown(one.indicator, one.limit, language),
        excess=one.excess.to_wire(),
        **rule.named(language),
    )


def _shown(indicator: Indicator, value: Decimal, language: Language) -> str:
    if indicator is Indicator.AVERAGE_COST:
        return f"{value:,.2f} {_WORDS['yuan'][language]}"
    return f"{value * 100:.2f} %"
