"""What hospitals do over months: written down before the bill is made, or on the bill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.audit.claims import (
    CONSUMABLE,
    DRUG,
    EXAM,
    LAB,
    TREATMENT,
    Claims,
    claims,
    joined,
    next_row,
)
from bench.audit.histories import stays_of
from bench.audit.plan import NUMBER, Event, Plan
from bench.audit.world import A, Array, C, P, V, World

_MONTH_END = 0.7
"""Share of invented births that are dated on a month's last days."""
_WITHOUT_ANESTHESIA = 0.3


def written_down(world: World, plan: Plan, some: Claims) -> Claims:
    """The claims as hospitals code them: modes, complications, stays and visits that were not."""
    draw = np.random.default_rng([world.seed, 4])
    shown = {name: getattr(some, name).copy() for name in (
        "case", "severity", "stay", "discharged", "scans", "tests", "padded", "kind",
        "without_anesthesia",
    )}  # fmt: skip
    month = world.month_of(some.discharged)
    added: list[Claims] = []
    row = next_row(some)
    for event in plan.events:
        during = (some.hospital == event.hospital) & (month >= event.onset) & (month <= event.last)
        touched = during & (draw.random(len(some)) < event.size)
        if event.kind == "upcoding_caesarean":
            at = np.flatnonzero(touched & (some.case == V))
            shown["case"][at] = C
            _longer(shown, at, draw.integers(1, 4, len(at)))
            shown["padded"][at] = draw.uniform(0.0, 0.25, len(at))
            shown["without_anesthesia"][at] = draw.random(len(at)) < _WITHOUT_ANESTHESIA
        elif event.kind == "upcoding_complication":
            at = np.flatnonzero(touched & some.is_birth & (some.severity < 4))
            shown["severity"][at] = np.minimum(some.severity[at] + draw.integers(1, 3, len(at)), 4)
            shown["padded"][at] = draw.uniform(0.10, 0.28, len(at))
        elif event.kind == "stay_inflation":
            at = np.flatnonzero(touched & some.is_stay)
            _longer(shown, at, draw.integers(1, 4, len(at)))
        elif event.kind == "extra_prenatal":
            at = np.flatnonzero(touched & (some.case == P))
            shown["scans"][at] += 1 + draw.poisson(0.5, len(at))
            shown["tests"][at] += 1 + draw.poisson(4, len(at))
        elif event.kind == "split_admission":
            at = np.flatnonzero(touched & some.is_birth)
            added.append(_split_off(draw, some, at, row))
            row += len(at)
            continue
        elif event.kind == "phantom_delivery":
            added.append(_phantoms(draw, world, event, some, row))
            row += len(added[-1])
            continue
        else:
            continue
        shown["kind"][at] = NUMBER[event.kind]
    return contradicted_by_nights(joined([replace(some, **shown), *added]))


def billed(world: World, plan: Plan, some: Claims, fen: Array) -> tuple[Claims, Array]:
    """Bills made dearer for everybody, or with charges twice; with what that took in excess."""
    draw = np.random.default_rng([world.seed, 5])
    month = world.month_of(some.discharged)
    fen, kind, excess = fen.copy(), some.kind.copy(), some.excess.copy()
    scans, tests = some.scans.copy(), some.tests.copy()
    for event in plan.of_kind("drift_fast", "drift_slow", "step", "spike", "duplicate_item"):
        during = (some.hospital == event.hospital) & (month >= event.onset) & (month <= event.last)
        if event.kind == "duplicate_item":
            at = np.flatnonzero(during & (draw.random(len(some)) < event.size))
            of = draw.choice([EXAM, LAB, TREATMENT, CONSUMABLE], len(at), p=[0.3, 0.4, 0.15, 0.15])
            more = fen[at, of]
            fen[at, of] += more
            scans[at] += np.where(of == EXAM, scans[at], 0)
            tests[at] += np.where(of == LAB, tests[at], 0)
        else:
            at = np.flatnonzero(during & (some.case != P if draw.random() < 0.5 else during))
            elapsed = month[at] - event.onset + 1
            log = event.size * (elapsed if event.kind.startswith("drift") else 1)
            raised = _dearer(draw, fen[at], np.broadcast_to(log, at.shape))
            more = raised.sum(axis=1) - fen[at].sum(axis=1)
            fen[at] = raised
        excess[at] += more
        kind[at] = np.where(more > 0, NUMBER[event.kind], kind[at])
    return replace(some, kind=kind, excess=excess, scans=scans, tests=tests), fen


