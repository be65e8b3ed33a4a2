"""What a hospital does through the national gateway alone: a birth, and a whole prenatal course."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from shared.money import Money
from tests.journeys.test_birth import Town, _id_number
from tests.support.agency import made, until
from tests.support.his import His, Refused, holds

VISITS, UNDONE_VISITS = 4, 2
Parts = tuple[str, ...]
PARTS = ("total_fen", "fund_fen", "member_fen", "institution_fen", "other_fund_fen")
_PARTS = ", ".join(PARTS)


@dataclass(frozen=True)
class Settled:
    """A case as its last receipt has it (bill, funds, cash), and as audit holds it (PARTS)."""

    receipts: list[Parts]
    heard: list[Parts]
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of each unit or head of the pregnancy: what was used, and its limit."""


async def insured(town: Town) -> tuple[str, str]:
    """A woman's ID number, and her reference; enrollment knows her, settlement not yet."""
    number = _id_number(town.pool)
    body = {"id_number": number, "name": "例某", "county_code": town.pool, "kind": "employee",
            "start": "2022-01-01", "employer_ref": "E1"}  # fmt: skip
    person_ref = str((await made(town.clerk.post("/persons", body)))["person_ref"])
    await town.paid(person_ref, "2022-01", 27)
    await town.heard_of(person_ref)
    return number, person_ref


async def born(town: Town, his: His) -> Settled:
    """A birth from sign-in to sign-out, settled three times and undone twice."""
    number, person_ref = await insured(town)
    signed = await his.call("9001", {"signIn": {"opter_no": "1", "mac": "00", "ip": "10.0.0.1"}})
    base = await _known(his, number)
    psn = base["psn_no"]
    assert len(psn) <= 30
    entitled = await his.call("2001", {"data": {
        "psn_no": psn, "insutype": "310", "med_type": "52", "begntime": "2024-03-20 08:00:00",
        "fixmedins_code": his.institution, "matn_type": "1"}})  # fmt: skip
    assert entitled["trtinfo"][0]["trt_enjymnt_flag"] == "1"
    await his.call("90201", {"data": {
        "psn_no": psn, "fixmedins_code": his.institution, "matn_type": "1",
        "last_mena_date": "2023-06-28", "begndate": "2023-09-01", "enddate": "2024-09-01",
    }})  # fmt: skip
    stay = await _admitted(his, psn)
    await _mistaken(his, psn)
    bill = await _charged(his, psn, stay)
    case = {"psn_no": psn, "mdtrt_id": stay, "medfee_sumamt": bill, "insutype": "310",
            "psn_setlway": "02", "acct_used_flag": 0, "mid_setl_flag": "0", "psn_name": "例某",
            "certno": number, "mdtrt_cert_type": "02", "inscp_scp_amt": "0.00"}  # fmt: skip
    quoted = await his.call("2303", {"data": case})
    holds(quoted)
    assert quoted["setlinfo"]["setl_time"] == quoted["setlinfo"]["setl_id"] == ""
    await _left(his, psn, stay)
    message = his.msgid()
    first = await his.post("2304", {"data": case}, message)
    again = await his.post("2304", {"data": case}, message)
    assert first.content == again.content
    settled = await his.call("2304", {"data": case}, message)
    holds(settled)
    info = settled["setlinfo"]
    made_only = ("setl_id", "setl_time", "medins_setl_id")
    assert {k: v for k, v in info.items() if k not in made_only} == {
        k: v for k, v in quoted["setlinfo"].items() if k not in made_only
    }
    assert (info["psn_name"], info["certno"], info["medins_setl_id"]) == ("例某", number, message)
    assert info["med_type"] == "52"
    assert info["age"] >= 33
    final = await _undone_and_settled_again(his, psn, stay, case, settled)
    await _level_at_the_end(his, settled["setlinfo"])
    await his.call("9002", {"signOut": {"sign_no": signed["signinoutb"]["sign_no"],
                                        "opter_no": "1"}})  # fmt: skip
    await _nothing_personal_is_kept(town, number)
    return Settled([_receipt(final)], [await _heard_by_audit(town, person_ref)])


