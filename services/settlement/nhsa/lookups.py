"""What a hospital looks up of its own cases, and of a person's limits: 5201, 5202, 5204 to 5206.

Everything is answered from what is stored. Another hospital's case is as if it were not there.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from services.settlement.domain.catalogue import ItemKind
from services.settlement.domain.course import Course
from services.settlement.domain.person import PersonState, months_paid_by, spell_on
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import Settlement, bill_stands, unreversed
from services.settlement.domain.stay import Stay, StayState
from services.settlement.nhsa import ids
from services.settlement.nhsa.charges import classed_amounts
from services.settlement.nhsa.counter import Call
from services.settlement.nhsa.encounters import the_stay
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import RECEIPT_NOT_KEPT
from services.settlement.nhsa.tables import gender, ours
from services.settlement.store import (
    catalogue,
    courses,
    encounters,
    ledger,
    lines,
    person_states,
    pregnancies,
    stays,
)
from services.settlement.store.catalogue import Named
from services.settlement.store.lines import StoredLine
from shared.ids import NO_ID
from shared.period import Month
from shared.plumbing.database import Connection
from shared.plumbing.problems import Problem

_CASES_MOST, _LINES_A_TIME = 1000, 1000
_MONTH = re.compile(r"(20[0-9]{2})(0[1-9]|1[0-2])", re.ASCII)
_TOLD = (
    "fpsc_no", "matn_type", "birctrl_type", "geso_val", "fetus_cnt", "birctrl_matn_date",
    "mdtrt_cert_type", "dscg_maindiag_code", "oprn_oprt_code",
)  # fmt: skip
"""What is shown of a case as it was told."""
_ADMITTED, _DISCHARGED = "1", "2"
_CODE_MOST = 10


async def visits(call: Call) -> bytes:
    """5201: a person's stays and visits at this hospital, by the day on which they began."""
    row = call.input.one("data")
    person_ref = call.person(row)
    only = call.id(row, "mdtrt_id") if row.filled("mdtrt_id") else None

    async def look(tx: Connection) -> list[dict[str, Any]]:
        found = await _cases(tx, call, row, person_ref)
        told = await _told(tx, call, found)
        person = await person_states.find(tx, person_ref)
        return [
            _case(call, stay, told.get(stay.stay_id, {}), person)
            for stay in found
            if only in (None, stay.stay_id)
        ]

    shown = await call.seen(look)
    asked = row.text("med_type")
    return call.done({"mdtrtinfo": [one for one in shown if asked in ("", one["med_type"])]})


async def _cases(tx: Connection, call: Call, row: Row, person_ref: str) -> list[Stay]:
    since, until = row.day("begntime"), row.day("endtime")
    if since is not None and until is not None and until < since:
        raise row.wrong("endtime", "before_its_begin")
    pool, institution = call.profile.pool_code, call.profile.institution_code
    found = await stays.of_person(
        tx, pool, institution, person_ref, since=since, until=until, after=NO_ID, limit=_CASES_MOST
    )
    return [stay for stay in found if stay.state is not StayState.CANCELLED]


async def _told(tx: Connection, call: Call, found: Sequence[Stay]) -> Mapping[Any, Any]:
    pool, institution = call.profile.pool_code, call.profile.institution_code
    return await encounters.of_stays(tx, pool, institution, [stay.stay_id for stay in found])


def _case(
    call: Call, stay: Stay, told: Mapping[str, Any], person: PersonState | None
) -> dict[str, Any]:
    spell = spell_on(person, stay.pool_code, stay.admitted_on) if person else None
    outcome = stay.outcome
    age = person.age_on(stay.admitted_on) if person else None
    return {
        "mdtrt_id": ids.to_wire(stay.stay_id),
        "psn_no": ids.person_to_wire(stay.person_ref),
        "psn_cert_type": "01",
        "certno": "",
        "psn_name": "",
        "gend": gender(person.sex if person else None),
        "age": Decimal(f"{age or 0}.0"),
        "insutype": told.get("insutype", ""),
        "psn_type": ours("psn_types")[spell.kind] if spell else "",
        "cvlserv_flag": "0",
        "flxempe_flag": "1" if spell and spell.kind == "flexible" else "0",
        "insu_optins": spell.county_code if spell else "",
        "begntime": stay.admitted_on.isoformat(),
        "endtime": outcome.discharged_on.isoformat() if outcome else "",
        "med_type": _med_type(call, stay, told),
        "ipt_otp_no": stay.stay_number,
        "inhosp_stas": "1" if stay.state is StayState.OPEN else "0",
        "ipt_days": (outcome.discharged_on - stay.admitted_on).days if outcome else 0,
        **{code: told.get(code, "") for code in _TOLD},
    }


def _med_type(call: Call, stay: Stay, told: Mapping[str, Any]) -> str:
    """As it was told, else what this hospital calls the benefit."""
    of_benefit = (code for code, one in call.profile.med_types.items() if one is stay.benefit)
    return str(told.get("med_type") or next(of_benefit, ""))


async def diagnoses(call: Call) -> bytes:
    """5202: the diagnoses told of a case, the principal one first. Only their codes are kept."""
    row = call.input.one("data")

    async def look(tx: Connection) -> list[dict[str, Any]]:
        encounter = await call.encounter(tx, row)
        found = await stays.find(
            tx, call.profile.pool_code, call.profile.institution_code, encounter.stay_id
        )
        left = found is not None and found.outcome is not None
        mdtrt_id = ids.to_wire(encounter.stay_id)
        return [
            {
                "diag_info_id": f"{mdtrt_id}{number:03d}",
                "mdtrt_id": mdtrt_id,
                "psn_no": ids.person_to_wire(encounter.person_ref),
                "inout_diag_type": _DISCHARGED if left else _ADMITTED,
                "diag_type": "1",
                "maindiag_flag": "1" if number == 1 else "0",
                "diag_srt_no": number,
                "diag_code": code,
                "diag_name": "",
                "diag_dept": "",
                "dise_dor_no": "",
                "dise_dor_name": "",
                "diag_time": "",
            }
            for number, code in enumerate(encounter.told.get("diagnoses", ()), 1)
        ]

    return call.done({"diseinfo": await call.seen(look)})


