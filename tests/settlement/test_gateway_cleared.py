"""Losses are of visits and of stays, and a hospital clears the two apart: 3201 by clr_type."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from services.settlement.domain.reconciling import Scope
from services.settlement.nhsa.tables import cleared_under
from shared.plumbing.clock import business_day
from tests.settlement.conftest import NANJING, House, open_house
from tests.support.his import His, introduced
from tests.support.postgres import ServiceDatabases

HOSPITAL = f"H{NANJING}a"
MED_TYPES = [{"code": "51", "benefit": "prenatal"}, {"code": "54", "benefit": "loss"}]
OF_VISITS, OF_STAYS = ("11", "53"), ("21", "99933", "99940")


class Told(NamedTuple):
    """What a receipt said."""

    total: Decimal
    fund: Decimal
    account: Decimal


@pytest.fixture
async def house(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Hospital a speaks by csb in milliseconds; its med_type 54 claims a loss."""
    dsns = module_databases("settlement")
    async with open_house(dsns, tmp_path_factory.mktemp("house")) as opened:
        second = await opened.running.caller("clerk-3", "clerk", NANJING)
        await introduced(opened.clerks[NANJING], second, HOSPITAL, med_types=MED_TYPES)
        yield opened


async def _pregnant(house: House, his: His) -> str:
    psn = await house.person(NANJING)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    return psn


async def _settled(his: His, infno: str, case: dict[str, str], price: str) -> dict[str, Any]:
    line = case | {"feedetl_sn": "1", "fee_ocur_time": "2024-03-20", "med_list_codg": "delivery",
                   "cnt": "1", "chrg_bchno": "1", "pric": price,
                   "det_item_fee_sumamt": price}  # fmt: skip
    await his.call("2204" if infno == "2207" else "2301", {"feedetail": [line]})
    if infno == "2304":
        await his.call("2402", {"dscginfo": case | {"endtime": "2024-03-21"}})
    bill = {"medfee_sumamt": price, "insutype": "310"}
    return dict((await his.call(infno, {"data": case | bill}))["setlinfo"])


async def _visit(house: House, his: His, med_type: str, price: str) -> dict[str, Any]:
    psn = await _pregnant(house, his)
    registered = await his.call("2201", {"data": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00",
        "ipt_otp_no": uuid4().hex[:12]}})  # fmt: skip
    visit = {"psn_no": psn, "mdtrt_id": str(registered["data"]["mdtrt_id"])}
    told = {"med_type": med_type, "begntime": "2024-03-20 08:05:00", "geso_val": "9"}
    await his.call("2203", {"mdtrtinfo": visit | told})
    return await _settled(his, "2207", visit, price)


async def _stay(house: House, his: His, price: str) -> dict[str, Any]:
    psn = await _pregnant(house, his)
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "54",
        "ipt_no": uuid4().hex[:12], "geso_val": "9"}})  # fmt: skip
    stay = {"psn_no": psn, "mdtrt_id": str(admitted["result"]["mdtrt_id"])}
    return await _settled(his, "2304", stay, price)


async def _by_rest(house: House, setting: str, price: str) -> Told:
    hospital = house.hospitals[f"a-{NANJING}"]
    psn = await house.person(NANJING)
    opened = await hospital.post("/stays", {
        "stay_number": uuid4().hex, "person_ref": psn, "admitted_on": "2024-03-20",
        "pregnancy_id": await house.pregnancy(hospital, psn), "benefit": "loss"})  # fmt: skip
    place = f"/stays/{opened.json()['stay_id']}"
    line = {"line_number": 1, "item_code": "delivery", "charged_on": "2024-03-20",
            "quantity": "1", "price": price}  # fmt: skip
    await hospital.post(f"{place}/lines", {"lines": [line]})
    told = {"weeks": 9, "setting": setting, "discharged_on": "2024-03-20",
            "event_on": "2024-03-20", "total": price}  # fmt: skip
    answer = await hospital.post(f"{place}/discharge", {"benefit": "loss"} | told)
    assert answer.status_code == 201, answer.text
    made = (await hospital.post(f"{place}/settle", {"total": price})).json()
    fund = Decimal(made["desk"]["fund"]) + Decimal(made["other_fund"])
    return Told(Decimal(price), fund, Decimal(made["member_account"]))


def _told(info: dict[str, Any]) -> Told:
    return Told(info["medfee_sumamt"], info["fund_pay_sumamt"], info["acct_pay"])


async def test_losses_of_visits_and_of_stays_are_cleared_apart(house: House) -> None:
    his = His(house.running.http, house.clock, HOSPITAL)
    checked = _told(await _visit(house, his, "51", "100.00"))
    undone = await _visit(house, his, "54", "200.00")
    names = ("setl_id", "mdtrt_id", "psn_no")
    back = await his.call("2208", {"data": {name: undone[name] for name in names}})
    visits = [_told(undone), _told(back["setlinfo"]),
              _told(await _visit(house, his, "54", "300.00")),
              await _by_rest(house, "outpatient", "400.00")]  # fmt: skip
    stays = [_told(await _stay(house, his, "500.00")), await _by_rest(house, "inpatient", "600.00")]
    today = business_day(house.clock.now()).isoformat()

    async def level(rows: list[Told], clr_type: str) -> bool:
        total, fund, account = (sum(of_kind) for of_kind in zip(*rows, strict=True))
        asked = {"insutype": "", "clr_type": clr_type, "setl_optins": NANJING,
                 "stmt_begndate": today, "stmt_enddate": today, "fixmedins_setl_cnt": len(rows),
                 "medfee_sumamt": f"{total:.2f}", "fund_pay_sumamt": f"{fund:.2f}",
                 "acct_pay": f"{account:.2f}"}  # fmt: skip
        (shown,) = (await his.call("3201", {"data": asked}))["stmtinfo"]
        return bool(shown["stmt_rslt"] == "0")

    assert [await level([checked, *visits], code) for code in OF_VISITS] == [True] * 2
    assert [await level(stays, code) for code in OF_STAYS] == [True] * 3
    assert await level([*visits, *stays], "9985")


def test_a_clearing_type_means_visits_stays_or_both() -> None:
    day = date(2024, 3, 20)
    found = {
        code: Scope(day, day, None, None, tuple(benefits)).visits
        for code, benefits in cleared_under().items()
    }
    assert {code: found[code] for code in OF_VISITS} == dict.fromkeys(OF_VISITS, True)
    assert {code: found[code] for code in OF_STAYS} == dict.fromkeys(OF_STAYS, False)
    assert {found[code] for code in ("9985", "9986", "9925", "99953")} == {None}