def _receipt(info: dict[str, Any]) -> Parts:
    return tuple(f"{info[key]:.2f}" for key in ("medfee_sumamt", "fund_pay_sumamt", "psn_cash_pay"))


async def _known(his: His, number: str) -> dict[str, Any]:
    found = await his.call("1101", {"data": {
        "mdtrt_cert_type": "02", "mdtrt_cert_no": number, "card_sn": "", "begntime": None,
        "psn_cert_type": "01", "certno": number, "psn_name": "例某"}})  # fmt: skip
    base: dict[str, Any] = found["baseinfo"]
    assert (base["certno"], base["gend"], base["brdy"]) == (number, "2", "1990-03-15")
    assert {row["insutype"] for row in found["insuinfo"]} == {"310", "510"}
    assert {row["psn_insu_stas"] for row in found["insuinfo"]} == {"1"}
    with pytest.raises(Refused) as nobody:
        await his.call("1101", {"data": {"mdtrt_cert_type": "02", "certno": _id_number("110101"),
                                         "psn_name": "例某"}})  # fmt: skip
    assert nobody.value.number == 1012
    with pytest.raises(Refused) as another:
        await his.call("1101", {"data": {"mdtrt_cert_type": "02", "certno": number,
                                         "psn_name": "例"}})  # fmt: skip
    assert another.value.err_msg == nobody.value.err_msg
    return base


async def _admitted(his: His, psn: str) -> str:
    admitted = await his.call("2401", {
        "mdtrtinfo": {
            "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:10:00",
            "mdtrt_cert_type": "02", "med_type": 52, "ipt_no": f"Z{his.msgid()[-8:]}",
            "matn_type": "1", "birctrl_type": None, "geso_val": "null", "fetus_cnt": "",
            "latechb_flag": "1", "pret_flag": "0", "dscg_maindiag_code": "O80.000",
        },
        "diseinfo": [
            {"psn_no": psn, "diag_type": "1", "maindiag_flag": "0", "diag_srt_no": 2,
             "diag_code": "O99.000", "diag_time": "2024-03-20 08:10:00"},
            {"psn_no": psn, "diag_type": "1", "maindiag_flag": "1", "diag_srt_no": 1,
             "diag_code": "O82.000", "diag_time": "2024-03-20 08:10:00"},
        ],
    })  # fmt: skip
    return str(admitted["result"]["mdtrt_id"])


async def _charged(his: His, psn: str, stay: str) -> str:
    items = [("delivery", "1", "4500.00"), ("bed", 3, 50), ("oxytocin", "2.0000", "10.000000"),
             ("photo", "1", "88")]  # fmt: skip
    lines = [
        {"feedetl_sn": f"{stay[-6:]}{n}", "mdtrt_id": stay, "psn_no": psn, "chrg_bchno": "1",
         "med_type": "52", "fee_ocur_time": "2024-03-21 10:00:00", "med_list_codg": item,
         "medins_list_codg": "L1", "cnt": cnt, "pric": price,
         "det_item_fee_sumamt": f"{Decimal(str(cnt)) * Decimal(str(price)):.2f}"}
        for n, (item, cnt, price) in enumerate(items, 1)
    ]  # fmt: skip
    result = (await his.call("2301", {"feedetail": lines}))["result"]
    for row in result:
        assert row["det_item_fee_sumamt"] == (
            row["fulamt_ownpay_amt"] + row["overlmt_amt"] + row["preselfpay_amt"]
            + row["inscp_scp_amt"]
        )  # fmt: skip
    assert [row["chrgitm_lv"] for row in result] == ["01", "01", "02", "03"]
    with pytest.raises(Refused) as twice:
        await his.call("2301", {"feedetail": lines[:1]})
    assert twice.value.number == 5007
    return f"{sum(row['det_item_fee_sumamt'] for row in result):.2f}"


