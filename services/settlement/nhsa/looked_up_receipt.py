"""A settlement as its hospital was told of it: 5203."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import ClaimState, Settlement, bill_stands
from services.settlement.domain.stay import Stay
from services.settlement.nhsa.counter import Call
from services.settlement.nhsa.encounters import the_stay
from services.settlement.nhsa.receipt import receipt
from services.settlement.nhsa.refusals import RECEIPT_NOT_KEPT
from services.settlement.store import encounters, ledger, person_states
from services.settlement.store.encounters import Encounter
from shared.plumbing.clock import TIME_ZONE
from shared.plumbing.database import Connection
from shared.plumbing.problems import Problem

_AT_THE_HOSPITAL = "2"
"""pay_loc"""


async def settlement(call: Call) -> bytes:
    """5203: a settlement of a case, or its undoing; the latest where none is named. The receipt is
    the very one that was given; refd_setl_flag says whether it was undone, or undoes."""
    row = call.input.one("data")

    async def look(tx: Connection) -> dict[str, Any]:
        encounter = await call.encounter(tx, row)
        stay = await the_stay(tx, call, encounter.stay_id)
        made = await ledger.of_stay(tx, stay.pool_code, stay.institution_code, stay.stay_id)
        found = made
        if row.filled("setl_id"):
            settlement_id = call.id(row, "setl_id")
            found = [one for one in found if one.settlement_id == settlement_id]
        if not found:
            raise call.counter.problem_of(Refusal.SETTLEMENT_UNKNOWN)
        one = found[-1]
        head = await ledger.claim_head(tx, stay.pool_code, one.settlement_id)
        refunded = one.reverses is not None or (head and head[0] is ClaimState.REVERSED)
        told = await _given(tx, one)
        if told is None:
            # Other lines may sum to the same total: only an untouched bill is the settlement's own.
            if not bill_stands(one, made, stay.version):
                raise Problem(RECEIPT_NOT_KEPT)
            told = await _made_otherwise(tx, one, stay, encounter)
        return {"setlinfo": told["setlinfo"] | _beside(call, one, told["setlinfo"], bool(refunded)),
                "setldetail": told["setldetail"]}  # fmt: skip

    return call.named(call.done(await call.seen(look)), row)


async def _given(tx: Connection, one: Settlement) -> dict[str, Any] | None:
    """The answer that was kept with the message that made the settlement."""
    kept = await encounters.receipt_kept(
        tx, one.pool_code, one.institution_code, one.settlement_id
    )  # fmt: skip
    if kept is None:
        return None
    output: dict[str, Any] = json.loads(kept, parse_float=Decimal)["output"]
    return output


async def _made_otherwise(
    tx: Connection, one: Settlement, stay: Stay, encounter: Encounter
) -> dict[str, Any]:
    """The receipt of what was settled or undone by another way than this interface: from the
    settlement's own parts, and the bill as it stands."""
    person = await person_states.find(tx, one.person_ref)
    return receipt(one, stay.cost, person, encounter.told, "")


def _beside(call: Call, one: Settlement, info: dict[str, Any], refunded: bool) -> dict[str, Any]:
    """What 5203 shows beside the receipt."""
    cash = info["psn_cash_pay"]
    return {
        "insu_optins": one.county_code,
        "pay_loc": _AT_THE_HOSPITAL,
        "fixmedins_code": call.profile.institution_code,
        "fixmedins_name": "",
        "begndate": one.admitted_on.isoformat(),
        "enddate": one.discharged_on.isoformat(),
        "psn_pay": info["psn_part_amt"],
        "cash_payamt": cash,
        "nwb_flag": "0",
        "refd_setl_flag": "1" if refunded else "0",
        "year": f"{one.settled_at.astimezone(TIME_ZONE):%Y}",
    }
