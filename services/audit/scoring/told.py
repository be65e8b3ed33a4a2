"""What is told of a hospital's month: its loudest channel, in figures and in words."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.audit.domain.growth_split import split_growth
from services.audit.domain.rule import Words
from services.audit.domain.series import Contributor
from services.audit.domain.watch_rule import WATCH_RULES
from services.audit.scoring.excess import actual, excess_yuan, spent, window_of
from services.audit.scoring.hospital_scores import Scored
from services.audit.scoring.panel import Panel
from services.audit.scoring.peers import PEERS_LEAST
from services.audit.scoring.price_notices import month_name
from services.audit.scoring.scan import CASES_LEAST, CUSUM_MONTHS, WINDOWS
from services.audit.scoring.series import CHANNELS, LOGS, Series
from shared.policy.speech import LANGUAGES

_WORDS = tomllib.loads((Path(__file__).parent / "words" / "series.toml").read_text("utf-8"))
UNITS: Mapping[str, str] = _WORDS["units"]
"""What a value of each channel is counted in."""
_PAST_MONTHS = 12
_TOLD_IN_FULL = 2.0
_OF_90_PER_CENT = 1.645


@dataclass(frozen=True, slots=True)
class Loud:
    """The channel that gave the score, over the `window` months that end with this one.

    expected, actual: in the channel's own measure. n: its cases. excess, spent: yuan, of what was
    spent in the window on all cases.
    """

    channel: str
    window: int
    n: int
    expected: float
    actual: float
    excess: float
    spent: float


@dataclass(frozen=True, slots=True)
class Told:
    """A month's score with its reason in both languages; `loud` is None where nothing is said."""

    score: float
    loud: Loud | None
    zh: str
    en: str


def told_of(panel: Panel, series: Series, scored: Scored, hospital: int, t: int) -> Told:
    """What is told of one hospital (row of the panel) in one month (column)."""
    if scored.channel[hospital, t] < 0:
        scarce = panel.claims[hospital, max(0, t - 11) : t + 1].sum() < CASES_LEAST
        words = _WORDS["low_volume" if scarce else "no_past"]
        return Told(0.0, None, words["zh"], words["en"])
    index = int(scored.channel[hospital, t])
    channel, w = CHANNELS[index], int(scored.window[hospital, t])
    months = months_of(scored, hospital, t)
    first = max(t - months + 1, 0)
    gain, error = float(scored.gain[hospital, t]), float(scored.error[hospital, t])
    window = window_of(panel, hospital, first, t)
    stands = actual(window, channel)
    excess = excess_yuan(window, channel, gain)
    others = [
        _change(part[index, hospital], first, t)
        for part in (series.peers, series.region, series.notices)
    ]
    in_full = scored.score[hospital, t] > _TOLD_IN_FULL
    split = _split(panel, hospital, first, t) if in_full else {}
    log, unit, rule = channel in LOGS, UNITS[channel], WATCH_RULES.newest(channel)
    expected = _moved(stands, -gain, log)
    facts: dict[str, Any] = {
        "first": month_name(panel.first + first),
        "last": month_name(panel.first + t),
        "window": months,
        "n": int(scored.n[hospital, t]),
        "actual": _value(stands, unit),
        "expected": _value(expected, unit),
        "past": _value(_moved(expected, -sum(others), log), unit),
        "gain": _growth(gain, log, unit),
        "low": _growth(gain - _OF_90_PER_CENT * error, log, unit),
        "high": _growth(gain + _OF_90_PER_CENT * error, log, unit),
        "peers": _growth(others[0], log, unit),
        "region": _growth(others[1], log, unit),
        "notices": _growth(others[2], log, unit),
        "peers_n": _peers(panel, hospital, t),
        "excess": f"{excess:,.0f}",
    }
    zh, en = (
        _WORDS["sentence"][language].format(
            name=(_WORDS["cusum"][language] if w == len(WINDOWS) else "")
            + getattr(rule.title, language),
            less=_WORDS["referral"][language] if scored.referral[hospital, t] else "",
            **facts,
        )
        + (_WORDS["growth"][language].format(**split) if split else "")
        + (_WORDS["ground"][language].format(**rule.named(language)) if in_full else "")
        for language in LANGUAGES
    )
    yuan = float(window.cell("total_fen").sum()) / 100
    loud = Loud(channel, months, facts["n"], _possible(expected), stands, excess, yuan)
    return Told(float(scored.score[hospital, t]), loud, zh, en)


def months_of(scored: Scored, hospital: int, t: int) -> int:
    """How many months the loudest channel of a month looks back over."""
    w = int(scored.window[hospital, t])
    return WINDOWS[w] if w < len(WINDOWS) else CUSUM_MONTHS


def with_contributors(reason: Words, claims: Sequence[Contributor]) -> Words:
    """A reason with the claims that it rests on most, if any stand out."""
    if not claims:
        return reason
    return Words(zh=reason.zh + _resting_on(claims, "zh"), en=reason.en + _resting_on(claims, "en"))


def _resting_on(claims: Sequence[Contributor], language: str) -> str:
    one: str = _WORDS["contributor"][language]
    named = (one.format(claim=c.claim_id, yuan=f"{c.excess.fen // 100:,}") for c in claims)
    told: str = _WORDS["contributors"][language]
    return told.format(n=len(claims), claims=_WORDS["between"][language].join(named))


def _split(panel: Panel, hospital: int, first: int, last: int) -> dict[str, str]:
    """Price, volume and mix against the same months a year before; nothing without them."""
    if first < _PAST_MONTHS:
        return {}
    before = window_of(panel, hospital, first - _PAST_MONTHS, last - _PAST_MONTHS)
    growth = split_growth(spent(before), spent(window_of(panel, hospital, first, last)))
    parts = ("change", "price", "volume", "mix")
    return {name: getattr(growth, name).to_wire() for name in parts}


def _change(part: Any, first: int, last: int) -> float:
    """What others did in a window against the year before it."""
    before = part[max(0, first - _PAST_MONTHS) : first]
    return float(part[first : last + 1].mean() - (before.mean() if len(before) else 0.0))


def _peers(panel: Panel, hospital: int, t: int) -> int:
    others = (panel.claims[:, t] > 0) & (np.arange(len(panel.hospitals)) != hospital)
    same = int((others & (panel.level == panel.level[hospital])).sum())
    return same if same >= PEERS_LEAST else int(others.sum())


def _moved(value: float, by: float, log: bool) -> float:
    return value * math.exp(by) if log else value + by


def _possible(value: float) -> float:
    """Shares and counts are compared by differences, which may reach below nothing; they do not."""
    return max(0.0, value)


def _value(value: float, unit: str) -> str:
    shown = _possible(value)
    return f"{shown * 100:.1f} %" if unit == "share" else f"{shown:,.2f}"


def _growth(gain: float, log: bool, unit: str) -> str:
    if log:
        return f"{math.expm1(gain) * 100:+.1f} %"
    return f"{gain * 100:+.1f} pp" if unit == "share" else f"{gain:+.2f}"