def _dearer(draw: np.random.Generator, fen: Array, log: Array) -> Array:
    """The bill grown by exp(log), through all charges or through those easiest to add to."""
    factor = np.exp(log)[:, None]
    if draw.random() < 0.5:
        raised: Array = np.round(fen * factor).astype(np.int64)
        return raised
    total = fen.sum(axis=1, keepdims=True)
    easy = np.zeros(fen.shape)
    for charge in (EXAM, LAB, DRUG, CONSUMABLE, TREATMENT):
        easy[:, charge] = fen[:, charge]
    base = np.maximum(easy.sum(axis=1, keepdims=True), 1)
    added: Array = np.round(easy / base * total * (factor - 1)).astype(np.int64)
    return fen + added


def contradicted_by_nights(some: Claims) -> Claims:
    """A stay whose added nights reach into the woman's next one contradicts it, whoever had her
    then: whoever finds the two beside each other has found something wrong.
    """
    stays = np.flatnonzero(some.is_stay)
    order = stays[np.lexsort((some.admitted[stays], some.person[stays]))]
    one, following = order[:-1], order[1:]
    begins = some.admitted[following]
    meet = (
        (some.person[one] == some.person[following])
        & (some.discharged[one] > begins)
        & (some.admitted[one] + some.true_stay[one] <= begins)
    )
    partner = some.partner.copy()
    partner[one[meet]] = some.row[following[meet]]
    return replace(some, partner=partner)


def _longer(shown: dict[str, Array], at: Array, days: Array) -> None:
    shown["stay"][at] += days
    shown["discharged"][at] += days


def _split_off(draw: np.random.Generator, some: Claims, at: Array, row: int) -> Claims:
    """A stay of its own made of the days before the birth, ending where the next begins."""
    n = len(at)
    case = np.full(n, A)
    return claims(
        n, row, person=some.person[at], age=some.age[at], hospital=some.hospital[at], case=case,
        severity=1 + (draw.random(n) < 0.5), stay=draw.integers(2, 5, n), weeks=some.weeks[at],
        discharged=some.admitted[at] - (draw.random(n) < 0.3), scans=draw.poisson(1.5, n),
        tests=draw.poisson(14, n), variant=draw.integers(0, 6, n), luck=draw.normal(0, 1, n),
        kind=NUMBER["split_admission"],
    )  # fmt: skip


def _phantoms(
    draw: np.random.Generator, world: World, event: Event, some: Claims, row: int
) -> Claims:
    """Births that never were: of women never seen before, often on a month's last days."""
    months = np.arange(event.onset, event.last + 1)
    count = np.maximum(draw.poisson(event.size * world.births[event.hospital, months]), 1)
    month = np.repeat(months, count)
    n = len(month)
    length = world.start[month + 1] - world.start[month]
    late = draw.random(n) < _MONTH_END
    day = np.where(late, length - 1 - draw.integers(0, 3, n), draw.random(n) * length)
    case = np.where(draw.random(n) < 0.85, V, C)
    severity = np.ones(n, dtype=np.int64)
    return claims(
        n, row, person=10_000_000 + event.number * 100_000 + np.arange(n),
        age=draw.integers(22, 36, n), hospital=event.hospital, case=case, severity=severity,
        stay=stays_of(draw, case, severity), weeks=draw.integers(38, 41, n),
        discharged=world.start[month] + day.astype(np.int64),
        scans=draw.poisson(1.2, n), tests=draw.poisson(15, n), variant=draw.integers(0, 6, n),
        luck=0.4 * draw.normal(0, 1, n), kind=NUMBER["phantom_delivery"],
    )  # fmt: skip