async def _mistaken(his: His, psn: str) -> None:
    """An admission that was a mistake: its lines are taken off, and it is cancelled."""
    stay = await _admitted(his, psn)
    line = {"feedetl_sn": "S1", "mdtrt_id": stay, "psn_no": psn, "fee_ocur_time": "2024-03-21",
            "med_list_codg": "bed", "cnt": "3", "pric": "50.00",
            "det_item_fee_sumamt": "150.00"}  # fmt: skip
    back = line | {"feedetl_sn": "S2", "init_feedetl_sn": "S1", "cnt": "-1",
                   "det_item_fee_sumamt": "-50.00"}  # fmt: skip
    await his.call("2301", {"feedetail": [line]})
    (returned,) = (await his.call("2301", {"feedetail": [back]}))["result"]
    assert (returned["det_item_fee_sumamt"], returned["overlmt_amt"]) == (-50, -15)
    case = {"mdtrt_id": stay, "psn_no": psn}
    with pytest.raises(Refused) as returned_line:
        await his.call("2302", {"data": [case | {"feedetl_sn": "S1"}]})
    assert returned_line.value.number == 1062
    with pytest.raises(Refused) as has_lines:
        await his.call("2404", {"data": case})
    assert has_lines.value.number == 1061
    await _left(his, psn, stay)
    await his.call("2405", {"data": case})
    await his.call("2302", {"data": [case | {"feedetl_sn": "0000"}]})
    await his.call("2301", {"feedetail": [line]})
    await his.call("2302", {"data": [case | {"feedetl_sn": "S1"}]})
    await his.call("2404", {"data": case})
    with pytest.raises(Refused) as gone:
        await his.call("2301", {"feedetail": [line]})
    assert gone.value.number == 5014


async def _left(his: His, psn: str, stay: str) -> None:
    await his.call("2402", {"dscginfo": {
        "mdtrt_id": stay, "psn_no": psn, "insutype": "310", "endtime": "2024-03-24 09:00:00",
        "birctrl_matn_date": "2024-03-21", "oprn_oprt_code": "74.1x00", "cop_flag": 0,
        "dscg_way": "1"}, "diseinfo": []})  # fmt: skip


async def _undone_and_settled_again(
    his: His, psn: str, stay: str, case: dict[str, Any], settled: dict[str, Any]
) -> dict[str, Any]:
    """2305 gives exact negatives; 2601 undoes what a message did, and what has not arrived."""
    undone = await his.call("2305", {"data": {
        "mdtrt_id": stay, "setl_id": settled["setlinfo"]["setl_id"], "psn_no": psn}})  # fmt: skip
    holds(undone)
    for key in ("medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "psn_cash_pay", "hifp_pay",
                "inscp_scp_amt", "fulamt_ownpay_amt"):  # fmt: skip
        assert undone["setlinfo"][key] == -settled["setlinfo"][key], key
    assert undone["setlinfo"]["setl_id"] != settled["setlinfo"]["setl_id"]
    second = his.msgid()
    holds(await his.call("2304", {"data": case}, second))
    back = {"psn_no": psn, "omsgid": second, "oinfno": "2304"}
    assert await his.call("2601", {"data": back}) == {}
    assert await his.call("2601", {"data": back}) == {}
    late = his.msgid()
    assert await his.call("2601", {"data": back | {"omsgid": late}}) == {}
    with pytest.raises(Refused) as withdrawn:
        await his.call("2304", {"data": case}, late)
    assert withdrawn.value.number == 5010
    third = his.msgid()
    final = await his.call("2304", {"data": case}, third)
    with pytest.raises(Refused) as other:
        await his.call("2304", {"data": case | {"medfee_sumamt": "1.00"}}, third)
    assert other.value.number == 5009
    assert final["setlinfo"]["fund_pay_sumamt"] == settled["setlinfo"]["fund_pay_sumamt"]
    receipt: dict[str, Any] = final["setlinfo"]
    return receipt


async def _level_at_the_end(his: His, info: dict[str, Any]) -> None:
    """Three settlements of the same case, of which two were undone."""
    totals = {"insutype": "310", "clr_type": "99940", "setl_optins": "",
              "stmt_begndate": "2024-03-28", "stmt_enddate": "2024-03-28",
              "medfee_sumamt": info["medfee_sumamt"], "fund_pay_sumamt": info["fund_pay_sumamt"],
              "acct_pay": info["acct_pay"], "fixmedins_setl_cnt": 5}  # fmt: skip
    totals = {key: str(value) for key, value in totals.items()}
    (level,) = (await his.call("3201", {"data": totals}))["stmtinfo"]
    assert level["stmt_rslt"] == "0", level
    (apart,) = (await his.call("3201", {"data": totals | {"fund_pay_sumamt": "1.00"}}))["stmtinfo"]
    assert apart["stmt_rslt"] == "1"
    assert str(info["fund_pay_sumamt"]) in apart["stmt_rslt_dscr"]


