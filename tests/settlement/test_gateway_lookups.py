"""What a hospital looks up through the gateway, and the catalogue with its own codes."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from services.settlement.domain.settlement import bill_stands, unreversed
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.his import His, holds, number_of

A, B = f"H{NANJING}a", f"H{NANJING}b"


house = house_of_the_file(A, B)


@pytest.fixture
def his(house: House) -> His:
    """The system of hospital a."""
    return His(house.running.http, house.clock, A)


@pytest.fixture
def rival(house: House) -> His:
    """The system of hospital b."""
    return His(house.running.http, house.clock, B)


async def _stay(house: House, his: His, *lines: dict[str, str]) -> tuple[dict[str, str], str]:
    """A discharged birth with its lines, and what they sum to."""
    psn = await house.person(NANJING)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    stay = await _opened(his, psn)
    result = (await his.call("2301", {"feedetail": [stay | line for line in lines]}))["result"]
    told = [{"diag_code": "O82.000", "maindiag_flag": "1"},
            {"diag_code": "O99.000", "maindiag_flag": "0"}]  # fmt: skip
    await his.call("2402", {"dscginfo": stay | {"endtime": "2024-03-24"}, "diseinfo": told})
    return stay, f"{sum(row['det_item_fee_sumamt'] for row in result):.2f}"


async def _opened(his: His, psn: str) -> dict[str, str]:
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "1"}, "diseinfo": []})  # fmt: skip
    return {"psn_no": psn, "mdtrt_id": str(admitted["result"]["mdtrt_id"])}


def _line(serial: str, item: str, count: str = "1", price: str = "100.00", **more: str) -> Any:
    amount = f"{abs(Decimal(count)) * Decimal(price):.2f}"
    return {"feedetl_sn": serial, "fee_ocur_time": "2024-03-21", "med_list_codg": item,
            "cnt": count, "pric": price,
            "det_item_fee_sumamt": f"-{amount}" if count[0] == "-" else amount} | more  # fmt: skip


LINES = (_line("a1", "delivery", price="4500.00"), _line("a2", "bed", "3", "50.00"),
         _line("a3", "oxytocin", "2", "10.00"), _line("a4", "nobody-lists-it"))  # fmt: skip
WHEN = {"begntime": "2024-03-01 00:00:00", "endtime": "2024-03-31 23:59:59"}


async def test_a_settlement_is_looked_up_as_it_was_told(house: House, his: His) -> None:
    """Also after its undo, and after the bill behind it has changed."""
    stay, total = await _stay(house, his, *LINES)
    case = {"data": stay | {"medfee_sumamt": total, "insutype": "310", "psn_name": "例某"}}
    made = await his.call("2304", case)
    holds(made)
    one = {"setl_id": made["setlinfo"]["setl_id"]}
    for asked in (one, {}):
        found = await his.call("5203", {"data": stay | asked | {"psn_name": "例某"}})
        info = found["setlinfo"]
        kept = {k: v for k, v in made["setlinfo"].items() if k not in ("psn_name", "certno")}
        assert {k: v for k, v in info.items() if k in kept} == kept
        assert found["setldetail"] == made["setldetail"]
        assert info["refd_setl_flag"] == "0"
        assert (info["begndate"], info["enddate"]) == ("2024-03-20", "2024-03-24")
        assert info["psn_pay"] == info["psn_part_amt"]
    undone = await his.call("2305", {"data": stay | one})
    # A quota, cleared afterwards; what takes it back is cleared the same way.
    assert [of["setlinfo"]["clr_way"] for of in (made, undone)] == ["904", "904"]
    await his.call("2405", {"data": stay})
    await his.call("2302", {"data": [stay | {"feedetl_sn": "a2"}]})
    again = await his.call("5203", {"data": stay | one})
    assert again["setlinfo"]["inscp_scp_amt"] == made["setlinfo"]["inscp_scp_amt"]
    assert again["setlinfo"]["refd_setl_flag"] == "1"
    back = await his.call("5203", {"data": stay | {"setl_id": undone["setlinfo"]["setl_id"]}})
    holds(back)
    assert back["setlinfo"]["medfee_sumamt"] == -made["setlinfo"]["medfee_sumamt"]
    assert back["setlinfo"]["refd_setl_flag"] == "1"


async def test_a_settlement_of_another_way_has_its_receipt_too(house: House, his: His) -> None:
    stay, total = await _stay(house, his, *LINES)
    plain = house.hospitals[f"a-{NANJING}"]
    stays = (await plain.get("/stays", person_ref=stay["psn_no"])).json()["items"]
    place = f"/stays/{stays[0]['stay_id']}/settle"
    assert (await plain.post(place, {"total": total})).status_code == 201
    found = await his.call("5203", {"data": stay})
    holds(found)
    assert found["setlinfo"]["medfee_sumamt"] == Decimal(total)
    setl = {"setl_id": found["setlinfo"]["setl_id"]}
    await his.call("2305", {"data": stay | setl})
    await his.call("2405", {"data": stay})
    await his.call("2302", {"data": [stay | {"feedetl_sn": "a2"}]})
    assert await number_of(his, "5203", {"data": stay | setl}) == 5021


async def test_only_the_bill_that_was_settled_is_shown_as_a_settlements(
    house: House, his: His
) -> None:
    """Other lines of the same total are not, before and after they are settled in their turn."""
    stay, total = await _stay(house, his, *LINES)
    plain = house.hospitals[f"a-{NANJING}"]
    stays = (await plain.get("/stays", person_ref=stay["psn_no"])).json()["items"]
    place = f"/stays/{stays[0]['stay_id']}/settle"
    assert (await plain.post(place, {"total": total})).status_code == 201

    async def shown() -> tuple[str, list[str]]:
        bill: Any = await his.call("5204", {"data": stay})
        return bill[0]["setl_id"], [row["feedetl_sn"] for row in bill]

    first, _ = await shown()
    undone = await his.call("2305", {"data": stay | {"setl_id": first}})
    both = [first, undone["setlinfo"]["setl_id"]]
    for setl_id in both:  # untouched, the bill is still the one that was settled
        asked = {"data": stay | {"setl_id": setl_id}}
        assert len(await his.call("5204", asked)) == 4
        holds(await his.call("5203", asked))
    await his.call("2405", {"data": stay})
    await his.call("2302", {"data": [stay | {"feedetl_sn": "a2"}]})
    other = stay | _line("z1", "photo", "3", "50.00")
    await his.call("2301", {"feedetail": [other]})
    told = {"dscginfo": stay | {"endtime": "2024-03-24"},
            "diseinfo": [{"diag_code": "O82.000", "maindiag_flag": "1"}]}  # fmt: skip

    async def refused() -> None:
        for setl_id in both:
            asked = {"data": stay | {"setl_id": setl_id}}
            # What the gateway undid it told of, and that is kept.
            assert setl_id == both[1] or await number_of(his, "5203", asked) == 5021
            assert await number_of(his, "5204", asked) == 5021

    await refused()
    assert await shown() == ("", ["a1", "a3", "a4", "z1"])
    await his.call("2402", told)
    await refused()
    assert (await plain.post(place, {"total": total})).status_code == 201
    await refused()
    standing, serials = await shown()
    assert standing not in ("", *both)
    assert serials == ["a1", "a3", "a4", "z1"]
    assert len(await his.call("5204", {"data": stay | {"setl_id": standing}})) == 4


def test_the_settlement_that_stands_is_known_by_its_state() -> None:
    """Ids come of several processes' clocks: the last one need not be the latest."""
    undone, back, standing = uuid4(), uuid4(), uuid4()
    made: list[Any] = [
        SimpleNamespace(settlement_id=standing, reverses=None, stay_version=7),
        SimpleNamespace(settlement_id=undone, reverses=None, stay_version=3),
        SimpleNamespace(settlement_id=back, reverses=undone, stay_version=3),
    ]
    assert unreversed(made) is made[0]
    assert unreversed(made[1:]) is None
    assert [bill_stands(one, made, 8) for one in made] == [True, False, False]
    assert [bill_stands(one, made[1:], 5) for one in made[1:]] == [True, True]


