"""What the gateway makes of a case that is told in pieces: corrected, repeated, contradicted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.his import His, holds, number_of

HOSPITAL = f"H{NANJING}a"


house = house_of_the_file(HOSPITAL)


@pytest.fixture
def his(house: House) -> His:
    """The system of hospital a."""
    return His(house.running.http, house.clock, HOSPITAL)


async def _pregnant(house: House, his: His) -> str:
    psn = await house.person(NANJING)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    return psn


def _diagnoses(*codes: str) -> list[dict[str, Any]]:
    return [{"diag_code": code, "maindiag_flag": "0" if n else "1"} for n, code in enumerate(codes)]


async def _admitted(his: His, psn: str, *codes: str) -> dict[str, str]:
    """A stay with a bill of 4500.00."""
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "1"},
        "diseinfo": _diagnoses(*codes)})  # fmt: skip
    stay = {"psn_no": psn, "mdtrt_id": str(admitted["result"]["mdtrt_id"])}
    await his.call("2301", {"feedetail": [_line(stay, "2024-03-20", "4500.00")]})
    return stay


def _line(stay: dict[str, str], on: str, price: str) -> dict[str, str]:
    return stay | {"feedetl_sn": "1", "fee_ocur_time": on, "med_list_codg": "delivery", "cnt": "1",
                   "chrg_bchno": "B1", "pric": price, "det_item_fee_sumamt": price}  # fmt: skip


def _leave(stay: dict[str, str], *codes: str) -> dict[str, Any]:
    return {"dscginfo": stay | {"endtime": "2024-03-24"}, "diseinfo": _diagnoses(*codes)}


async def test_a_miscarriage_is_not_settled_as_a_birth(house: House, his: His) -> None:
    stay = await _admitted(his, await _pregnant(house, his), "O20.000")
    bill = {"medfee_sumamt": "4500.00", "insutype": "310"}
    assert await number_of(his, "2402", _leave(stay, "O03.900")) == 1040
    await his.call("2403", {"adminfo": stay, "diseinfo": _diagnoses("O03.900")})
    assert await number_of(his, "2303", {"data": stay | bill}) == 1040
    await his.call("2402", _leave(stay, "O80.000"))
    holds(await his.call("2304", {"data": stay | bill}))


async def test_a_birth_is_not_settled_as_a_loss(house: House, his: His) -> None:
    stay = await _admitted(his, await _pregnant(house, his), "O03.900")
    assert await number_of(his, "2402", _leave(stay, "O80.000")) == 1040
    await his.call("2402", _leave(stay))


async def _visited(his: His, psn: str, on: str, week: int, price: str) -> dict[str, str]:
    registered = await his.call("2201", {"data": {
        "psn_no": psn, "insutype": "310", "begntime": f"{on} 08:00:00",
        "ipt_otp_no": his.msgid()[-12:]}})  # fmt: skip
    visit = {"psn_no": psn, "mdtrt_id": str(registered["data"]["mdtrt_id"])}
    await his.call("2203", _for(visit, on, week))
    await his.call("2204", {"feedetail": _line(visit, on, price)})
    return visit


def _for(visit: dict[str, str], on: str, week: int, **more: str) -> dict[str, Any]:
    told = visit | {"med_type": "51", "begntime": f"{on} 08:05:00", "geso_val": str(week)} | more
    return {"mdtrtinfo": told, "diseinfo": _diagnoses("Z34.900")}


def _paid(receipt: dict[str, Any]) -> list[Any]:
    return [row["fund_payamt"] for row in receipt["setldetail"]]


async def test_a_visit_corrected_after_its_undo_is_settled_as_corrected(
    house: House, his: His
) -> None:
    """Up to week 20 the maternity part is 600.00 of checks at most, later more."""
    on = "2024-03-20"
    visit = await _visited(his, await _pregnant(house, his), on, 10, "1000.00")
    case = {"data": visit | {"medfee_sumamt": "1000.00", "insutype": "310"}}
    first = await his.call("2207", case)
    undo = visit | {"setl_id": first["setlinfo"]["setl_id"]}
    await his.call("2208", {"data": undo})
    await his.call("2203", _for(visit, on, 30))
    quoted = await his.call("2206", case)
    again = await his.call("2207", case)
    assert _paid(quoted) == _paid(again) != _paid(first)


async def test_a_withdrawn_or_used_message_ends_no_visit(house: House, his: His) -> None:
    psn = await _pregnant(house, his)
    visit = await _visited(his, psn, "2024-03-20", 30, "100.00")
    case = {"data": visit | {"medfee_sumamt": "100.00", "insutype": "310"}}
    late = his.msgid()
    await his.call("2601", {"data": {"psn_no": psn, "omsgid": late, "oinfno": "2207"}})
    assert await number_of(his, "2207", case, late) == 5010
    other = await _visited(his, psn, "2024-03-21", 30, "50.00")
    used = his.msgid()
    holds(await his.call(
        "2207", {"data": other | {"medfee_sumamt": "50.00", "insutype": "310"}}, used
    ))  # fmt: skip
    assert await number_of(his, "2207", case, used) == 5009
    states = "select state from stay where person_ref = $1 order by admitted_on"
    assert [row["state"] for row in await house.owner.fetch(states, psn)] == ["open", "settled"]


async def test_a_visit_is_quoted_on_the_day_that_it_is_settled_on(house: House, his: His) -> None:
    """Were it to last until today, its days would meet those of the birth."""
    psn = await _pregnant(house, his)
    birth = await _admitted(his, psn, "O80.000")
    await his.call("2402", _leave(birth))
    await his.call("2304", {"data": birth | {"medfee_sumamt": "4500.00", "insutype": "310"}})
    visit = await _visited(his, psn, "2024-03-10", 30, "100.00")
    case = {"data": visit | {"medfee_sumamt": "100.00", "insutype": "310"}}
    quoted, settled = [await his.call(infno, case) for infno in ("2206", "2207")]
    made_only = ("setl_time", "setl_id", "medins_setl_id")
    assert {k: v for k, v in quoted["setlinfo"].items() if k not in made_only} == {
        k: v for k, v in settled["setlinfo"].items() if k not in made_only
    }


async def test_what_would_change_nothing_is_not_answered_as_done(house: House, his: His) -> None:
    psn = await _pregnant(house, his)
    on = "2024-03-10"
    visit = await _visited(his, psn, on, 30, "100.00")
    assert await number_of(his, "2203", _for(visit, on, 30, med_type="52")) == 1040
    assert await number_of(his, "2203", _for(visit, on, 30, med_type="99")) == 5007
    await his.call("2207", {"data": visit | {"medfee_sumamt": "100.00", "insutype": "310"}})
    assert await number_of(his, "2203", _for(visit, on, 31)) == 1003
    stay = await _admitted(his, psn, "O80.000")
    assert await number_of(his, "2403", {"adminfo": stay | {"med_type": "51"}}) == 1040
    await his.call("2403", {"adminfo": stay | {"med_type": "52", "geso_val": "38"}})
    await his.call("2402", _leave(stay))
    assert await number_of(his, "2403", {"adminfo": stay | {"geso_val": "39"}}) == 1003


async def test_the_lines_of_one_call_are_of_one_stay(house: House, his: His) -> None:
    one = await _admitted(his, await _pregnant(house, his))
    two = await _admitted(his, await _pregnant(house, his))
    for other in (two, one | {"psn_no": two["psn_no"]}, two | {"psn_no": one["psn_no"]}):
        taken = [one | {"feedetl_sn": "1"}, other | {"feedetl_sn": "1"}]
        assert await number_of(his, "2302", {"data": taken}) == 5007
        lines = [_line(one, "2024-03-21", "1.00") | {"feedetl_sn": "2"},
                 _line(other, "2024-03-21", "1.00") | {"feedetl_sn": "3"}]  # fmt: skip
        assert await number_of(his, "2301", {"feedetail": lines}) == 5007
    await his.call("2302", {"data": [one | {"feedetl_sn": "1"}]})


@pytest.mark.parametrize(
    "told",
    [
        {"fixmedins_setl_cnt": "9999999999"}, {"fixmedins_setl_cnt": "1000001"},
        {"fixmedins_setl_cnt": "-1"}, {"stmt_begndate": "2023-03-27"},
    ],
)  # fmt: skip
async def test_totals_of_more_than_a_year_or_a_million_are_refused(
    his: His, told: dict[str, str]
) -> None:
    totals = {"insutype": "310", "clr_type": "99940", "setl_optins": NANJING,
              "stmt_begndate": "2023-03-28", "stmt_enddate": "2024-03-28",
              "medfee_sumamt": "9999999999999.99", "fund_pay_sumamt": "0.00", "acct_pay": "0.00",
              "fixmedins_setl_cnt": "1000000"}  # fmt: skip
    assert await number_of(his, "3201", {"data": totals | told}) == 5007
    assert (await his.call("3201", {"data": totals}))["stmtinfo"][0]["stmt_rslt"] == "1"


async def test_an_admission_is_taken_back_by_its_message(house: House, his: His) -> None:
    psn, message = await _pregnant(house, his), his.msgid()
    told = {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "1"}}  # fmt: skip
    undo = {"data": {"psn_no": psn, "omsgid": message, "oinfno": "2401"}}
    stay = {
        "psn_no": psn,
        "mdtrt_id": (await his.call("2401", told, message))["result"]["mdtrt_id"],
    }
    line = {"feedetail": [_line(stay, "2024-03-20", "1.00")]}
    other = undo["data"] | {"psn_no": await house.person(NANJING)}
    assert await number_of(his, "2601", {"data": other}) == 5012
    await his.call("2301", line)
    assert await number_of(his, "2601", undo) == 1061
    await his.call("2302", {"data": [stay | {"feedetl_sn": "0000"}]})
    await his.call("2601", undo)
    await his.call("2601", undo)
    assert await number_of(his, "2301", line) == 5014
    late = his.msgid()
    await his.call("2601", {"data": undo["data"] | {"omsgid": late}})
    assert await number_of(his, "2401", told, late) == 5010
    await his.call("2401", told)
