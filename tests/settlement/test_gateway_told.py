"""What a visit, a discharge and its undoing tell, and which transaction speaks of which case."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.settlement.domain.complication import Complication, months_since
from services.settlement.domain.cost import Cost
from services.settlement.domain.loss import Loss
from services.settlement.domain.particulars import delivery_of, stored_of
from services.settlement.domain.pregnancy import Ending, Pregnancy
from services.settlement.domain.stay import Outcome, Stay, StayState
from services.settlement.nhsa import maternity
from shared.money import NOTHING
from shared.period import Period
from shared.policy.shapes import Benefit
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.his import His, holds, number_of

HOSPITAL = f"H{NANJING}a"


# Its med_type 54 claims a loss.
house = house_of_the_file(HOSPITAL)


@pytest.fixture
def his(house: House) -> His:
    """The system of hospital a."""
    return His(house.running.http, house.clock, HOSPITAL)


async def _pregnant(house: House, his: His, since: str = "2023-07-01") -> str:
    psn = await house.person(NANJING)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": since}})
    return psn


async def _stay(his: His, psn: str) -> dict[str, str]:
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "1"}, "diseinfo": []})  # fmt: skip
    stay = {"psn_no": psn, "mdtrt_id": str(admitted["result"]["mdtrt_id"])}
    await his.call("2301", {"feedetail": [_line(stay, "2024-03-20", "4500.00")]})
    return stay


def _line(case: dict[str, str], on: str, price: str) -> dict[str, str]:
    return case | {"feedetl_sn": "1", "fee_ocur_time": on, "med_list_codg": "delivery", "cnt": "1",
                   "chrg_bchno": "B1", "pric": price, "det_item_fee_sumamt": price}  # fmt: skip


async def _visit(his: His, psn: str, on: str, med_type: str = "51", **told: str) -> dict[str, str]:
    registered = await his.call("2201", {"data": {
        "psn_no": psn, "insutype": "310", "begntime": f"{on} 08:00:00",
        "ipt_otp_no": his.msgid()[-12:]}})  # fmt: skip
    visit = {"psn_no": psn, "mdtrt_id": str(registered["data"]["mdtrt_id"])}
    diagnosis = told.pop("diagnosis", "Z34.900")
    await his.call("2203", {
        "mdtrtinfo": visit | {"med_type": med_type, "begntime": f"{on} 08:05:00"} | told,
        "diseinfo": [{"diag_code": diagnosis, "maindiag_flag": "1"}]})  # fmt: skip
    await his.call("2204", {"feedetail": [_line(visit, on, "300.00")]})
    return visit


BILL = {"medfee_sumamt": "300.00", "insutype": "310"}


async def _particulars(house: House, psn: str) -> list[dict[str, Any]]:
    rows = await house.owner.fetch(
        "select particulars::text as told from stay where person_ref = $1 order by admitted_on", psn
    )
    return [orjson.loads(row["told"]) for row in rows]


async def test_a_loss_told_by_a_visit_is_an_outpatients(house: House, his: His) -> None:
    psn = await _pregnant(house, his, "2024-01-01")
    visit = await _visit(his, psn, "2024-03-10", "52", diagnosis="O03.900", birctrl_type="3")
    holds(await his.call("2207", {"data": visit | BILL}))
    (told,) = await _particulars(house, psn)
    assert (told["setting"], told["manner"]) == ("outpatient", "surgical")
    other = await _pregnant(house, his, "2024-01-01")
    visit = await _visit(his, other, "2024-03-10", "52", diagnosis="O03.900")
    holds(await his.call("2207", {"data": visit | BILL}))
    (told,) = await _particulars(house, other)
    assert (told["setting"], told["manner"]) == ("outpatient", "medical")


async def test_only_the_first_check_of_a_pregnancy_is_its_first(house: House, his: His) -> None:
    psn = await _pregnant(house, his)
    visits = [await _visit(his, psn, on) for on in ("2023-10-10", "2023-11-10")]
    for visit in visits:
        await his.call("2206", {"data": visit | BILL})
    settled = [await his.call("2207", {"data": visit | BILL}) for visit in visits]
    assert [one["first_visit"] for one in await _particulars(house, psn)] == [True, False]
    for visit, one in zip(visits, settled, strict=True):
        await his.call("2208", {"data": visit | {"setl_id": one["setlinfo"]["setl_id"]}})
    await his.call("2207", {"data": visits[1] | BILL})
    await his.call("2207", {"data": visits[0] | BILL})
    assert [one["first_visit"] for one in await _particulars(house, psn)] == [False, True]


async def test_a_discharge_taken_back_takes_back_what_it_told(house: House, his: His) -> None:
    """2402 told a caesarean; without it the admission's matn_type says how the child was born."""
    stay = await _stay(his, await _pregnant(house, his))
    left = {"dscginfo": stay | {"endtime": "2024-03-24"}, "diseinfo": []}
    told = {"dscginfo": stay | {"endtime": "2024-03-24", "oprn_oprt_code": "74.1x00",
                                "fetus_cnt": "2"}}  # fmt: skip
    mode = "select mode || infants from stay where person_ref = $1"
    await his.call("2402", told)
    assert await house.owner.fetchval(mode, stay["psn_no"]) == "cesarean2"
    await his.call("2405", {"data": stay})
    await his.call("2402", left)
    assert await house.owner.fetchval(mode, stay["psn_no"]) == "vaginal1"
    await his.call("2405", {"data": stay})
    assert await number_of(his, "2405", {"data": stay}) == 1007