async def _nothing_personal_is_kept(town: Town, number: str) -> None:
    owner = await asyncpg.connect(town.whole.databases["settlement"]["owner"])
    for table in ("idempotency", "encounter", "told_line", "log", "outbox", "stay"):
        kept = await owner.fetchval(
            f"select count(*) from {table} t where t::text like $1"  # noqa: S608
            " or t::text like $2",
            f"%{number}%", f"%{number.encode().hex()}%",
        )  # fmt: skip
        assert kept == 0, table
    await owner.close()


async def _heard_by_audit(town: Town, person_ref: str) -> Parts:
    """With a doubt about the data: matn_type calls the caesarean a normal birth."""
    audit = await asyncpg.connect(town.whole.databases["audit"]["owner"])

    async def heard() -> Any:
        return await audit.fetchrow(
            f"select {_PARTS} from claim where person_ref = $1 and status = 'settled'",  # noqa: S608
            person_ref,
        )

    kept = await until(heard)
    doubted = await audit.fetch(
        "select f.evidence->>'mode' as mode, f.evidence->>'stated' as stated, f.at_risk_fen as fen"
        " from finding f join claim c using (pool_code, claim_id) join flag using (flag_id)"
        " where f.rule = 'mode-stated-otherwise' and c.person_ref = $1 and c.status = 'settled'",
        person_ref,
    )
    assert [tuple(row) for row in doubted] == [("cesarean", "vaginal", 0)]
    await audit.close()
    return _parts(kept)


async def cared_for(town: Town, his: His) -> Settled:
    """A prenatal course: four visits of one pregnancy, the second undone and settled again, and one
    that was a mistake."""
    _, person_ref = await insured(town)
    psn = person_ref  # a reference is taken as it is written elsewhere, too
    await his.call("90201", {"data": {
        "psn_no": psn, "fixmedins_code": his.institution, "matn_type": "7",
        "last_mena_date": "2023-08-01", "begndate": "2023-10-01", "enddate": "2024-09-01",
    }})  # fmt: skip
    paid = [await _visit(his, psn, on, "300.00") for on in ("2023-10-10", "2023-12-05")]
    undone = await his.call("2208", {"data": {
        "setl_id": paid[1]["setl_id"], "mdtrt_id": paid[1]["mdtrt_id"], "psn_no": psn,
    }})  # fmt: skip
    holds(undone)
    assert undone["setlinfo"]["fund_pay_sumamt"] == -paid[1]["fund_pay_sumamt"]
    assert undone["setlinfo"]["pdn_cash_pay"] == -paid[1]["psn_cash_pay"]
    paid[1] = await _settled_visit(his, psn, paid[1]["mdtrt_id"], "300.00")
    assert paid[1]["fund_pay_sumamt"] == -undone["setlinfo"]["fund_pay_sumamt"]
    await _mistaken_visit(his, psn)
    paid += [await _visit(his, psn, *one) for one in (("2024-02-01", "500.00"),
                                                      ("2024-03-20", "900.00"))]  # fmt: skip
    heard = await _visits_heard_by_audit(town, person_ref)
    pregnancy = await _pregnancy_of(town, person_ref)
    units = (await made(town.desk.get(f"/pregnancies/{pregnancy}/units")))["items"]
    used = {unit["unit"]: (unit["used"], unit["limit"]) for unit in units}
    return Settled([_receipt(one) for one in paid], heard, used)


