"""Honest histories: pregnancies with visits, stays and births, and surgeries beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.audit.claims import Claims, claims, joined, next_row, taken, without_visits_in_stays
from bench.audit.plan import Plan
from bench.audit.world import AFTER, A, Array, C, F, P, V, World, festival_days

_SEVERITY = np.array([[0.70, 0.20, 0.08, 0.02], [0.62, 0.24, 0.11, 0.03], [0.50, 0.28, 0.16, 0.06]])
"""Shares of severities 1-4 by level 1-3."""
_REFERRED = np.array([0.22, 0.30, 0.32, 0.16])
LOG_STAY = np.array([1.15, 1.65, 1.55, 0.0, 0.0])
"""Median log days of a stay, by case."""
LOG_STAY_SD = np.array([0.34, 0.38, 0.50, 0.0, 0.0])
_ANTEPARTUM = 0.12
_TOUCHING = 0.01
_ELSEWHERE = 0.12
_AGAIN = 0.04
_TWICE_A_DAY = 0.001


def honest(world: World, plan: Plan) -> Claims:
    """All claims of the province, some before and after the panel, before anybody cheats."""
    draw = np.random.default_rng([world.seed, 3])
    born = _births(draw, world, plan)
    stays = _antepartum(draw, world, plan, born)
    visits = _visits(draw, world, born, next_row(stays))
    surgeries = _surgeries(draw, world, born, next_row(visits))
    return without_visits_in_stays(joined([born, stays, visits, surgeries]))


def severities(draw: np.random.Generator, shares: Array) -> Array:
    """One severity, 1 to 4, for each row of shares."""
    drawn = draw.random(len(shares))[:, None] > np.cumsum(shares, axis=1)[:, :3]
    severity: Array = drawn.sum(axis=1) + 1
    return severity


def stays_of(draw: np.random.Generator, case: Array, severity: Array) -> Array:
    """Days from admission to discharge."""
    log = LOG_STAY[case] + 0.13 * (severity - 1) + draw.normal(0, 1, len(case)) * LOG_STAY_SD[case]
    days: Array = np.clip(np.round(np.exp(log)), 1, 90).astype(np.int64)
    return days


def _births(draw: np.random.Generator, world: World, plan: Plan) -> Claims:
    expected = world.births.copy()
    referred = np.zeros(expected.shape, dtype=bool)
    for one in plan.alike("referral_centre"):
        expected[one.hospital, one.onset :] *= 1.15
        referred[one.hospital, one.onset :] = True
    for one in plan.alike("volume_jump"):
        expected[one.hospital, one.onset :] *= draw.uniform(1.5, 2.3)
    count = draw.poisson(expected)
    hospital, month = (np.repeat(at.ravel(), count.ravel()) for at in np.indices(count.shape))
    n = len(hospital)
    to_centre = referred[hospital, month]
    severity = severities(
        draw, np.where(to_centre[:, None], _REFERRED, _SEVERITY[world.level[hospital] - 1])
    )
    logit = world.cesarean[hospital, month] + 0.35 * to_centre + 0.25 * (severity - 1.5)
    case = np.where(draw.random(n) < 1 / (1 + np.exp(-logit)), C, V)
    stay = stays_of(draw, case, severity)
    stay = np.round(stay * np.where(to_centre, 1.15, 1)).astype(np.int64)
    weeks = np.clip(np.round(39.3 - 0.7 * (severity - 1) + draw.normal(0, 1.2, n)), 28, 42)
    born = claims(
        n, 0, person=np.arange(n), age=_ages(draw, n), hospital=hospital, case=case,
        severity=severity, stay=stay, weeks=weeks,
        discharged=world.start[month] + _days(draw, world, month),
        scans=draw.poisson(1.2 * world.scans[hospital]),
        tests=draw.poisson((10 + 5 * severity) * world.tests[hospital]),
        variant=draw.integers(0, 6, n), luck=draw.normal(0, 1, n),
    )  # fmt: skip
    return _second_births(draw, _huge_cases(draw, world, plan, born))


def _huge_cases(draw: np.random.Generator, world: World, plan: Plan, born: Claims) -> Claims:
    """One birth that goes very wrong, weeks in the ward."""
    severity, stay, discharged, luck = (
        born.severity.copy(), born.stay.copy(), born.discharged.copy(), born.luck.copy()
    )  # fmt: skip
    month = world.month_of(discharged)
    for one in plan.alike("huge_case"):
        able = np.flatnonzero((born.hospital == one.hospital) & (month == one.onset))
        if len(able):
            at = draw.choice(able)
            longer = int(draw.integers(25, 75))
            severity[at], luck[at] = 4, draw.uniform(3, 6)
            stay[at] = longer
            # within the month that the plan marks
            discharged[at] = world.start[one.onset + 1] - 1
    return replace(
        born, severity=severity, stay=stay, discharged=discharged, luck=luck,
        true_severity=severity, true_stay=stay,
    )  # fmt: skip


def _second_births(draw: np.random.Generator, born: Claims) -> Claims:
    """Some women give birth twice within the panel, a year and a half apart or more."""
    order = np.argsort(born.discharged, kind="stable")
    person, age = born.person.copy(), born.age.copy()
    late = order[born.discharged[order] > born.discharged.min() + 560]
    again = draw.choice(late, int(_AGAIN * len(late)), replace=False)
    latest = np.searchsorted(born.discharged[order], born.discharged[again] - 540)
    first = order[(draw.random(len(again)) * latest).astype(np.int64)]
    # a first birth is not itself a second one, nor the first of two
    _, once = np.unique(first, return_index=True)
    again, first = again[once], first[once]
    free = ~np.isin(first, again)
    again, first = again[free], first[free]
    person[again] = person[first]
    age[again] = age[first] + (born.discharged[again] - born.discharged[first]) // 365
    return replace(born, person=person, age=age)


def _antepartum(draw: np.random.Generator, world: World, plan: Plan, born: Claims) -> Claims:
    """Stays before the birth: weeks before, touching it, or at the hospital that sent her on."""
    n = len(born)
    month = np.minimum(world.month_of(born.discharged), world.months + AFTER - 1)
    sender = plan.senders[born.hospital]
    since = np.full(world.hospitals, 10_000)
    for one in plan.look_alikes:
        if one.kind in ("lawful_transfers", "referral_centre"):
            since[one.hospital] = one.onset
    sent = (
        (sender >= 0)
        & (month >= since[born.hospital])
        & (draw.random(n) < plan.sent[born.hospital])
    )
    touching = ~sent & (draw.random(n) < _TOUCHING)
    before = ~sent & ~touching & (draw.random(n) < _ANTEPARTUM) & (born.weeks >= 32)
    has = np.flatnonzero(sent | touching | before)
    count = len(has)
    early = before[has]
    weeks = np.where(early, draw.integers(24, np.maximum(born.weeks[has] - 2, 25)), born.weeks[has])
    gone = np.where(
        early, (born.weeks[has] - weeks) * 7, draw.integers(0, 2, count) * touching[has]
    )
    severity = np.where(draw.random(count) < 0.6, 2, 1) + (draw.random(count) < 0.15)
    case = np.full(count, A)
    stay = np.where(sent[has], draw.integers(1, 3, count), stays_of(draw, case, severity))
    hospital = np.where(sent[has], sender[has], born.hospital[has])
    return claims(
        count, next_row(born), person=born.person[has], age=born.age[has], hospital=hospital,
        case=case, severity=severity, stay=np.where(early, np.minimum(stay, 30), stay),
        weeks=weeks, discharged=born.admitted[has] - gone,
        scans=draw.poisson(1.5 * world.scans[hospital]),
        tests=draw.poisson(14 * world.tests[hospital]), variant=draw.integers(0, 6, count),
        luck=draw.normal(0, 1, count),
    )  # fmt: skip


def _visits(draw: np.random.Generator, world: World, born: Claims, first_row: int) -> Claims:
    """Prenatal visits, spread over the pregnancy from the eighth week on."""
    seen = draw.random(len(born)) >= world.unseen[born.hospital]
    many = np.where(seen, 1 + draw.poisson(world.visits - 1, len(born)), 0)
    many = np.minimum(many, 12)
    of = np.repeat(np.arange(len(born)), many)
    turn = np.arange(len(of)) - np.repeat(np.cumsum(many) - many, many)
    elsewhere = (draw.random(len(born)) < _ELSEWHERE)[of]
    week = 8 + (born.weeks[of] - 9) * (turn + draw.random(len(of))) / many[of]
    day = (born.admitted[of] - np.round((born.weeks[of] - week) * 7)).astype(np.int64)
    hospital = np.where(
        elsewhere, draw.permutation(world.hospitals)[born.hospital[of]], born.hospital[of]
    )
    first = turn == 0
    near = np.min(np.abs(day[:, None] - festival_days()[None, :] - 2), axis=1)
    kept = (near > 5) | (draw.random(len(of)) < 0.5)
    n = len(of)
    visits = claims(
        n, first_row, person=born.person[of],
        age=born.age[of], hospital=hospital, case=P, severity=1, stay=0,
        weeks=np.floor(week).astype(np.int64), discharged=day,
        scans=draw.poisson(np.where(first, 0.9, 0.5) * world.scans[hospital]),
        tests=draw.poisson(np.where(first, 16, 4) * world.tests[hospital]),
        variant=draw.integers(0, 6, n), luck=draw.normal(0, 1, n),
    )  # fmt: skip
    visits = taken(visits, kept & (day < born.admitted[of]))
    # called back the same day, for something else: lawful
    back = taken(visits, draw.random(len(visits)) < _TWICE_A_DAY)
    tests = back.tests + 1 + draw.poisson(3, len(back))
    back = replace(
        back, row=np.arange(len(back)) + next_row(visits), scans=back.scans * 0, tests=tests,
        true_scans=back.scans * 0, true_tests=tests, luck=draw.normal(0, 1, len(back)),
    )  # fmt: skip
    return joined([visits, back])


def _surgeries(draw: np.random.Generator, world: World, born: Claims, first_row: int) -> Claims:
    """Family planning: of mothers some months after a birth, of other women, of a few men."""
    total = len(world.start) - 1
    count = draw.poisson(0.35 * world.births)
    hospital, month = (np.repeat(at.ravel(), count.ravel()) for at in np.indices(count.shape))
    n = len(hospital)
    discharged = world.start[month] + _days(draw, world, np.minimum(month, total - 1))
    person = born.person.max() + 1 + np.arange(n)
    age = np.clip(np.round(draw.normal(31, 6, n)), 16, 50)
    _, births = np.unique(born.person, return_counts=True)
    once = np.flatnonzero(np.isin(born.person, np.flatnonzero(births == 1)))
    mother = draw.choice(once, min(len(once), n // 8), replace=False)
    at = draw.choice(n, len(mother), replace=False)
    late = discharged[at] > born.discharged[mother] + 90
    person[at[late]] = born.person[mother[late]]
    age[at[late]] = born.age[mother[late]] + 1
    male = (draw.random(n) < 0.01) & (person > born.person.max())
    return claims(
        n, first_row, person=person, male=male, age=age, hospital=hospital, case=F, severity=1,
        stay=(draw.random(n) < 0.4) * draw.integers(1, 4, n), discharged=discharged,
        scans=draw.poisson(0.8, n), tests=draw.poisson(5, n), variant=draw.integers(0, 6, n),
        luck=draw.normal(0, 1, n),
    )  # fmt: skip


def _ages(draw: np.random.Generator, n: int) -> Array:
    ages: Array = np.clip(np.round(draw.normal(29.5, 4.8, n)), 16, 50).astype(np.int64)
    return ages


def _days(draw: np.random.Generator, world: World, month: Array) -> Array:
    length = world.start[month + 1] - world.start[month]
    days: Array = (draw.random(len(month)) * length).astype(np.int64)
    return days