async def test_a_transaction_speaks_of_its_own_kind_of_case(house: House, his: His) -> None:
    psn = await _pregnant(house, his)
    stay = await _stay(his, psn)
    visit = await _visit(his, psn, "2023-12-05")
    bill = stay | {"medfee_sumamt": "4500.00", "insutype": "310"}
    for infno in ("2206", "2207"):
        assert await number_of(his, infno, {"data": bill}) == 5020
    for infno in ("2303", "2304"):
        assert await number_of(his, infno, {"data": visit | BILL}) == 5020
    line = _line(stay, "2024-03-20", "1.00") | {"feedetl_sn": "2"}
    assert await number_of(his, "2204", {"feedetail": [line]}) == 5020
    assert await number_of(his, "2202", {"data": stay}) == 5020
    assert await number_of(his, "2405", {"data": visit}) == 5020
    states = "select state from stay where person_ref = $1"
    assert {row["state"] for row in await house.owner.fetch(states, psn)} == {"open"}


def _claimed(benefit: Benefit, told: dict[str, Any], on: date, *, lost: bool = False) -> Any:
    pregnancy = Pregnancy(
        "p", uuid4(), "person", "H1", Period(date(2023, 5, 1), date(2024, 2, 1)),
        None if lost else date(2024, 1, 31), 1, Ending.LOSS if lost else Ending.BIRTH,
    )  # fmt: skip
    stay = Stay("p", uuid4(), "H1", "1", "person", pregnancy.pregnancy_id, StayState.OPEN, 1, on,
                None, 1, Cost(NOTHING, NOTHING), benefit)  # fmt: skip
    outcome = maternity.outcome_told(stay, pregnancy, told, on)
    assert isinstance(outcome, Outcome)
    return outcome.claimed


@pytest.mark.parametrize(
    ("on", "months"),
    [("2024-02-01", 0), ("2024-02-28", 0), ("2024-02-29", 1), ("2024-04-29", 2), ("2024-04-30", 3),
     ("2025-01-31", 12)],
)  # fmt: skip
def test_months_after_birth_are_whole_ones(on: str, months: int) -> None:
    day = date.fromisoformat(on)
    for lost in (False, True):
        claimed = _claimed(Benefit.COMPLICATION, {"ipt_no": "1"}, day, lost=lost)
        assert claimed == Complication("after_birth", months)
    assert months_since(date(2024, 1, 15), date(2024, 3, 14)) == 1


