"""Who cheats how and since when, and who only looks so: drawn before any claim is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.audit.world import WARM_UP, Array, World

SERIES_KINDS = (
    "drift_fast", "drift_slow", "step", "spike", "upcoding_caesarean", "upcoding_complication",
    "stay_inflation", "split_admission", "phantom_delivery", "extra_prenatal", "duplicate_item",
)  # fmt: skip
"""Violations of a hospital over months."""
SCATTERED_KINDS = (
    "sex", "age", "duplicate_claim", "overlap", "short_interval", "beds_beyond_stay",
    "no_anesthesia", "overcharge",
)  # fmt: skip
"""Violations of single claims, anywhere."""
KINDS = ("", *SERIES_KINDS, *SCATTERED_KINDS)
NUMBER = {kind: number for number, kind in enumerate(KINDS)}
SERIES_ONLY = frozenset({"drift_fast", "drift_slow", "step", "spike"})
"""Every bill a little dearer: seen in the series, never provable on one claim."""
LOOK_ALIKES = (
    "province_step", "price_reform", "natural_drift", "very_small", "referral_centre",
    "volume_jump", "huge_case", "lawful_transfers",
)  # fmt: skip
SMALL = 8
"""Births a month under which a hospital is very small."""
_MONTHS_OF_REFORM = 6
_MONTHS_OF_STEP = 3
_MONTHS_OF_HUGE_CASE = 3
_DRIFT_A_YEAR = 0.09


@dataclass(frozen=True)
class Event:
    """One hospital's violation: from month `onset` to month `last`, both within."""

    number: int
    hospital: int
    kind: str
    onset: int
    last: int
    size: float
    """Its strength by kind: log cost, or the share of claims touched."""


@dataclass(frozen=True)
class LookAlike:
    """Months of a hospital that differ for a lawful reason."""

    hospital: int
    kind: str
    onset: int
    last: int


@dataclass(frozen=True)
class Plan:
    events: tuple[Event, ...]
    look_alikes: tuple[LookAlike, ...]
    senders: Array
    """By hospital: which other one sends it women in labour (-1: none)."""
    sent: Array
    """By hospital: the share of its births that are sent so."""

    def of_kind(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]

    def alike(self, kind: str) -> list[LookAlike]:
        return [one for one in self.look_alikes if one.kind == kind]


_SIZES = {
    "drift_fast": (0.030, 0.030), "drift_slow": (0.0125, 0.0125), "step": (0.10, 0.22),
    "spike": (0.25, 0.50), "upcoding_caesarean": (0.12, 0.28),
    "upcoding_complication": (0.15, 0.35), "stay_inflation": (0.25, 0.50),
    "split_admission": (0.08, 0.20), "phantom_delivery": (0.08, 0.22),
    "extra_prenatal": (0.25, 0.50), "duplicate_item": (0.10, 0.25),
}  # fmt: skip


def drawn_plan(world: World, strength: float) -> Plan:
    """About a third of the hospitals cheat, every kind about equally often; of the others some
    only look so. `strength` multiplies every violation's size.
    """
    draw = np.random.default_rng([world.seed, 2])
    usual = world.births[:, : world.months].mean(axis=1)
    able = np.flatnonzero(world.volume >= min(SMALL, np.median(world.volume)))
    likely = np.sqrt(world.volume[able])
    able = draw.choice(able, len(able), replace=False, p=likely / likely.sum())
    count = max(2, round(world.hospitals * 0.33))
    kinds = np.tile(draw.permutation(SERIES_KINDS), count // len(SERIES_KINDS) + 1)
    events = tuple(
        _event(draw, number, int(hospital), str(kinds[number]), world.months, strength)
        for number, hospital in enumerate(able[:count])
    )
    honest = able[count:]
    single, senders, sent = _singled_out(draw, world, honest)
    shared = [
        LookAlike(hospital, "very_small", WARM_UP, world.months - 1)
        for hospital in np.flatnonzero(usual < SMALL).tolist()
    ]
    return Plan(
        events, tuple(single + shared + _of_prices(world) + _drifting(world)), senders, sent
    )


def _event(
    draw: np.random.Generator, number: int, hospital: int, kind: str, months: int, strength: float
) -> Event:
    onset = int(draw.integers(WARM_UP + 1, max(WARM_UP + 2, months - 4)))
    length = 1 if kind == "spike" else int(draw.integers(5, 19))
    if kind.startswith("drift"):
        length += 6
    low, high = _SIZES[kind]
    size = float(draw.uniform(low, high)) * strength
    return Event(number, hospital, kind, onset, min(onset + length, months) - 1, size)


def _singled_out(
    draw: np.random.Generator, world: World, honest: Array
) -> tuple[list[LookAlike], Array, Array]:
    """What befalls single honest hospitals, who sends whom women, and how many."""
    found: list[LookAlike] = []
    last = world.months - 1
    each = max(1, round(world.hospitals * 0.03))
    chosen = iter(honest.tolist())
    for kind, many in (
        ("referral_centre", each),
        ("volume_jump", each),
        ("lawful_transfers", each),
    ):
        for _, hospital in zip(range(many), chosen, strict=False):
            onset = int(draw.integers(WARM_UP + 1, last - 3))
            found.append(LookAlike(hospital, kind, onset, last))
    for _, hospital in zip(range(2 * each), chosen, strict=False):
        onset = int(draw.integers(WARM_UP + 1, last))
        end = min(onset + _MONTHS_OF_HUGE_CASE - 1, last)
        found.append(LookAlike(hospital, "huge_case", onset, end))
    senders, sent = np.full(world.hospitals, -1), np.zeros(world.hospitals)
    for one in [one for one in found if one.kind in ("lawful_transfers", "referral_centre")]:
        others = np.flatnonzero(np.arange(world.hospitals) != one.hospital)
        near = others[world.region[others] == world.region[one.hospital]]
        senders[one.hospital] = int(draw.choice(near if len(near) else others))
        # a centre's women may come by themselves
        sent[one.hospital] = draw.uniform(0.08 if one.kind == "lawful_transfers" else 0, 0.22)
    return found, senders, sent


def _of_prices(world: World) -> list[LookAlike]:
    """The months after prices moved for everybody, or for a region by notice."""
    found = []
    last = world.months - 1
    for notice in world.notices:
        end = min(notice.month + _MONTHS_OF_REFORM - 1, last)
        for hospital in np.flatnonzero(world.region == notice.region).tolist():
            found.append(LookAlike(hospital, "price_reform", notice.month, end))
    if world.province_step is not None:
        end = min(world.province_step + _MONTHS_OF_STEP - 1, last)
        for hospital in range(world.hospitals):
            found.append(LookAlike(hospital, "province_step", world.province_step, end))
    return found


def _drifting(world: World) -> list[LookAlike]:
    """Months in which a hospital's own growth of a year is large, and natural."""
    own = world.own_growth
    found = []
    for month in range(WARM_UP, world.months):
        gained = own[:, month] - own[:, month - WARM_UP]
        for hospital in np.flatnonzero(gained - np.median(gained) > _DRIFT_A_YEAR).tolist():
            found.append(LookAlike(hospital, "natural_drift", month, month))
    return found