async def test_a_case_its_diagnoses_and_its_bill_are_looked_up(house: House, his: His) -> None:
    stay, _ = await _stay(house, his, *LINES)
    psn = {"psn_no": stay["psn_no"]}
    (case,) = (await his.call("5201", {"data": psn | WHEN}))["mdtrtinfo"]
    assert (case["mdtrt_id"], case["med_type"]) == (stay["mdtrt_id"], "52")
    assert (case["endtime"], case["ipt_days"], case["matn_type"]) == ("2024-03-24", 4, "1")
    for other in ({"med_type": "51"}, {"endtime": "2024-03-02"}):
        assert (await his.call("5201", {"data": psn | WHEN | other}))["mdtrtinfo"] == []
    assert await number_of(his, "5201", {"data": psn | WHEN | {"endtime": "2024-02-01"}}) == 5007
    told = (await his.call("5202", {"data": stay}))["diseinfo"]
    assert [(row["diag_code"], row["maindiag_flag"], row["diag_srt_no"]) for row in told] == [
        ("O82.000", "1", 1), ("O99.000", "0", 2),
    ]  # fmt: skip
    bill: Any = await his.call("5204", {"data": stay})
    assert [row["feedetl_sn"] for row in bill] == ["a1", "a2", "a3", "a4"]
    assert [row["chrgitm_lv"] for row in bill] == ["01", "01", "02", "03"]
    assert [row["overlmt_amt"] for row in bill] == [0, 45, 0, 0]
    assert [row["list_type"] for row in bill] == ["201", "201", "201", ""]
    for row in bill:
        assert row["det_item_fee_sumamt"] == (
            row["fulamt_ownpay_amt"] + row["overlmt_amt"] + row["preselfpay_amt"]
            + row["inscp_scp_amt"]
        )  # fmt: skip
    unknown = stay | {"setl_id": stay["mdtrt_id"]}
    assert await number_of(his, "5204", {"data": unknown}) == 1023