@pytest.mark.parametrize(
    ("told", "manner", "setting"),
    [
        ({"ipt_no": "1"}, "surgical", "inpatient"),
        ({"ipt_no": "1", "oprn_oprt_code": "75.0x00"}, "medical", "inpatient"),
        ({"ipt_no": "1", "oprn_oprt_code": "75.0x00,69.0200"}, "surgical", "inpatient"),
        ({}, "medical", "outpatient"),
        ({"birctrl_type": "3"}, "surgical", "outpatient"),
    ],
)  # fmt: skip
def test_how_a_pregnancy_was_ended_is_read_from_the_record(
    told: dict[str, str], manner: str, setting: str
) -> None:
    claimed = _claimed(Benefit.LOSS, told | {"geso_val": "9"}, date(2024, 1, 5))
    assert claimed == Loss(9, manner, setting)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "stated"),
    [
        ({"matn_type": "1", "diagnoses": ["O82.000"]}, "vaginal"),
        ({"matn_type": "3", "diagnoses": ["O82.000"]}, None),
        ({"matn_type": "4", "diagnoses": ["O82.000"]}, None),
        ({"diagnoses": ["O82.000"]}, None),
    ],
)
def test_a_matn_type_that_says_otherwise_is_kept_beside_the_mode(
    told: dict[str, Any], stated: str | None
) -> None:
    claimed = _claimed(Benefit.DELIVERY, told, date(2024, 1, 31))
    assert claimed.mode_stated == stated
    assert stored_of(claimed, frozenset()) == ({"mode_stated": stated} if stated else None)
    again = delivery_of(claimed.mode, claimed.infants, claimed.weeks,
                        stored_of(claimed, frozenset()))  # fmt: skip
    assert again == claimed


# ---- profiles


async def test_a_waiting_profile_is_shown_to_who_approves_it(house: House) -> None:
    clerk, second = house.clerks[NANJING], await house.running.caller("clerk-4", "clerk", NANJING)
    code = f"H{uuid4().hex[:8]}"
    body = {"institution_code": code, "scheme": "csb_ms", "access_key": "ak-of-the-hospital",
            "secret": "sixteen-or-more-of-them", "infcode_text": True,
            "med_types": [{"code": "5301", "benefit": "family_planning"}]}  # fmt: skip
    number = (await clerk.post("/his-profiles", body)).json()["proposal"]
    answer = await second.get("/his-profiles", after=number - 1, limit=1)
    (shown,) = answer.json()["items"]
    assert (shown["proposal"], shown["institution_code"]) == (number, code)
    assert (shown["med_types"], shown["infcode_text"]) == ({"5301": "family_planning"}, True)
    assert "sixteen" not in answer.text
    assert "ak-of" not in answer.text
    assert (await second.post(f"/his-profiles/{number}/approve")).status_code == 201
    assert (await second.get("/his-profiles", after=number - 1, limit=1)).json()["items"] == []


