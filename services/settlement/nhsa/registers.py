"""Registers: pregnancies and whom they are entrusted to, institutions, contributions: 90201, 90101,
2505, 2506, 1201, 90100."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.settlement.actions.look_up_person import look_up_person
from services.settlement.actions.note_person_states import note_person_states
from services.settlement.actions.register_pregnancy import (
    register_pregnancy,
    transfer_pregnancy,
    withdraw_designation,
)
from services.settlement.domain.person import PersonState
from services.settlement.domain.refusals import Refusal
from services.settlement.nhsa import ids
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import NOTHING_REGISTERED
from services.settlement.nhsa.tables import ours
from services.settlement.store import agreements, person_states, pregnancies
from shared.period import Month
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.problems import Problem
from shared.plumbing.repeats import kept_with

_DESIGNATION = re.compile(r"([A-Z2-7]{26})([0-9]{3})", re.ASCII)
_MONTH = re.compile(r"(20[0-9]{2})(0[1-9]|1[0-2])", re.ASCII)
_ONE_DAY = timedelta(days=1)


async def register(call: Call) -> bytes:
    """90201: register a pregnancy with the institution chosen for it, which must have an agreement,
    from the first day of the last menstruation on, else from the day the registration begins. Whom
    nobody knows has none."""
    row = call.input.one("data")
    person_ref = call.person(row)
    since = row.day("last_mena_date") or row.day("begndate")
    assert since is not None  # noqa: S101 - demanded
    chosen = row.text("fixmedins_code") or call.profile.institution_code

    async def effect(tx: Connection) -> Done:
        made = call.taken(
            await register_pregnancy(
                tx, call.scene, person_ref=person_ref, since=since,
                institution_code=chosen,
            )
        )  # fmt: skip
        return made.pregnancy_id, {"result": {"trt_dcla_detl_sn": ids.to_wire(made.pregnancy_id)}}

    # A message that was answered gets its answer, whatever became of the person since.
    if await call.seen(lambda tx: kept_with(tx, call.ask())) is None:
        await _told_of(call, person_ref)
    return await call.once(effect)


async def registered(call: Call) -> bytes:
    """90101: the pregnancy of a person that a day belongs to, else today. Whom it is entrusted to
    is told to that hospital alone."""
    row = call.input.one("data")
    person_ref, day = call.person(row), row.day("begndate") or call.scene.today
    found = await call.seen(
        lambda tx: pregnancies.of_person(tx, call.profile.pool_code, person_ref, day)
    )
    if found is None:
        return call.done({"result": []})
    own = found.institution_code == call.profile.institution_code
    end = found.period.end
    ended = end is not None and end <= day
    shown = {
        "trt_dcla_detl_sn": ids.to_wire(found.pregnancy_id),
        "psn_no": ids.person_to_wire(person_ref),
        "begndate": found.period.start.isoformat(),
        "enddate": (end - _ONE_DAY).isoformat() if end else "",
        "fixmedins_code": found.institution_code if own else "",
        "geso_val": 0 if ended else (day - found.period.start).days // 7,
        "vali_flag": "0" if ended else "1",
    }
    return call.done({"result": [shown]})


async def designate(call: Call) -> bytes:
    """2505: a person's pregnancy is entrusted to another institution from a day on, else today."""
    row = call.input.one("data")
    person_ref, since = call.person(row), row.day("begndate") or call.scene.today

    async def effect(tx: Connection) -> Done:
        pool = call.profile.pool_code
        found = await pregnancies.of_person(tx, pool, person_ref, since)
        if found is None:
            raise Problem(NOTHING_REGISTERED)
        chosen = row.text("fixmedins_code")
        call.taken(await transfer_pregnancy(tx, call.scene, found.pregnancy_id, chosen, since))
        number = len(await pregnancies.designations(tx, pool, found.pregnancy_id))
        serial = f"{ids.to_wire(found.pregnancy_id)}{number:03d}"
        return found.pregnancy_id, {"result": {"trt_dcla_detl_sn": serial}}

    return await call.once(effect)


