"""Stays and visits as a hospital tells of them: 2401, 2402, 2403, 2201, 2202, 2203."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from services.settlement.actions import discharge, open_stay
from services.settlement.actions.cancel_stay import cancel_stay
from services.settlement.actions.reopen_stay import reopen_stay
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Outcome, Stay, StayState, unlike_lines
from services.settlement.nhsa import ids
from services.settlement.nhsa.counter import CANCELLED, Call, Done
from services.settlement.nhsa.maternity import benefit_told, facts_of, outcome_told
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import NOTHING_REGISTERED, OTHER_PERSON
from services.settlement.store import courses, encounters, lines, pregnancies, stays
from services.settlement.store.encounters import Encounter
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.problems import Problem
from shared.policy.shapes import Benefit

BEFORE_LEAVE = "before_leave"
"""What was told of a stay before its discharge was: it counts again once that is taken back."""


async def admit(call: Call) -> bytes:
    """2401: a stay begins; which pregnancy it belongs to is ours to find."""
    row = call.input.one("mdtrtinfo")
    call.insured_under(row)
    told = facts_of(row, call.input.rows("diseinfo"))
    person_ref = call.person(row)

    async def effect(tx: Connection) -> Done:
        stay_id = new_id()
        await _open(tx, call, row, told, stay_id, person_ref, row.text("ipt_no"))
        encounter = Encounter(stay_id, person_ref, told)
        await _note(tx, call, encounter)
        return stay_id, {"result": {"mdtrt_id": ids.to_wire(stay_id), "exp_content": ""}}

    return await call.once(effect)


async def register_visit(call: Call) -> bytes:
    """2201: a visit is registered. What it is for is told by 2203; until then it is no stay."""
    row = call.input.one("data")
    call.insured_under(row)
    visit = Encounter(new_id(), call.person(row), facts_of(row, []))

    async def effect(tx: Connection) -> Done:
        await _note(tx, call, visit)
        shown = {
            "mdtrt_id": ids.to_wire(visit.stay_id),
            "psn_no": ids.person_to_wire(visit.person_ref),
            "ipt_otp_no": row.text("ipt_otp_no"),
            "exp_content": "",
        }
        return visit.stay_id, {"data": shown}

    return await call.once(effect)


async def tell_visit(call: Call) -> bytes:
    """2203: what a registered visit is for; told again before it is settled, it is corrected."""
    row = call.input.one("mdtrtinfo")

    async def effect(tx: Connection) -> Done:
        visit = await call.encounter(tx, row, lock=True)
        told = {**visit.told, **facts_of(row, call.input.rows("diseinfo"))}
        stay = await _find_stay(tx, call, visit.stay_id)
        if stay is None:
            number = told["ipt_otp_no"]
            await _open(tx, call, row, told, visit.stay_id, visit.person_ref, number)
        elif stay.state is StayState.SETTLED:
            raise call.counter.problem_of(Refusal.STAY_CLOSED)
        else:
            _of_one_benefit(call, row, stay)
        await encounters.tell(tx, call.profile.pool_code, replace(visit, told=told))
        return visit.stay_id, {}

    return await call.once(effect)


async def tell_more(call: Call) -> bytes:
    """2403: what was told of a stay is corrected, until it is discharged."""
    row = call.input.one("adminfo")

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row, lock=True)
        stay = await the_stay(tx, call, encounter.stay_id)
        if stay.state is not StayState.OPEN:
            raise call.counter.problem_of(Refusal.STAY_CLOSED)
        _of_one_benefit(call, row, stay)
        told = {**encounter.told, **facts_of(row, call.input.rows("diseinfo"))}
        if row.day("begntime") not in (None, stay.admitted_on):
            raise row.wrong("begntime", "not_accepted")
        await encounters.tell(tx, call.profile.pool_code, replace(encounter, told=told))
        return encounter.stay_id, {}

    return await call.once(effect)


async def leave(call: Call) -> bytes:
    """2402: a stay ends; the bill is what its lines sum to."""
    row = call.input.one("dscginfo")
    left_on = row.day("endtime")
    assert left_on is not None  # noqa: S101 - demanded

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row, lock=True)
        before = encounter.told.get(BEFORE_LEAVE, encounter.told)
        told = {**encounter.told, **facts_of(row, call.input.rows("diseinfo"))}
        stay = await the_stay(tx, call, encounter.stay_id)
        if not stay.cost.total:
            raise call.counter.problem_of(unlike_lines(stay))
        outcome = call.taken(await outcome_of(tx, stay, told, left_on))
        call.taken(await discharge.discharge(tx, call.scene, stay.stay_id, outcome))
        left = replace(encounter, told=told | {BEFORE_LEAVE: before})
        await encounters.tell(tx, call.profile.pool_code, left)
        return stay.stay_id, {}

    return await call.once(effect)


async def cancel_admission(call: Call) -> bytes:
    """2404, 2202: a stay or visit that was opened by mistake, without lines, is cancelled."""
    row = call.input.one("data")

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row, lock=True)
        await _cancel(tx, call, encounter)
        return encounter.stay_id, {}

    return await call.once(effect)


async def cancel_unless_cancelled(
    tx: Connection, call: Call, stay_id: UUID, person_ref: str
) -> None:
    """A stay whose admission is taken back by its message; once is enough. Raises Problem."""
    profile = call.profile
    place = (profile.pool_code, profile.institution_code, stay_id)
    encounter = await encounters.find(tx, *place, lock=True)
    if encounter is None or encounter.person_ref != person_ref:
        raise Problem(OTHER_PERSON)
    if CANCELLED not in encounter.told:
        await _cancel(tx, call, encounter)


async def _cancel(tx: Connection, call: Call, encounter: Encounter) -> None:
    # A visit of which nothing but its registration was told is no stay yet.
    if await _find_stay(tx, call, encounter.stay_id) is not None:
        call.taken(await cancel_stay(tx, call.scene, encounter.stay_id))
    gone = replace(encounter, told={**encounter.told, CANCELLED: "1"})
    await encounters.tell(tx, call.profile.pool_code, gone)


async def take_back_leave(call: Call) -> bytes:
    """2405: a discharge is taken back with all that it told, while nothing of the stay stands
    settled."""
    row = call.input.one("data")

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row, lock=True)
        call.taken(await reopen_stay(tx, call.scene, encounter.stay_id))
        before = encounter.told.get(BEFORE_LEAVE, encounter.told)
        await encounters.tell(tx, call.profile.pool_code, replace(encounter, told=before))
        return encounter.stay_id, {}

    return await call.once(effect)


async def outcome_of(
    tx: Connection, stay: Stay, told: Mapping[str, Any], discharged_on: date
) -> Outcome | Refusal:
    """The outcome of a stay by what was told of it. Raises Problem."""
    if stay.pregnancy_id is None:
        return outcome_told(stay, None, told, discharged_on)
    pregnancy = await pregnancies.find(tx, stay.pool_code, stay.pregnancy_id)
    if stay.benefit is Benefit.DELIVERY:
        charged = await lines.modes_charged(tx, stay)
        return outcome_told(stay, pregnancy, told, discharged_on, charged=charged)
    before = await courses.visited(tx, stay.pool_code, stay.pregnancy_id)
    return outcome_told(stay, pregnancy, told, discharged_on, first_visit=not before)


async def the_stay(tx: Connection, call: Call, stay_id: UUID) -> Stay:
    """The institution's stay. Raises Problem."""
    found = await _find_stay(tx, call, stay_id)
    if found is None:
        raise call.counter.problem_of(Refusal.STAY_UNKNOWN)
    return found


