"""What each hospital's month was in truth: clean, a violation, lawful look-alike, or its trace."""

from __future__ import annotations

import numpy as np

from bench.audit.claims import Claims
from bench.audit.plan import NUMBER, Plan
from bench.audit.world import WARM_UP, Array, World

TRACE = 12
"""Months after a violation's end that count nowhere: its past is not the hospital's own."""
CLEAN, VIOLATION, LOOK_ALIKE, TRACED, WARMING = (
    "clean", "violation", "look_alike", "trace", "warm_up",
)  # fmt: skip


def series_labels(world: World, plan: Plan, some: Claims) -> dict[str, Array]:
    """One row for every hospital-month with claims. `excess` in yuan, of the event's kind alone."""
    months, hospitals = world.months, world.hospitals
    shape = (hospitals, months)
    month = world.month_of(some.discharged)
    cell = some.hospital * months + month
    present = np.bincount(cell, minlength=hospitals * months).reshape(shape) > 0
    state = np.full(shape, CLEAN, dtype="U10")
    kind = np.full(shape, "", dtype="U24")
    event_of = np.full(shape, "", dtype="U5")
    onset = np.full(shape, "", dtype="U7")
    excess = np.zeros(shape)
    name = np.array(
        [str(np.datetime64(int(day), "D").astype("datetime64[M]")) for day in world.start[:months]]
    )
    # of several reasons the rarer one names the month: those of all hospitals were listed last
    for one in reversed(plan.look_alikes):
        span = slice(one.onset, one.last + 1)
        state[one.hospital, span], kind[one.hospital, span] = LOOK_ALIKE, one.kind
        onset[one.hospital, span] = name[one.onset]
    state[:, :WARM_UP], kind[:, :WARM_UP], onset[:, :WARM_UP] = WARMING, "", ""
    for event in plan.events:
        of_it = (some.kind == NUMBER[event.kind]) & (some.hospital == event.hospital)
        gained = np.bincount(month[of_it], some.excess[of_it] / 100, months)[:months]
        span = slice(event.onset, event.last + 1)
        after = slice(event.onset, min(event.last + 1 + TRACE, months))
        at = event.hospital
        state[at, after], kind[at, after], onset[at, after] = TRACED, event.kind, ""
        during = np.zeros(months, dtype=bool)
        during[span] = gained[span] > 0
        state[at, during], onset[at, during] = VIOLATION, name[event.onset]
        event_of[at, during] = f"E{event.number + 1:03d}"
        excess[at, during] = gained[during]
    hospital, number = np.nonzero(present)
    return {
        "hospital_id": np.array([f"H{n + 1:04d}" for n in hospital]),
        "month": name[number], "state": state[present], "event_id": event_of[present],
        "kind": kind[present], "onset": onset[present],
        "amount_excess": np.round(excess[present], 2),
    }  # fmt: skip