async def _visits_heard_by_audit(town: Town, person_ref: str) -> list[Parts]:
    """What each visit that stands comes to there, in their order; two are known as reversed."""
    audit = await asyncpg.connect(town.whole.databases["audit"]["owner"])

    async def heard() -> Any:
        rows = await audit.fetch(
            f"select status, {_PARTS} from claim where person_ref = $1 and benefit = 'prenatal'"  # noqa: S608
            " order by event_on",
            person_ref,
        )
        return [row["status"] for row in rows].count("settled") == VISITS and rows

    rows = await until(heard)
    await audit.close()
    assert [row["status"] for row in rows].count("reversed") == UNDONE_VISITS
    return [_parts(row) for row in rows if row["status"] == "settled"]


def _parts(row: Any) -> Parts:
    return tuple(Money(row[part]).to_wire() for part in PARTS)


async def _visit(his: His, psn: str, on: str, price: str) -> dict[str, Any]:
    registered = await his.call("2201", {"data": {
        "psn_no": psn, "insutype": "310", "begntime": f"{on} 08:00:00", "mdtrt_cert_type": "02",
        "mdtrt_cert_no": "1", "ipt_otp_no": f"M{his.msgid()[-8:]}", "dept_code": "1",
        "dept_name": "产科", "caty": "A05"}})  # fmt: skip
    visit = str(registered["data"]["mdtrt_id"])
    await his.call("2203A", {
        "mdtrtinfo": {"mdtrt_id": visit, "psn_no": psn, "med_type": "51",
                      "begntime": f"{on} 08:05:00", "dise_code": "Z34",
                      "birctrl_type": "", "geso_val": "0"},
        "diseinfo": {"diag_type": "1", "diag_srt_no": "1", "diag_code": "Z34.900",
                     "maindiag_flag": 1, "vali_flag": "1"},
    })  # fmt: skip
    line = {"feedetl_sn": "1", "mdtrt_id": visit, "psn_no": psn, "chrg_bchno": "B1",
            "fee_ocur_time": f"{on} 09:00:00", "med_list_codg": "delivery",
            "medins_list_codg": "L1", "det_item_fee_sumamt": price, "cnt": "1", "pric": price,
            "matn_fee_flag": "1"}  # fmt: skip
    await his.call("2204", {"feedetail": line})
    return await _settled_visit(his, psn, visit, price)


async def _mistaken_visit(his: His, psn: str) -> None:
    """A visit that was settled by mistake: settlement, lines, and the visit are undone."""
    made_now = await _visit(his, psn, "2024-01-05", "10.00")
    case = {"mdtrt_id": made_now["mdtrt_id"], "psn_no": psn}
    with pytest.raises(Refused) as settled:
        await his.call("2205", {"data": case | {"chrg_bchno": "B1"}})
    assert settled.value.number == 1003
    await his.call("2208", {"data": case | {"setl_id": made_now["setl_id"]}})
    await his.call("2205", {"data": case | {"chrg_bchno": "B1"}})
    await his.call("2202", {"data": case | {"ipt_otp_no": "1"}})
    with pytest.raises(Refused) as gone:
        await his.call("2206", {"data": case | {"medfee_sumamt": "10.00", "insutype": "310"}})
    assert gone.value.number == 5014


async def _settled_visit(his: His, psn: str, visit: str, total: str) -> dict[str, Any]:
    case = {"psn_no": psn, "mdtrt_id": visit, "medfee_sumamt": total, "insutype": "310",
            "mdtrt_cert_type": "02", "med_type": "51", "psn_setlway": "02", "chrg_bchno": "B1",
            "acct_used_flag": "0"}  # fmt: skip
    quoted = await his.call("2206", {"data": case})
    holds(quoted)
    message = his.msgid()
    settled = await his.call("2207", {"data": case}, message)
    holds(settled)
    assert (await his.post("2207", {"data": case}, message)).status_code == 200
    info: dict[str, Any] = settled["setlinfo"]
    assert info["fund_pay_sumamt"] == quoted["setlinfo"]["fund_pay_sumamt"]
    return info


async def _pregnancy_of(town: Town, person_ref: str) -> str:
    owner = await asyncpg.connect(town.whole.databases["settlement"]["owner"])
    found = await owner.fetchval(
        "select pregnancy_id::text from pregnancy where person_ref = $1", person_ref
    )
    await owner.close()
    return str(found)
