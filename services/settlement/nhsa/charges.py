"""Fee lines: 2301 of a stay, 2204 of a visit; 2302 and 2205 take them off again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.settlement.actions.add_lines import add_lines
from services.settlement.actions.cancel_lines import cancel_lines
from services.settlement.actions.reopen_stay import reopen_stay
from services.settlement.domain.line import ClassedLine, FeeLine
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, StayState
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.encounters import the_stay
from services.settlement.nhsa.reading import Row
from services.settlement.store import encounters
from services.settlement.store.lines import StoredLine
from shared.money import Money
from shared.plumbing.database import Connection

LEVELS = {"a": "01", "b": "02", "c": "03", "none": "03"}
"""chrgitm_lv by class; what no catalogue names is paid by the person, as class c is."""
_ITEM = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
OWN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}", re.ASCII)
_ALL = "0000"
_OF_VISITS = frozenset({"2204", "2205"})
_OTHER_CHARGE = "14"
_NOT_APPROVED = "2"
"""hosp_appr_flag"""
NO_LIMIT = Decimal("999999.000000")
"""pric_uplmt_amt where the catalogue has no limit: as the recorded platforms write it."""
_QUANTITY_MOST, _PRICE_MOST = Decimal(99_999), Decimal(99_999_999)


async def charge(call: Call) -> bytes:
    """Upload lines: all of a call or none, each with what the catalogue makes of it."""
    rows = call.input.rows("feedetail")
    serials = [row.text("feedetl_sn") for row in rows]
    if len(set(serials)) != len(serials):
        raise rows[-1].wrong("feedetl_sn", "serial_used")
    _of_one_stay(rows)

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, rows[0], lock=True)
        stay = await _open_again(tx, call, encounter.stay_id)
        first = await encounters.last_line(tx, stay.pool_code, stay.stay_id) + 1
        batches = [(row.text("feedetl_sn"), row.text("chrg_bchno")) for row in rows]
        if not await encounters.number_lines(tx, stay, batches, first):
            raise rows[0].wrong("feedetl_sn", "serial_used")
        back = [row.text("init_feedetl_sn") for row in rows if row.filled("init_feedetl_sn")]
        numbers = await encounters.numbered(tx, stay, "", back) if back else {}
        lines = [_line(row, number, numbers) for number, row in enumerate(rows, first)]
        billed = call.taken(await add_lines(tx, call.scene, stay.stay_id, lines))
        return stay.stay_id, {"result": _shown(rows, billed.lines)}

    return await call.once(effect)


def _of_one_stay(rows: Sequence[Row]) -> None:
    """A call speaks of one stay of one person. Raises Wrong."""
    for row in rows:
        for code in ("mdtrt_id", "psn_no"):
            if row.text(code) != rows[0].text(code):
                raise row.wrong(code, "same_stay")


async def _open_again(tx: Connection, call: Call, stay_id: UUID) -> Stay:
    """The stay; a visit that was settled and undone is open again, for it knows no discharge."""
    stay = await the_stay(tx, call, stay_id)
    if call.envelope.infno in _OF_VISITS and stay.state is StayState.DISCHARGED:
        return call.taken(await reopen_stay(tx, call.scene, stay_id))
    return stay


async def take_off(call: Call) -> bytes:
    """2302, 2205: cancel lines before they are settled: those that are named, or all ("0000")."""
    row, batch = call.input.one("data"), ""
    if call.envelope.infno in _OF_VISITS:
        named = row.text("chrg_bchno")
        serials, batch = [], "" if named == _ALL else named
    else:
        rows = call.input.rows("data")
        _of_one_stay(rows)
        serials = [one.text("feedetl_sn") for one in rows]
    every = _ALL in serials or not (serials or batch)

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row, lock=True)
        stay = await _open_again(tx, call, encounter.stay_id)
        numbers = None if every else await encounters.numbered(tx, stay, batch, serials)
        if numbers is not None and len(numbers) < max(len(set(serials)), 1):
            raise call.counter.problem_of(Refusal.LINE_UNKNOWN)
        gone = None if numbers is None else frozenset(numbers.values())
        call.taken(await cancel_lines(tx, call.scene, stay.stay_id, gone))
        await encounters.forget_lines(tx, stay, gone)
        return stay.stay_id, {}

    return await call.once(effect)


def _line(row: Row, number: int, numbers: Mapping[str, int]) -> FeeLine:
    """A fee line; its amount must be quantity x price, and a price be whole fen. A quantity below
    nothing returns the line that `init_feedetl_sn` names."""
    quantity, price = row.number("cnt"), row.number("pric")
    charged_on = row.day("fee_ocur_time")
    assert quantity is not None and price is not None and charged_on is not None  # noqa: S101, PT018
    if not 0 < abs(quantity) <= _QUANTITY_MOST:
        raise row.wrong("cnt", "price")
    returns = numbers.get(row.text("init_feedetl_sn"))
    if (quantity < 0) != (returns is not None):
        raise row.wrong("init_feedetl_sn", "returned")
    if not 0 <= price <= _PRICE_MOST or price != round(price, 2):
        raise row.wrong("pric", "price")
    item_code, own_code = _codes(row)
    line = FeeLine(
        number, item_code, charged_on, abs(quantity), Money(int(price * 100)), returns, own_code,
        approved=row.text("hosp_appr_flag") != _NOT_APPROVED,
    )  # fmt: skip
    amount = row.number("det_item_fee_sumamt")
    if amount is None or (amount < 0) != (quantity < 0):
        raise row.wrong("det_item_fee_sumamt", "sum")
    if line.amount() != Money(abs(int(amount * 100))):
        raise row.wrong("det_item_fee_sumamt", "sum")
    return line


def _codes(row: Row) -> tuple[str, str | None]:
    """The item of the catalogue, "" where the hospital's own code is all that is told; and that
    code, where it is written as codes are. Raises Wrong."""
    item_code, told = row.text("med_list_codg"), row.text("medins_list_codg")
    own_code = told if OWN_CODE.fullmatch(told) else None
    if item_code and not _ITEM.fullmatch(item_code):
        raise row.wrong("med_list_codg", "text")
    if not item_code and own_code is None:
        raise (
            row.wrong("medins_list_codg", "text")
            if told
            else row.wrong("med_list_codg", "required")
        )
    return item_code, own_code


def _shown(rows: Sequence[Row], classed: Sequence[ClassedLine]) -> list[dict[str, Any]]:
    return [
        {
            "feedetl_sn": row.text("feedetl_sn"),
            **_amounts(line),
            **_classed(line.item_class, line.line.price, line.cost.outside(), line.cost.total),
            "memo": "",
            "exp_content": "",
        }
        for row, line in zip(rows, classed, strict=True)
    ]


def _classed(item_class: str, price: Money, outside: Money, total: Money) -> dict[str, Any]:
    return {
        "pric": price,
        "pric_uplmt_amt": NO_LIMIT,
        "selfpay_prop": _self_paid(outside, total),
        "chrgitm_lv": LEVELS[item_class],
        "med_chrgitm_type": _OTHER_CHARGE,
        "bas_medn_flag": "0",
        "hi_nego_drug_flag": "0",
        "chld_medc_flag": "0",
        "list_sp_item_flag": "0",
        "lmt_used_flag": "0",
        "drt_reim_flag": "0",
    }


def classed_amounts(one: StoredLine) -> dict[str, Any]:
    """A stored line as it was answered when it was uploaded."""
    return {
        "cnt": one.quantity,
        "det_item_fee_sumamt": one.amount,
        "fulamt_ownpay_amt": one.out_of_scope,
        "overlmt_amt": one.over_limit,
        "preselfpay_amt": one.first_copay,
        "inscp_scp_amt": one.in_scope,
        **_classed(one.item_class, one.price, one.amount - one.in_scope, one.amount),
    }


def _amounts(classed: ClassedLine) -> dict[str, Decimal | Money]:
    """Quantity and parts, below nothing where the line returns another."""
    cost = classed.cost
    parts = {
        "det_item_fee_sumamt": cost.total,
        "fulamt_ownpay_amt": cost.out_of_scope,
        "overlmt_amt": cost.over_limit,
        "preselfpay_amt": cost.first_copay,
        "inscp_scp_amt": cost.in_scope,
    }
    back = classed.line.returns is not None
    quantity = -classed.line.quantity if back else classed.line.quantity
    return {"cnt": quantity} | {name: -part if back else part for name, part in parts.items()}


def _self_paid(outside: Money, total: Money) -> Decimal:
    """The share of the line that is the person's before any other rule: 0 to 1, four places."""
    if not total:
        return Decimal("0.0000")
    return (Decimal(outside.fen) / Decimal(total.fen)).quantize(Decimal("0.0001"))