async def test_another_hospitals_case_is_as_if_it_were_not_there(
    house: House, his: His, rival: His
) -> None:
    stay, total = await _stay(house, his, *LINES)
    case = {"data": stay | {"medfee_sumamt": total, "insutype": "310"}}
    setl = (await his.call("2304", case))["setlinfo"]["setl_id"]
    for infno in ("5202", "5203", "5204"):
        assert await number_of(rival, infno, {"data": stay | {"setl_id": setl}}) == 5014
    psn = {"psn_no": stay["psn_no"]}
    assert (await rival.call("5201", {"data": psn | WHEN}))["mdtrtinfo"] == []
    assert (await rival.call("5205", {"data": psn | WHEN}))["feedetail"] == []
    own = await _opened(rival, stay["psn_no"])
    assert await number_of(rival, "5203", {"data": own | {"setl_id": setl}}) == 1023


async def test_drugs_are_the_lines_that_the_catalogue_calls_so(house: House, his: His) -> None:
    clerk = house.clerks[NANJING]
    listed = {"item_code": "XA01", "name": "示例药", "item_class": "b", "first_copay_rate": "0.1",
              "kind": "drug", "start": "2020-01-01"}  # fmt: skip
    assert (await clerk.post("/catalogue-items", listed)).status_code == 201
    stay, _ = await _stay(house, his, *LINES, _line("d1", "XA01", "2", "30.00"),
                          _line("d2", "XA01", "-1", "30.00", init_feedetl_sn="d1"))  # fmt: skip
    rows = (await his.call("5205", {"data": {"psn_no": stay["psn_no"]} | WHEN}))["feedetail"]
    assert [(row["med_list_codg"], row["cnt"], row["hilist_name"]) for row in rows] == [
        ("XA01", 2, "示例药"), ("XA01", -1, "示例药"),
    ]  # fmt: skip
    assert [row["inscp_scp_amt"] for row in rows] == [54, -27]


async def test_what_is_cumulated_is_the_persons_in_all_hospitals(
    house: House, his: His, rival: His
) -> None:
    psn = await house.person(NANJING, first="2023-01", last="2024-03")
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    registered = await his.call("2201", {"data": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-02-01 08:00:00",
        "ipt_otp_no": his.msgid()[-12:]}})  # fmt: skip
    visit = {"psn_no": psn, "mdtrt_id": str(registered["data"]["mdtrt_id"])}
    told = {"mdtrtinfo": visit | {"med_type": "51", "begntime": "2024-02-01"},
            "diseinfo": [{"diag_code": "Z34.900", "maindiag_flag": "1"}]}  # fmt: skip
    await his.call("2203", told)
    line = _line("v1", "delivery", price="300.00", chrg_bchno="B1", fee_ocur_time="2024-02-01")
    await his.call("2204", {"feedetail": [visit | line]})
    paid = await his.call("2207", {"data": visit | {"medfee_sumamt": "300.00", "insutype": "310"}})

    async def cumulated(who: His, **asked: str) -> dict[str, Any]:
        rows = (await who.call("5206", {"data": {"psn_no": psn} | asked}))["cuminfo"]
        return {row["cum_type_code"]: row["cum"] for row in rows}

    now = await cumulated(rival)
    assert now.pop("MONTHS") == 15
    assert sum(now.values()) == paid["setlinfo"]["fund_pay_sumamt"] > 0
    assert await cumulated(his, cum_ym="202306") == {"MONTHS": 6}
    assert (await cumulated(his, cum_ym="202404"))["MONTHS"] == 0  # not paid yet
    assert await number_of(his, "5206", {"data": {"psn_no": psn, "cum_ym": "202413"}}) == 5007
    assert await number_of(his, "5206", {"data": {"psn_no": "nobody-knows"}}) == 1012