async def bill(call: Call) -> bytes:
    """5204: the lines of a case as they were classed: those of a settlement that is named, as long
    as they are still its own."""
    row = call.input.one("data")

    async def look(tx: Connection) -> list[dict[str, Any]]:
        encounter = await call.encounter(tx, row)
        stay = await the_stay(tx, call, encounter.stay_id)
        made = await ledger.of_stay(tx, stay.pool_code, stay.institution_code, stay.stay_id)
        settled = _settled(call, row, stay, made)
        found = await _lines_of(tx, stay)
        serials = await encounters.serials(tx, stay)
        names = await _named(tx, stay.pool_code, found)
        shown = {
            "mdtrt_id": ids.to_wire(stay.stay_id),
            "setl_id": ids.to_wire(settled.settlement_id) if settled else "",
            "med_type": _med_type(call, stay, encounter.told),
        }
        return [
            shown | {"feedetl_sn": serials.get(one.line_number, "")} | _line(one, names)
            for one in found
        ]

    return call.done(await call.seen(look))


def _settled(call: Call, row: Row, stay: Stay, made: Sequence[Settlement]) -> Settlement | None:
    """The settlement that is named, if the lines are still those that it settled; else the one that
    stands, if any. Raises Problem."""
    if not row.filled("setl_id"):
        return unreversed(made)
    settlement_id = call.id(row, "setl_id")
    named = next((one for one in made if one.settlement_id == settlement_id), None)
    if named is None:
        raise call.counter.problem_of(Refusal.SETTLEMENT_UNKNOWN)
    if not bill_stands(named, made, stay.version):
        raise Problem(RECEIPT_NOT_KEPT)
    return named


async def _lines_of(tx: Connection, stay: Stay) -> list[StoredLine]:
    found: list[StoredLine] = []
    while True:
        after = found[-1].line_number if found else 0
        page = await lines.page(tx, stay, after, _LINES_A_TIME)
        found += page
        if len(page) < _LINES_A_TIME:
            return found


Names = Mapping[tuple[str, date], Named]


async def _named(tx: Connection, pool_code: str, found: Sequence[StoredLine]) -> Names:
    return await catalogue.named(
        tx, pool_code, sorted({(one.item_code, one.charged_on) for one in found})
    )


def _line(one: StoredLine, names: Names) -> dict[str, Any]:
    named = names.get((one.item_code, one.charged_on))
    return {
        "fee_ocur_time": one.charged_on.isoformat(),
        **classed_amounts(one),
        "hilist_code": one.item_code if named else "",
        "hilist_name": named.name if named else "",
        "list_type": ours("list_types")[named.kind] if named else "",
        "med_list_codg": one.item_code,
        "medins_list_codg": one.own_code or "",
        "medins_list_name": "",
        "dosform_name": "",
        "memo": "",
    }


async def drugs(call: Call) -> bytes:
    """5205: the drugs that this hospital charged a person, by the day on which the case began. How
    they were to be taken is not told by fee lines, and so not known."""
    row = call.input.one("data")
    person_ref = call.person(row)

    async def look(tx: Connection) -> list[dict[str, Any]]:
        shown = []
        for stay in await _cases(tx, call, row, person_ref):
            found = await _lines_of(tx, stay)
            names = await _named(tx, stay.pool_code, found)
            shown += [
                {"mdtrt_id": ids.to_wire(stay.stay_id)} | _line(one, names)
                for one in found
                if (named := names.get((one.item_code, one.charged_on)))
                and named.kind is ItemKind.DRUG
            ]
        return shown

    return call.done({"feedetail": await call.seen(look)})


async def cumulated(call: Call) -> bytes:
    """5206: the months that a person paid without a gap up to a month and with it, and what was
    used of the limits of the pregnancy that the month belongs to, in whatever hospital."""
    row = call.input.one("data")
    person_ref, pool = call.person(row), call.profile.pool_code
    asked = row.text("cum_ym")
    month = _MONTH.fullmatch(asked or f"{call.scene.today:%Y%m}")
    if month is None:
        raise row.wrong("cum_ym", "month")
    year, number = int(month[1]), int(month[2])
    day = date(year, number, monthrange(year, number)[1])

    async def look(tx: Connection) -> dict[str, Any]:
        person = await person_states.find(tx, person_ref)
        if person is None or spell_on(person, pool, day) is None:
            raise call.counter.problem_of(Refusal.PERSON_UNKNOWN)
        months = months_paid_by(person, Month.of(day))
        found = {ours("cumulated")["months"]: Decimal(months)}
        pregnancy = await pregnancies.of_person(tx, pool, person_ref, day)
        if pregnancy is not None:
            entries = await courses.entries(tx, pool, pregnancy.pregnancy_id)
            for state in Course(entries=entries).states():
                code = f"{ours('cumulated')['used']}{state.unit}"[:_CODE_MOST]
                found[code] = Decimal(state.used.to_wire())
        return found

    shown = [
        {
            "insutype": sorted(call.profile.insurance_types)[0],
            "year": month[1],
            "cum_ym": month[0],
            "cum_type_code": code,
            "cum": value,
        }
        for code, value in (await call.seen(look)).items()
    ]
    return call.done({"cuminfo": shown})