@pytest.mark.parametrize(
    ("infno", "field", "place", "fault"),
    [("2410", "mdtrtinfo.geso_val", "/demanded/1/infno", "not-a-transaction"),
     ("2203A", "mdtrtinfo.geso_val", "/demanded/1/infno", "not-a-transaction"),
     ("2401", "mdtrtinf.geso_val", "/demanded/1/fields/1", "not-a-field-of-it"),
     ("2401", "mdtrtinfo.gesoval", "/demanded/1/fields/1", "not-a-field-of-it"),
     ("2301", "mdtrtinfo.geso_val", "/demanded/1/fields/1", "not-a-field-of-it"),
     ("3101", "patient_dtos.patn_id", "/demanded/1/fields/1", "not-a-field-of-it")],
)  # fmt: skip
async def test_a_profile_demands_only_what_can_be_filled(
    house: House, infno: str, field: str, place: str, fault: str
) -> None:
    """A typo would have every such call of the hospital refused."""
    known = {"2401": "mdtrtinfo.psn_no", "2301": "feedetail.psn_no", "3101": "data.trig_scen"}
    body = {
        "institution_code": f"H{uuid4().hex[:8]}", "scheme": "csb_ms", "access_key": "ak",
        "secret": "sixteen-or-more-of-them",
        "demanded": [{"infno": "2402", "fields": ["dscginfo.dscg_way", "diseinfo.diag_code"]},
                     {"infno": infno, "fields": [known.get(infno, "data.psn_no"), field]}],
    }  # fmt: skip
    answer = await house.clerks[NANJING].post("/his-profiles", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed")
    (said,) = answer.json()["errors"]
    assert (said["pointer"], said["code"]) == (place, fault)
    body["demanded"] = body["demanded"][:1]  # type: ignore[index]
    assert (await house.clerks[NANJING].post("/his-profiles", body)).status_code == 201


@pytest.mark.parametrize(
    ("own", "other", "meets"),
    [("10.1.0.0/16", "10.1.2.0/24", True), ("10.1.0.0/16", "10.2.0.0/16", False),
     ("fd00::/64", "fd00::1/128", True), ("10.9.0.0/16", "fd01::/64", False)],
)  # fmt: skip
async def test_two_private_lines_never_share_an_address(
    house: House, own: str, other: str, meets: bool
) -> None:
    clerk, second = house.clerks[NANJING], await house.running.caller("clerk-5", "clerk", NANJING)

    async def approved(code: str, network: str, scheme: str = "private_line") -> str:
        signed = {"access_key": "ak", "secret": "sixteen-or-more-of-them"}
        body = {"institution_code": code, "scheme": scheme, "networks": [network]}
        body |= {} if scheme == "private_line" else signed
        proposed = await clerk.post("/his-profiles", body)
        assert proposed.status_code == 201, proposed.text
        answer = await second.post(f"/his-profiles/{proposed.json()['proposal']}/approve")
        return str(answer.json().get("institution_code") or answer.json()["code"])

    first, rival = (f"H{uuid4().hex[:8]}" for _ in range(2))
    assert await approved(first, own) == first
    assert await approved(rival, other, "csb_ms") == rival
    assert await approved(rival, other) == ("1080-line-of-another" if meets else rival)
    assert await approved(first, own) == first
    # Who signs from now on leaves the line to another.
    assert await approved(first, own, "csb_ms") == first
    assert await approved(rival, other) == rival
    assert await approved(rival, other, "csb_ms") == rival


# ---- how the child was born, by what the agency's catalogue says of an item


async def _mode_of_bill(
    house: House, his: His, *lines: tuple[str, str], returned: int | None = None
) -> str:
    """How the child was born of a stay whose matn_type says nothing but 1, a normal birth."""
    stay = await _stay(his, await _pregnant(house, his))
    await his.call("2302", {"data": [stay | {"feedetl_sn": "0000"}]})
    bill = [
        _line(stay, day, "100.00") | {"feedetl_sn": str(number), "med_list_codg": item}
        for number, (item, day) in enumerate(lines, 1)
    ]
    await his.call("2301", {"feedetail": bill})
    if returned is not None:
        back = bill[returned] | {"feedetl_sn": "99", "cnt": "-1", "det_item_fee_sumamt": "-100.00",
                                 "init_feedetl_sn": bill[returned]["feedetl_sn"]}  # fmt: skip
        await his.call("2301", {"feedetail": [back]})
    await his.call("2402", {"dscginfo": stay | {"endtime": "2024-03-24"}, "diseinfo": []})
    found: str = await house.owner.fetchval(
        "select mode from stay where person_ref = $1", stay["psn_no"]
    )
    return found


async def test_how_a_child_was_born_is_read_from_the_agencys_own_items(
    house: House, his: His
) -> None:
    clerk, operation, care = house.clerks[NANJING], uuid4().hex, uuid4().hex
    until = {"end": "2024-03-21"}
    for code, mode, term in (
        (operation, "cesarean", until), (care, "assisted", {}), (operation, None, {}),
    ):  # fmt: skip
        start = "2020-01-01" if code == care or term else "2024-03-21"
        body = {"item_code": code, "name": "x", "item_class": "a", "start": start,
                "delivery_mode": mode} | term  # fmt: skip
        answer = await clerk.post("/catalogue-items", body)
        assert answer.status_code == 201, answer.text
    early, late = "2024-03-20", "2024-03-21"
    assert await _mode_of_bill(house, his, ("bed", early)) == "vaginal"
    assert await _mode_of_bill(house, his, (care, early)) == "assisted"
    assert await _mode_of_bill(house, his, (care, early), (operation, early)) == "cesarean"
    # What the catalogue says of the day of the charge; what was returned was not done.
    assert await _mode_of_bill(house, his, (care, early), (operation, late)) == "assisted"
    both = ((care, early), (operation, early))
    assert await _mode_of_bill(house, his, *both, returned=1) == "assisted"
