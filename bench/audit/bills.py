"""What a claim costs: log-normal bills by case, stay, severity, hospital and month, in fen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.audit.claims import ANESTHESIA, BED, EXAM, LAB, NURSING, OTHER, Claims
from bench.audit.histories import LOG_STAY
from bench.audit.world import Array, C, F, P, V, World

_YUAN = np.array([3_400.0, 3_400.0, 2_900.0, 0.0, 1_250.0])
"""A usual bill by case; the cesarean's is dearer by the world's own factor."""
_ELASTICITY = np.array([0.67, 0.76, 0.70, 0.0, 0.15])
_SEVERITY = np.array([0.03, 0.035, 0.04, 0.0, 0.0])
_SD = np.array([0.155, 0.166, 0.22, 0.155, 0.25])
_BY_LEVEL = np.array([-0.18, 0.0, 0.16])
_SHARES = np.array([
    [0.08, 0.06, 0.12, 0.15, 0.14, 0.05, 0.13, 0.10, 0.13, 0.04],
    [0.07, 0.05, 0.09, 0.12, 0.23, 0.10, 0.15, 0.12, 0.05, 0.02],
    [0.12, 0.08, 0.17, 0.22, 0.00, 0.00, 0.24, 0.06, 0.09, 0.02],
    [0.0] * 10,
    [0.03, 0.02, 0.12, 0.16, 0.33, 0.12, 0.12, 0.06, 0.02, 0.02],
])  # fmt: skip
_SCAN_YUAN, _TEST_YUAN, _VISIT_YUAN = 118.0, 26.0, 32.0
_EPIDURAL = 0.45
_FUND = np.array([0.90, 0.86, 0.80])
"""The fund's share of what is in scope, by level 1-3."""


@dataclass(frozen=True)
class Luck:
    """What chance adds to each bill; the same for what was shown and what was true."""

    shares: Array
    painless: Array
    scope: Array
    scan: Array
    test: Array


def drawn_luck(draw: np.random.Generator, n: int) -> Luck:
    return Luck(
        shares=draw.standard_normal((n, 10), dtype=np.float32) * np.float32(0.25),
        painless=draw.random(n) < _EPIDURAL, scope=draw.normal(0, 0.35, n),
        scan=np.exp(draw.normal(0, 0.15, n)), test=np.exp(draw.normal(0, 0.20, n)),
    )  # fmt: skip


def bills(world: World, some: Claims, luck: Luck, *, true: bool = False) -> Array:
    """Fen by claim and kind of charge, as shown or as it truly was."""
    case = some.true_case if true else some.case
    severity = some.true_severity if true else some.severity
    days = some.true_stay if true else some.stay
    scans = some.true_scans if true else some.scans
    tests = some.true_tests if true else some.tests
    month = np.clip(world.month_of(some.discharged), 0, world.price.shape[1] - 1)
    common = world.price[some.hospital, month] + _BY_LEVEL[world.level[some.hospital] - 1]
    common = common + world.effect[some.hospital, case] + _SD[case] * some.luck
    if not true:
        common = common + some.padded
    parts = np.empty((len(some), 10))
    lain = case != P
    stayed = np.log(np.maximum(days, 0.5))
    from_usual = stayed - LOG_STAY[case]
    log = np.log(np.maximum(_YUAN[case], 1)) + common + _SEVERITY[case] * (severity - 1)
    log = log + _ELASTICITY[case] * np.where(case == F, stayed, from_usual)
    log = log + np.where(case == C, np.log(world.cesarean_dearer), 0)
    weight = _SHARES[case] * np.exp(world.tilt[some.hospital] + luck.shares)
    weight[:, [BED, NURSING]] *= np.exp(0.5 * np.clip(from_usual, -1.5, 1.5))[:, None]
    weight[:, LAB] *= np.power(np.maximum(tests, 1) / 15, 0.3)
    unconscious = (case == V) & ~luck.painless
    if not true:
        unconscious |= some.without_anesthesia
    weight[unconscious, ANESTHESIA] = 0
    total = np.exp(log)
    parts[lain] = weight[lain] * (total[lain] / weight[lain].sum(axis=1))[:, None]
    parts[~lain] = _visit(common, scans, tests, luck)[~lain]
    fen: Array = np.round(parts * 100).astype(np.int64)
    return fen


def fund_part(world: World, some: Claims, total: Array, luck: Luck) -> Array:
    """Fen that the fund pays: its share of what is in scope."""
    logit = world.out_of_scope[some.hospital] + luck.scope
    in_scope = 1 - 1 / (1 + np.exp(-logit))
    part: Array = np.floor(total * in_scope * _FUND[world.level[some.hospital] - 1])
    return part.astype(np.int64)


def _visit(common: Array, scans: Array, tests: Array, luck: Luck) -> Array:
    parts = np.zeros((len(common), 10))
    factor = np.exp(common)
    parts[:, EXAM] = scans * _SCAN_YUAN * luck.scan * factor
    parts[:, LAB] = tests * _TEST_YUAN * luck.test * factor
    parts[:, OTHER] = _VISIT_YUAN * factor
    return parts
