"""Why a claim has its score, in Chinese and English, with the numbers that it rests on."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any, Final

import ibis
import numpy as np
from ibis.expr import types as ir

from services.audit.scoring.evidence import (
    CHARGES_OF_BILL,
    KINDS,
    Columns,
    Weighed,
    by_month_end,
    farthest_charge,
)
from shared.policy.speech import LANGUAGES

NOTHING = "none"
AT_MONTH_END = "no_visit_late"
NAMES: Final = (NOTHING, *KINDS, AT_MONTH_END)
# Under one in fifty no kind of evidence is worth a sentence of its own.
_WORTH_SAYING = 0.02
_MEASURE: Final[Mapping[str, str]] = {
    "twice": "doubled",
    "cost": "total",
    "mode": "caesarean",
    "severity": "coded",
    "stay": "long",
    "touching": "touching",
    "no_visit": "unprepared",
    AT_MONTH_END: "unprepared_late",
}
_WORDS: Final = tomllib.loads(
    (Path(__file__).parent / "words" / "claims.toml").read_text(encoding="utf-8")
)


def facts(of: Columns, weighed: Weighed, chance: Any) -> dict[str, Any]:
    """What a reason names, by claim: arrays in yuan, days, per cent and standard errors."""
    said = np.where(weighed.chance < _WORTH_SAYING, 0, weighed.kind + 1)
    said[(said == NAMES.index("no_visit")) & by_month_end(of)] = NAMES.index(AT_MONTH_END)
    moved, errors = np.zeros(len(said)), np.zeros(len(said))
    for kind, measure in _MEASURE.items():
        here = said == NAMES.index(kind)
        moved[here] = np.nan_to_num(of[f"d_{measure}"][here]) * 100
        errors[here] = np.nan_to_num(of[f"t_{measure}"][here])
    counts = said == NAMES.index("counts")
    scans, tests = (np.nan_to_num(of[f"t_{count}"][counts]) for count in ("n_us", "n_lab"))
    errors[counts] = np.maximum(scans, tests)
    farthest = farthest_charge(of)
    actual = np.choose(farthest, [of[c] for c in CHARGES_OF_BILL])
    above = np.choose(farthest, [of[f"r_{c}"] for c in CHARGES_OF_BILL])
    return {
        "said": said,
        "farthest": farthest,
        "total": of["total"],
        "expected": _expected(of["total"], of["r_total"]),
        "charge_actual": actual,
        "charge_expected": _expected(actual, above),
        "yuan": weighed.yuan,
        "peers": np.nan_to_num(of["peers"]),
        "n_us": np.nan_to_num(of["n_us"]),
        "n_lab": np.nan_to_num(of["n_lab"]),
        "los": np.nan_to_num(of["los"]),
        "moved": moved,
        "errors": errors,
        "chance_percent": chance * 100,
    }


def reason(claims: ir.Table, versions: str, *, learned: bool) -> ir.StringValue:
    """The sentences of each claim in both languages, with the versions that say so."""
    zh, en = sentences(claims, learned=learned)
    text: ir.StringValue = zh + " | " + en + f" [{versions}]"
    return text


def sentences(claims: ir.Table, *, learned: bool) -> tuple[Any, Any]:
    """The sentence of each claim of a table with the columns of `facts`, rule_ids and `drawn`, in
    Chinese and in English."""
    both = []
    for language in LANGUAGES:
        shown = _shown(claims, language)
        sentence = ibis.cases(
            *(
                (claims.said == number, _filled(_WORDS["kinds"][name][language], shown))
                for number, name in enumerate(NAMES)
            )
        )
        if learned:
            sentence = sentence + "; " + _filled(_WORDS["learned"][language], shown)
        drawn = "; " + _WORDS["drawn"][language]
        both.append(sentence + ibis.ifelse(claims.drawn, drawn, ""))
    return both[0], both[1]


def _expected(actual: Any, log_above: Any) -> Any:
    """What the bill would be without what lies above; the logs begin at ten yuan."""
    return np.maximum((actual + 10) * np.exp(-np.nan_to_num(log_above)) - 10, 0)


def _shown(claims: ir.Table, language: str) -> dict[str, Any]:
    yuan = ("total", "expected", "charge_actual", "charge_expected", "yuan")
    whole = ("peers", "n_us", "n_lab", "los")
    charges = ibis.cases(
        *(
            (claims.farthest == n, _WORDS["charges"][c][language])
            for n, c in enumerate(CHARGES_OF_BILL)
        )
    )
    return {
        **{name: claims[name].cast("decimal(14, 2)").cast("string") for name in yuan},
        **{name: claims[name].cast("int64").cast("string") for name in whole},
        "moved": claims.moved.cast("decimal(9, 1)").cast("string"),
        "degrees": (claims.moved / 100).cast("decimal(9, 2)").cast("string"),
        "errors": claims.errors.cast("decimal(9, 1)").cast("string"),
        "chance": claims.chance_percent.cast("decimal(9, 1)").cast("string"),
        "rule_ids": claims.rule_ids,
        "charge": charges,
    }


def _filled(template: str, shown: Mapping[str, Any]) -> Any:
    parts: list[Any] = []
    for text, name, _spec, _conversion in Formatter().parse(template):
        if text:
            parts.append(ibis.literal(text))
        if name is not None:
            parts.append(shown[name])
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole
