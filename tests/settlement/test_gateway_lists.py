"""Settlement lists (4101): kept once a settlement, held against it, and free of what names her."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.his import His, number_of

A, B = f"H{NANJING}a", f"H{NANJING}b"


house = house_of_the_file(A, B)


@pytest.fixture
def his(house: House) -> His:
    """The system of hospital a."""
    return His(house.running.http, house.clock, A)


async def _settled(house: House, his: His) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The keys of a settled birth of twins, and what setldetail said was paid."""
    psn = await house.person(NANJING)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "3"}, "diseinfo": []})  # fmt: skip
    stay = {"psn_no": psn, "mdtrt_id": str(admitted["result"]["mdtrt_id"])}
    line = {"feedetl_sn": "1", "fee_ocur_time": "2024-03-20", "med_list_codg": "delivery",
            "cnt": "1", "pric": "4500.00", "det_item_fee_sumamt": "4500.00"}  # fmt: skip
    await his.call("2301", {"feedetail": [stay | line]})
    told = {"endtime": "2024-03-24", "fetus_cnt": "2", "oprn_oprt_code": "74.1x00"}
    await his.call("2402", {"dscginfo": stay | told, "diseinfo": DIAGNOSES})
    made = await his.call("2304", {"data": stay | {"medfee_sumamt": "4500.00", "insutype": "310"}})
    return stay | {"setl_id": made["setlinfo"]["setl_id"]}, made["setldetail"]


DIAGNOSES = [{"diag_code": "O82.000", "diag_name": "经选择性剖宫产术", "maindiag_flag": "1"},
             {"diag_code": "O30.000", "diag_name": "双胎妊娠", "maindiag_flag": "0"}]  # fmt: skip
PERSONAL = {"curr_addr": "示例路一号", "coner_name": "联系人甲", "coner_addr": "示例路二号",
            "coner_tel": "13900000000", "emp_name": "示例单位", "medcasno": "BA0001",
            "bill_no": "PJ0001"}  # fmt: skip


def _list(keys: dict[str, str], paid: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    rows = [{"fund_pay_type": row["fund_pay_type"], "fund_payamt": str(row["fund_payamt"])}
            for row in paid]  # fmt: skip
    return {
        "setlinfo": keys | PERSONAL | {"mul_nwb_bir_wt": "2510,2480", "nwb_adm_type": "1"},
        "diseinfo": DIAGNOSES,
        "oprninfo": [{"oprn_oprt_code": "74.1x00", "oper_dr_name": "某医师"}],
        "payinfo": rows,
    } | changed


async def _doubts(house: House, keys: dict[str, str]) -> dict[str, Any]:
    rows = await house.owner.fetch(
        "select kind, found::text from doubt join stay using (stay_id) where person_ref = $1",
        keys["psn_no"],
    )
    return {row["kind"]: orjson.loads(row["found"]) for row in rows}


async def test_a_list_that_agrees_is_kept_without_what_names_her(house: House, his: His) -> None:
    keys, paid = await _settled(house, his)
    taken = await his.call("4101", _list(keys, paid))
    number = taken["data"]["setl_list_id"]
    assert len(number) <= 9
    assert await _doubts(house, keys) == {}
    kept = str(await house.owner.fetchval("select told from settlement_list order by told_at desc"))
    assert orjson.loads(kept)["birth_grams"] == ["2510", "2480"]
    for table in ("settlement_list", "idempotency", "log", "doubt"):
        rows = await house.owner.fetch(f"select t::text as said from {table} t")  # noqa: S608
        for text in (*PERSONAL.values(), "某医师", "双胎妊娠"):
            assert not [row for row in rows if text in row["said"]], (table, text)
            assert not [row for row in rows if text.encode().hex() in row["said"]], (table, text)


@pytest.mark.parametrize(
    ("changed", "kind", "settled"),
    [
        ({"payinfo": [{"fund_pay_type": "510100", "fund_payamt": "1"}]}, "list_sums_differ", None),
        ({"diseinfo": DIAGNOSES[:1]}, "list_diagnoses_differ", ["O82.000", "O30.000"]),
        ({"diseinfo": [DIAGNOSES[0] | {"maindiag_flag": "0"},
                       DIAGNOSES[1] | {"maindiag_flag": "1"}]}, "list_diagnoses_differ", None),
        ({"oprninfo": [{"oprn_oprt_code": "73.5900"}]}, "list_operations_differ", ["74.1x00"]),
    ],
)  # fmt: skip
async def test_a_list_that_departs_is_kept_with_a_doubt(
    house: House, his: His, changed: dict[str, Any], kind: str, settled: Any
) -> None:
    keys, paid = await _settled(house, his)
    await his.call("4101", _list(keys, paid, **changed))
    found = await _doubts(house, keys)
    assert list(found) == [kind]
    assert settled is None or found[kind]["settled"] == settled
    # Told again as it was settled: the same number, and no doubt any more.
    first = await his.call("4101", _list(keys, paid))
    again = await his.call("4101", _list(keys, paid))
    assert first == again
    assert await _doubts(house, keys) == {}


async def test_newborns_are_counted_by_their_weights(house: House, his: His) -> None:
    keys, paid = await _settled(house, his)
    one = {"setlinfo": keys | {"nwb_bir_wt": "3200"}}
    await his.call("4101", _list(keys, paid) | one)
    assert await _doubts(house, keys) == {"list_newborns_differ": {"told": 1, "settled": 2}}
    for wrong in ("heavy", "2510,", ",".join(["2500"] * 10)):
        bad = {"setlinfo": keys | {"mul_nwb_bir_wt": wrong}}
        assert await number_of(his, "4101", _list(keys, paid) | bad) == 5007
    bad = {"setlinfo": keys | {"nwb_adm_type": "7"}}
    assert await number_of(his, "4101", _list(keys, paid) | bad) == 5007


async def test_a_list_is_of_a_settlement_that_stands(house: House, his: His) -> None:
    keys, paid = await _settled(house, his)
    other, _ = await _settled(house, his)
    crossed = keys | {"setl_id": other["setl_id"]}
    assert await number_of(his, "4101", _list(crossed, paid)) == 1023
    rival = His(house.running.http, house.clock, B)
    assert await number_of(rival, "4101", _list(keys, paid)) == 5014
    undone = await his.call("2305", {"data": keys})
    assert await number_of(his, "4101", _list(keys, paid)) == 1024
    back = keys | {"setl_id": undone["setlinfo"]["setl_id"]}
    assert await number_of(his, "4101", _list(back, paid)) == 1023
    await house.owner.execute(
        "insert into closed_period values ($1, '2024-03-01', 'x', now())", NANJING
    )
    assert await number_of(his, "4101", _list(other, paid)) == 1025