async def _find_stay(tx: Connection, call: Call, stay_id: UUID) -> Stay | None:
    return await stays.find(tx, call.profile.pool_code, call.profile.institution_code, stay_id)


async def _open(
    tx: Connection, call: Call, row: Row, told: dict[str, Any], stay_id: UUID, person_ref: str,
    number: str,
) -> None:  # fmt: skip
    meant = call.profile.med_types.get(row.text("med_type"))
    began_on = row.day("begntime")
    if meant is None or began_on is None:
        raise row.wrong("med_type", "not_accepted")
    benefit, pregnancy_id = benefit_told(meant, told), None
    if benefit is not Benefit.FAMILY_PLANNING:
        pool = call.profile.pool_code
        pregnancy = await pregnancies.of_person(tx, pool, person_ref, began_on)
        if pregnancy is None:
            raise Problem(NOTHING_REGISTERED)
        pregnancy_id = pregnancy.pregnancy_id
    call.taken(
        await open_stay.open_stay(
            tx, call.scene, stay_number=number, person_ref=person_ref, pregnancy_id=pregnancy_id,
            admitted_on=began_on, benefit=benefit, stay_id=stay_id,
        )
    )  # fmt: skip


def _of_one_benefit(call: Call, row: Row, stay: Stay) -> None:
    """What is corrected stays the benefit that was opened. Raises Problem."""
    if not row.filled("med_type"):
        return
    meant = call.profile.med_types.get(row.text("med_type"))
    if meant is None:
        raise row.wrong("med_type", "not_accepted")
    ends = meant is Benefit.DELIVERY and stay.benefit is Benefit.LOSS  # see `benefit_told`
    if meant is not stay.benefit and not ends:
        raise call.counter.problem_of(Refusal.OUTCOME_OF_ANOTHER_BENEFIT)


async def _note(tx: Connection, call: Call, encounter: Encounter) -> None:
    profile = call.profile
    await encounters.note(
        tx, profile.pool_code, profile.institution_code, encounter, call.scene.now
    )