# ---- the catalogue, and own codes


async def test_the_catalogue_is_asked_page_by_page(house: House, his: His, rival: His) -> None:
    clerk = house.clerks[NANJING]
    limits = {f"level_{n}_limit": f"{n}0.00" for n in (1, 2, 3)}
    for code, more in (
        ("T-1", limits),
        ("T-2", {"maternity": False}),
        ("T-3", {"end": "2024-01-01"}),
    ):
        listed = {"item_code": code, "name": code, "item_class": "a", "start": "2020-01-01",
                  "kind": "material"} | more  # fmt: skip
        assert (await clerk.post("/catalogue-items", listed)).status_code == 201
    asked = {"list_type": "301", "page_size": "1"}
    pages = [await his.call("1312", {"data": asked | {"page_num": n}}) for n in (1, 2, 3)]
    assert [[row["hilist_code"] for row in page["data"]] for page in pages] == [
        ["T-1"],
        ["T-2"],
        [],
    ]
    assert [page["recordCounts"] for page in pages] == [2, 2, 2]
    assert [page["lastPage"] for page in pages] == [False, True, True]
    first, second = pages[0]["data"][0], pages[1]["data"][0]
    assert (first["matn_used_flag"], second["matn_used_flag"]) == ("1", "0")
    assert (first["pric_uplmt_amt"], first["lv1_pric_uplmt_amt"]) == (30, 10)
    theirs = await rival.call("1312", {"data": asked})
    assert theirs["data"][0]["pric_uplmt_amt"] == 20
    then = await his.call("1312", {"data": asked | {"query_date": "2023-12-31", "page_size": 9}})
    assert {row["hilist_code"] for row in then["data"]} == {"T-1", "T-2", "T-3"}
    for_her = await his.call("1312", {"data": {"list_type": "301", "matn_used_flag": "1"}})
    assert [row["hilist_code"] for row in for_her["data"]] == ["T-1"]
    assert (await his.call("1312", {"data": {"updt_time": "2030-01-01"}}))["data"] == []
    assert (await his.call("1312", {}))["recordCounts"] >= 5
    assert await number_of(his, "1312", {"data": {"page_size": "1001"}}) == 5007


