"""Single claims that cannot be: scattered over all hospitals, some more careless than others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.audit.claims import (
    ANESTHESIA,
    BED,
    CONSUMABLE,
    DRUG,
    EXAM,
    LAB,
    SURGERY,
    Claims,
    copies,
    joined,
    next_row,
)
from bench.audit.plan import NUMBER
from bench.audit.world import A, Array, C, P, V, World

_A_MILLION = {
    "sex": 80, "age": 80, "duplicate_claim": 250, "overlap": 150, "short_interval": 60,
    "beds_beyond_stay": 150, "no_anesthesia": 80, "overcharge": 900,
}  # fmt: skip
"""How many of a million claims."""


def contradicted(
    world: World, some: Claims, fen: Array, strength: float
) -> tuple[Claims, Array, Array]:
    """The claims with contradictions planted, their bills, and of which claim each was made;
    added rows come last.
    """
    draw = np.random.default_rng([world.seed, 6])
    careless = np.exp(draw.normal(0, 0.8, world.hospitals))
    shown = {name: getattr(some, name).copy() for name in (
        "male", "age", "kind", "excess", "case", "without_anesthesia",
    )}  # fmt: skip
    fen = fen.copy()
    inside = (some.discharged >= world.start[0]) & (some.discharged < world.end)
    count = {kind: max(1, round(many * inside.sum() / 1e6)) for kind, many in _A_MILLION.items()}
    free = inside & (some.kind == 0)

    def chosen(kind: str, able: Array) -> Array:
        at: Array = np.flatnonzero(able & free)
        weight = careless[some.hospital[at]]
        at = draw.choice(at, min(count[kind], len(at)), replace=False, p=weight / weight.sum())
        free[at] = False
        return at

    at = chosen("sex", some.case <= P)
    shown["male"][at] = True
    _forbidden(shown, at, fen, "sex")
    at = chosen("age", some.case <= P)
    shown["age"][at] = np.where(
        draw.random(len(at)) < 0.5, draw.integers(2, 11, len(at)), draw.integers(59, 85, len(at))
    )
    _forbidden(shown, at, fen, "age")
    at = chosen("beds_beyond_stay", some.is_stay & (some.stay <= 8))
    more = np.round(fen[at, BED] * draw.uniform(1.0, 3.0, len(at)) * strength).astype(np.int64)
    fen[at, BED] += more
    shown["kind"][at], shown["excess"][at] = NUMBER["beds_beyond_stay"], more
    at = chosen("overcharge", some.is_stay)
    of = draw.choice([EXAM, LAB, DRUG, CONSUMABLE], len(at))
    more = np.round(fen[at, of] * draw.uniform(1.5, 5.0, len(at)) * strength).astype(np.int64)
    fen[at, of] += more
    shown["kind"][at], shown["excess"][at] = NUMBER["overcharge"], more
    at = chosen("no_anesthesia", some.case == V)
    shown["case"][at], shown["without_anesthesia"][at] = C, True
    shown["kind"][at] = NUMBER["no_anesthesia"]
    fen[at, SURGERY] += fen[at, ANESTHESIA]
    fen[at, ANESTHESIA] = 0
    more = np.round(fen[at].sum(axis=1) * draw.uniform(0.15, 0.45, len(at))).astype(np.int64)
    fen[at, SURGERY] += more
    shown["excess"][at] = more
    return _with_rivals(draw, replace(some, **shown), fen, chosen, world)


def _forbidden(shown: dict[str, Array], at: Array, fen: Array, kind: str) -> None:
    """Nothing of such a claim can be owed."""
    shown["kind"][at], shown["excess"][at] = NUMBER[kind], fen[at].sum(axis=1)


def _with_rivals(
    draw: np.random.Generator,
    some: Claims,
    fen: Array,
    chosen: Callable[[str, Array], Array],
    world: World,
) -> tuple[Claims, Array, Array]:
    """Second claims beside a first: the same again, elsewhere at once, or born too soon."""
    row = next_row(some)
    at = chosen("duplicate_claim", np.ones(len(some), dtype=bool))
    again = copies(some, at, row)
    parents, bills_of, rivals = [at], [fen[at]], [_rival(again, some.row[at], "duplicate_claim")]

    at = chosen("overlap", some.is_birth & (some.stay >= 2))
    row += len(again)
    elsewhere = copies(some, at, row)
    n = len(at)
    hospital = (some.hospital[at] + draw.integers(1, world.hospitals, n)) % world.hospitals
    end = some.admitted[at] + 1 + (draw.random(n) * (some.stay[at] - 1)).astype(np.int64)
    elsewhere = replace(
        elsewhere, hospital=hospital, case=np.full(n, A), discharged=end,
        stay=draw.integers(1, 5, n), scans=draw.poisson(1.5, n), tests=draw.poisson(14, n),
    )  # fmt: skip
    parents.append(at)
    bills_of.append(_otherwise(draw, fen[at]))
    rivals.append(_rival(elsewhere, some.row[at], "overlap"))

    at = chosen("short_interval", some.is_birth & (some.discharged < world.end - 160))
    row += n
    soon = copies(some, at, row)
    soon = replace(soon, discharged=some.discharged[at] + draw.integers(45, 150, len(at)))
    parents.append(at)
    bills_of.append(_otherwise(draw, fen[at]))
    rivals.append(_rival(soon, some.row[at], "short_interval"))

    all_fen = np.concatenate([fen, *bills_of])
    excess = all_fen[len(some) :].sum(axis=1)
    added = joined(rivals)
    added = replace(added, excess=excess)
    return joined([some, added]), all_fen, np.concatenate([np.arange(len(some)), *parents])


def _rival(again: Claims, partner: Array, kind: str) -> Claims:
    return replace(again, partner=partner, kind=np.full(len(again), NUMBER[kind]))


def _otherwise(draw: np.random.Generator, fen: Array) -> Array:
    """Bills like these, but not the same."""
    noise = np.exp(draw.normal(0, 0.25, fen.shape))
    other: Array = np.round(fen * noise).astype(np.int64)
    return other