async def withdraw(call: Call) -> bytes:
    """2506: the last designation is taken back, from today on."""
    row = call.input.one("data")
    pregnancy_id, number = _designation(row)

    async def effect(tx: Connection) -> Done:
        found = await pregnancies.find(tx, call.profile.pool_code, pregnancy_id)
        if found is None or found.person_ref != call.person(row):
            raise call.counter.problem_of(Refusal.PREGNANCY_UNKNOWN)
        call.taken(await withdraw_designation(tx, call.scene, pregnancy_id, number))
        return pregnancy_id, {}

    return await call.once(effect)


def _designation(row: Row) -> tuple[UUID, int]:
    named = _DESIGNATION.fullmatch(row.text("trt_dcla_detl_sn"))
    if named is None:
        raise row.wrong("trt_dcla_detl_sn", "identifier")
    try:
        return ids.from_wire(named[1]), int(named[2])
    except ValueError:
        raise row.wrong("trt_dcla_detl_sn", "identifier") from None


async def institution(call: Call) -> bytes:
    """1201: whether an institution has an agreement today; its level is told to itself alone. Names
    and counties of institutions are not kept here."""
    row = call.input.one("medinsinfo")
    pool, code, today = call.profile.pool_code, row.text("fixmedins_code"), call.scene.today

    async def look(tx: Connection) -> list[dict[str, Any]]:
        if not await agreements.agreed(tx, pool, code, today):
            return []
        level = await agreements.own_level(tx, pool, code, today)
        return [
            {
                "fixmedins_code": code,
                "fixmedins_name": "",
                "uscc": "",
                "fixmedins_type": "1",
                "hosp_lv": ours("hospital_levels")[str(level)] if level else "",
                "exp_content": "",
            }
        ]

    return call.done({"medinsinfo": await call.seen(look)})


async def months(call: Call) -> bytes:
    """90100: the months that were paid for a person of the pool, run by run, as enrollment told of
    them; asked of enrollment where it never did."""
    row = call.input.one("data")
    first, last = _month(row, "accrym_begn"), _month(row, "accrym_end")
    person = await _known(call, call.person(row))
    insutype = row.text("insutype") or sorted(call.profile.insurance_types)[0]
    if insutype not in call.profile.insurance_types:
        raise row.wrong("insutype", "not_accepted")
    shown = [
        {
            "poolarea_no": call.profile.pool_code,
            "insutype": insutype,
            "clct_type": "",
            "clct_flag": "1",
            "accrym_begn": _digits(max(run[0], first) if first else run[0]),
            "accrym_end": _digits(min(run[1], last) if last else run[1]),
            "clct_time": "",
        }
        for run in person.paid
        if (first is None or run[1] >= first) and (last is None or run[0] <= last)
    ]
    return call.done({"data": shown})


async def _known(call: Call, person_ref: str) -> PersonState:
    """What enrollment told of a person of the pool. Raises Problem."""
    person, pool = await _told_of(call, person_ref), call.profile.pool_code
    if all(spell.pool_code != pool for spell in person.spells):
        raise call.counter.problem_of(Refusal.PERSON_UNKNOWN)
    return person


async def _told_of(call: Call, person_ref: str) -> PersonState:
    """What enrollment told of a person, asked now where it never did. Raises Problem."""
    person = await call.seen(lambda tx: person_states.find(tx, person_ref))
    if person is None:
        told = call.taken(await look_up_person(call.counter.enrollment, person_ref))
        async with transaction(call.counter.desk.pool, [AGENCY]) as tx:
            await note_person_states(tx, [told])
        person = await call.seen(lambda tx: person_states.find(tx, person_ref))
    if person is None:
        raise call.counter.problem_of(Refusal.PERSON_UNKNOWN)
    return person


def _month(row: Row, code: str) -> Month | None:
    text = row.text(code)
    if not text:
        return None
    written = _MONTH.fullmatch(text)
    if written is None:
        raise row.wrong(code, "month")
    return Month.parse(f"{written[1]}-{written[2]}")


def _digits(month: Month) -> str:
    return str(month).replace("-", "")