async def test_a_line_is_read_by_what_its_own_code_is_mapped_to(house: House, his: His) -> None:
    clerk = house.clerks[NANJING]
    own = {"fixmedins_hilist_id": "CW-01", "fixmedins_hilist_name": "普通床位",
           "med_list_codg": "bed", "begndate": "2024-03-21"}  # fmt: skip
    stay, _ = await _stay(house, his, LINES[0])
    await his.call("2405", {"data": stay})

    async def parts(serial: str, on: str = "2024-03-21", **more: str) -> tuple[str, Any]:
        line = _line(serial, "", "1", "50.00", medins_list_codg="CW-01", fee_ocur_time=on) | more
        (row,) = (await his.call("2301", {"feedetail": [stay | line]}))["result"]
        return row["chrgitm_lv"], row["overlmt_amt"]

    assert await parts("b1") == ("03", 0)
    await his.call("3301", {"data": [own]})
    assert await number_of(his, "3301", {"data": [own]}) == 1071
    assert await parts("b2") == ("03", 0)  # nobody approved it yet
    (waiting,) = (await clerk.get("/item-mappings", state="proposed")).json()["items"]
    place = f"/item-mappings/{waiting['mapping_id']}/approve"
    assert (await clerk.post(place)).status_code == 201
    assert await parts("b3") == ("01", 15)
    assert await parts("b4", "2024-03-20") == ("03", 0)
    # An item that is named counts, and what contradicts the mapping is a doubt.
    assert await parts("b5", med_list_codg="photo") == ("03", 0)
    (doubt,) = (await clerk.get("/doubts")).json()["items"]
    assert doubt["kind"] == "mapped_otherwise"
    assert doubt["found"]["lines"][0]["mapped_to"] == "bed"
    assert await parts("b6", med_list_codg="bed") == ("01", 15)
    assert len((await clerk.get("/doubts")).json()["items"]) == 1
    bill: Any = await his.call("5204", {"data": stay})
    shown = [(r["feedetl_sn"], r["med_list_codg"], r["medins_list_codg"]) for r in bill[1:4]]
    assert shown == [
        ("b1", "own.CW-01", "CW-01"), ("b2", "own.CW-01", "CW-01"), ("b3", "bed", "CW-01"),
    ]  # fmt: skip
    wrong = [{"fixmedins_hilist_id": "CW-01", "med_list_codg": "photo"}]
    assert await number_of(his, "3302", {"data": wrong}) == 1070
    await his.call("3302", {"data": [{"fixmedins_hilist_id": "CW-01"}]})
    assert await number_of(his, "3302", {"data": [{"fixmedins_hilist_id": "CW-01"}]}) == 1070
    # From the day of the revocation on; the days before stay mapped.
    today = f"{house.clock.now():%Y-%m-%d}"
    assert (await parts("b7"), await parts("b8", today)) == (("01", 15), ("03", 0))
    back = stay | _line("b9", "", "-1", "50.00", medins_list_codg="CW-01", init_feedetl_sn="b3",
                        fee_ocur_time=today)  # fmt: skip
    (returned,) = (await his.call("2301", {"feedetail": [back]}))["result"]
    assert (returned["chrgitm_lv"], returned["overlmt_amt"]) == ("01", -15)


async def test_what_the_hospital_did_not_approve_is_self_paid(house: House, his: His) -> None:
    """By hosp_appr_flag: 0 and 1 are as the catalogue says, 2 is the person's, whole; and so is
    what of it is returned."""
    psn = await house.person(NANJING)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    stay = await _opened(his, psn)
    lines = [
        _line("1", "oxytocin", **stay, hosp_appr_flag="0"),
        _line("2", "oxytocin", **stay, hosp_appr_flag="1"),
        _line("3", "oxytocin", "2", **stay, hosp_appr_flag="2"),
        _line("4", "oxytocin", **stay, hosp_appr_flag=""),
    ]
    result = (await his.call("2301", {"feedetail": lines}))["result"]
    assert [row["fulamt_ownpay_amt"] for row in result] == [0, 0, 200, 0]
    assert [row["inscp_scp_amt"] for row in result] == [90, 90, 0, 90]
    assert [str(row["selfpay_prop"])[:3] for row in result] == ["0.1", "0.1", "1.0", "0.1"]
    assert {row["chrgitm_lv"] for row in result} == {"02"}
    back = _line("5", "oxytocin", "-1", **stay, init_feedetl_sn="3")
    (returned,) = (await his.call("2301", {"feedetail": [back]}))["result"]
    assert (returned["fulamt_ownpay_amt"], returned["inscp_scp_amt"]) == (-100, 0)
    other = _line("6", "oxytocin", **stay, hosp_appr_flag="3")
    assert await number_of(his, "2301", {"feedetail": [other]}) == 5007


async def test_a_line_that_names_nothing_is_refused(house: House, his: His) -> None:
    stay, _ = await _stay(house, his, LINES[0])
    await his.call("2405", {"data": stay})
    for more in ({}, {"medins_list_codg": "中文"}, {"medins_list_codg": "x" * 61}):
        line = stay | _line("c1", "", **more)
        assert await number_of(his, "2301", {"feedetail": [line]}) == 5007
    ends = {"fixmedins_hilist_id": "CW-02", "med_list_codg": "bed", "begndate": "2024-03-21"}
    for last, number in (("2024-03-20", 1006), ("2024-03-21", None)):
        body = {"data": [ends | {"enddate": last}]}
        if number:
            assert await number_of(his, "3301", body) == number
        else:
            await his.call("3301", body)
