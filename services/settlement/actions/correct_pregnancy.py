"""Correct the first day of a pregnancy, or cancel one that was registered by mistake."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.pregnancy import (
    Cared,
    KnownPregnancy,
    Pregnancy,
    PregnancyState,
    begun_on,
    known_to,
    why_not_cancelled,
)
from services.settlement.domain.refusals import Refusal
from services.settlement.store import pregnancies
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log

_REGISTERED = "registered"


async def correct_pregnancy(
    tx: Connection, scene: Scene, pregnancy_id: UUID, since: date
) -> KnownPregnancy | Refusal:
    """Let a pregnancy have begun on another day, while nothing is settled under it."""
    held = await _held(tx, scene, pregnancy_id)
    if isinstance(held, Refusal):
        return held
    before, cared = held
    after = begun_on(before, since, cared, scene.today)
    if isinstance(after, Refusal):
        return after
    if not await pregnancies.correct(tx, before, since, scene.now):
        return Refusal.PREGNANCY_OVERLAPS
    subject = f"pregnancy:{pregnancy_id}"
    await write_log(tx, [scene.deed("correct_pregnancy", subject, _REGISTERED, _REGISTERED)])
    made = await pregnancies.designations(tx, scene.pool_code, pregnancy_id)
    return known_to(scene.institution_code, after, made)


async def cancel_pregnancy(
    tx: Connection, scene: Scene, pregnancy_id: UUID
) -> KnownPregnancy | Refusal:
    """Let a pregnancy be as if it had never been registered, while no stay or visit is of it; the
    person may be registered anew at once."""
    held = await _held(tx, scene, pregnancy_id)
    if isinstance(held, Refusal):
        return held
    pregnancy, cared = held
    why = why_not_cancelled(cared)
    if why is not None:
        return why
    await pregnancies.cancel(tx, pregnancy, scene.now)
    subject, after = f"pregnancy:{pregnancy_id}", PregnancyState.CANCELLED
    await write_log(tx, [scene.deed("cancel_pregnancy", subject, _REGISTERED, after)])
    made = await pregnancies.designations(tx, scene.pool_code, pregnancy_id)
    return known_to(scene.institution_code, pregnancy, made, cancelled=True)


async def _held(
    tx: Connection, scene: Scene, pregnancy_id: UUID
) -> tuple[Pregnancy, Cared] | Refusal:
    """The pregnancy for who may change it: the hospital that it is entrusted to or that registered
    it, and the agency's staff. To all others it is unknown."""
    found = await pregnancies.hold(tx, scene.pool_code, pregnancy_id)
    if found is None:
        return Refusal.PREGNANCY_UNKNOWN
    pregnancy, registered_by, cared = found
    if scene.institution_code not in ("", pregnancy.institution_code, registered_by):
        return Refusal.PREGNANCY_UNKNOWN
    return pregnancy, cared
