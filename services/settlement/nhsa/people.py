"""Signing in, who a person is, and whether she is entitled: 9001, 9002, 1101, 2001."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from services.settlement.actions.look_up_person import look_up_person
from services.settlement.actions.note_person_states import note_person_states
from services.settlement.domain.entitlement import Entitling
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.standing import NOT_ENTITLED, standing_of
from services.settlement.nhsa import ids
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.maternity import PROCEDURES, benefit_told, facts_of
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import err_msg, words
from services.settlement.nhsa.replies import with_names
from services.settlement.nhsa.tables import gender, ours
from services.settlement.store import person_states
from shared.contracts.person import PersonStateChanged
from shared.ids import new_id
from shared.money import NOTHING
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.journal import write_log
from shared.plumbing.peer import PeerDown
from shared.policy.shapes import Benefit

_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_ID_CARD = "02"
"""mdtrt_cert_type"""


async def sign_in(call: Call) -> bytes:
    """9001: an operator begins the day. The number is the hospital's to keep; none is demanded."""
    sign_no = new_id()

    async def effect(tx: Connection) -> Done:
        await write_log(tx, [call.scene.deed("sign_in", f"sign-in:{sign_no}", "", "signed_in")])
        shown = {"sign_time": call.scene.now, "sign_no": ids.to_wire(sign_no)}
        return sign_no, {"signinoutb": shown}

    return await call.once(effect)


async def sign_out(call: Call) -> bytes:
    """9002: an operator ends the day."""
    sign_no = call.id(call.input.one("signOut"), "sign_no")

    async def effect(tx: Connection) -> Done:
        deed = call.scene.deed("sign_out", f"sign-in:{sign_no}", "signed_in", "signed_out")
        await write_log(tx, [deed])
        return sign_no, {"sign_time": {"sign_time": call.scene.now}}

    return await call.once(effect)


async def person(call: Call) -> bytes:
    """1101: who a person is by the ID number and the name, and how she is insured; nothing is
    stored but what enrollment says of her insurance. Another name than hers finds nobody."""
    row = call.input.one("data")
    told = _number(row)
    number = told.upper()
    if not _CITIZEN.fullmatch(number):
        raise call.counter.problem_of(Refusal.PERSON_UNKNOWN)
    peer = call.counter.enrollment
    if peer is None:
        raise call.counter.problem_of(Refusal.PERSON_STATE_UNREACHABLE)
    try:
        asked = {"id_number": number, "name": row.text("psn_name")}
        found = await peer.find("/enrollment/v1/persons:find", asked)
    except PeerDown:
        raise call.counter.problem_of(Refusal.PERSON_STATE_UNREACHABLE) from None
    if found is None:
        raise call.counter.problem_of(Refusal.PERSON_UNKNOWN)
    known = call.taken(await look_up_person(peer, str(found["person_ref"])))
    async with transaction(call.counter.desk.pool, [AGENCY]) as tx:
        await note_person_states(tx, [known])
    shown = call.done(_shown(known[0], number, call.scene.today))
    return with_names(shown, {"psn_name": row.text("psn_name"), "certno": told})


def _number(row: Row) -> str:
    """The ID number that a call tells: in certno, else that of the ID card that was read. Raises
    Wrong."""
    if row.filled("certno"):
        return row.text("certno")
    if row.text("mdtrt_cert_type") != _ID_CARD or not row.filled("mdtrt_cert_no"):
        raise row.wrong("certno", "required")
    return row.text("mdtrt_cert_no")


def _shown(state: PersonStateChanged, number: str, today: date) -> dict[str, Any]:
    born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return {
        "baseinfo": {
            "psn_no": ids.person_to_wire(state.person_ref),
            "psn_cert_type": "01",
            "certno": "",
            "psn_name": "",
            "gend": gender(state.sex),
            "naty": "",
            "brdy": born,
            "age": Decimal(f"{_age(date.fromisoformat(born), today)}.0"),
            "exp_content": "",
        },
        "insuinfo": [
            {
                "balc": NOTHING,
                "insutype": insutype,
                "psn_type": ours("psn_types")[spell.kind],
                "psn_insu_stas": "1" if _runs(spell.end, today) else "4",
                "psn_insu_date": spell.start,
                "paus_insu_date": spell.end or "",
                "cvlserv_flag": "0",
                "flxempe_flag": "1" if spell.kind == "flexible" else "0",
                "insuplc_admdvs": spell.county_code,
                "emp_name": "",
            }
            for spell in state.spells
            for insutype in spell.insurance
        ],
        "idetinfo": [],
    }


def _runs(end: str | None, today: date) -> bool:
    return end is None or today < date.fromisoformat(end)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


async def entitlement(call: Call) -> bytes:
    """2001: whether a person is entitled on a day, as settling her case that day would judge it:
    from what enrollment told of her, asked anew where that is missing or too old."""
    row = call.input.one("data")
    call.insured_under(row)
    meant = call.profile.med_types.get(row.text("med_type"))
    if meant is None:
        raise row.wrong("med_type", "not_accepted")
    person_ref, day = call.person(row), row.day("begntime")
    assert day is not None  # noqa: S101 - demanded
    benefit = benefit_told(meant, facts_of(row, []))
    surgery = benefit is Benefit.FAMILY_PLANNING
    procedure = PROCEDURES.get(row.text("birctrl_type")) if surgery else None

    async def judged_now() -> Entitling | Refused:
        book = call.counter.book()
        if book is None:
            return Refused(Refusal.BOOK_MISSING)
        person = await call.seen(lambda tx: person_states.find(tx, person_ref))
        return standing_of(
            person, person_ref, call.profile.pool_code, benefit, day, book, call.scene.now,
            call.scene.today, procedure,
        )  # fmt: skip

    found = await call.counter.with_state(await judged_now(), judged_now)
    if isinstance(found, Refused) and found.refusal not in NOT_ENTITLED:
        raise call.counter.problem_of(found)
    shown = {
        "psn_no": ids.person_to_wire(person_ref),
        "trt_chk_type": "01",
        "fund_pay_type": ours("funds")["maternity"],
        "trt_enjymnt_flag": "0" if isinstance(found, Refused) else "1",
        "begndate": day.isoformat(),
        "enddate": "",
        "trt_chk_rslt": _why(call, found),
        "exp_content": "",
    }
    return call.done({"trtinfo": [shown]})


def _why(call: Call, found: Entitling | Refused) -> str:
    """Why she is entitled or not: what the desk would read of the refusal, or the clause on her
    contributions."""
    if isinstance(found, Refused):
        return err_msg(call.counter.problem_of(found))
    cited = found.steps[0].citation
    return f"{words()['receipt']['entitled']} {cited.document_title} {cited.article}"
