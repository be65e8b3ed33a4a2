"""Registrations, designations, institutions and contributions through the gateway."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.plumbing.peer import PeerDown
from tests.settlement.conftest import KIZILSU, NANJING, House, house_of_the_file
from tests.support.his import His, number_of

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


async def test_a_pregnancy_is_registered_with_an_institution_in_contract(
    house: House, his: His, rival: His
) -> None:
    psn = await house.person(NANJING)
    asked = {"psn_no": psn, "begndate": "2023-07-01"}
    for unknown in ("H9", f"H{KIZILSU}a"):
        chosen = {"data": asked | {"fixmedins_code": unknown}}
        assert await number_of(his, "90201", chosen) == 1010
    assert (await his.call("90101", {"data": {"psn_no": psn}}))["result"] == []
    made = await his.call("90201", {"data": asked | {"fixmedins_code": A}})
    serial = made["result"]["trt_dcla_detl_sn"]
    (own,) = (await his.call("90101", {"data": {"psn_no": psn}}))["result"]
    assert (own["trt_dcla_detl_sn"], own["fixmedins_code"]) == (serial, A)
    assert (own["begndate"], own["enddate"], own["vali_flag"]) == ("2023-07-01", "", "1")
    (theirs,) = (await rival.call("90101", {"data": {"psn_no": psn}}))["result"]
    assert theirs == own | {"fixmedins_code": ""}
    early = {"psn_no": psn, "begndate": "2023-06-30"}
    assert (await his.call("90101", {"data": early}))["result"] == []
    await house.owner.execute(
        "update pregnancy set period = daterange('2023-07-01', '2024-03-21') where person_ref = $1",
        psn,
    )
    (ended,) = (await his.call("90101", {"data": {"psn_no": psn}}))["result"]
    assert await number_of(rival, "2505", {"data": {"psn_no": psn, "fixmedins_code": B}}) == 1093
    assert (ended["enddate"], ended["vali_flag"], ended["geso_val"]) == ("2024-03-20", "0", 0)


class Nobody:
    """An enrollment that knows nobody, or is down."""

    def __init__(self, *, down: bool = False) -> None:
        self._down = down

    async def get(self, _: str) -> None:
        """No such person."""
        if self._down:
            raise PeerDown


async def test_whom_nobody_knows_is_not_registered(house: House, his: His) -> None:
    counter = house.running.app.state.counter
    before = counter.enrollment
    unknown = {"data": {"psn_no": uuid4().hex, "begndate": "2023-07-01"}}
    psn, message = await house.person(NANJING), his.msgid()
    asked = {"data": {"psn_no": psn, "begndate": "2023-07-01"}}
    try:
        object.__setattr__(counter, "enrollment", Nobody())
        assert await number_of(his, "90201", unknown) == 1012
        first = await his.post("90201", asked, message)
        # The same message has its answer, though nothing is known of her any more.
        await house.owner.execute("delete from person_state where person_ref = $1", psn)
        assert (await his.post("90201", asked, message)).content == first.content
        object.__setattr__(counter, "enrollment", Nobody(down=True))
        later = await his.post("90201", unknown)
        assert (later.status_code, later.headers["retry-after"]) == (503, "1")
        assert "[1013]" in later.json()["err_msg"]
    finally:
        object.__setattr__(counter, "enrollment", before)
    count = "select count(*) from pregnancy where person_ref = any($1)"
    assert await house.owner.fetchval(count, [unknown["data"]["psn_no"], psn]) == 1


async def test_a_cancelled_pregnancy_is_found_by_no_transaction(
    house: House, his: His, rival: His
) -> None:
    psn = await house.person(NANJING)
    asked = {"data": {"psn_no": psn, "begndate": "2023-07-01"}}
    serial = (await his.call("90201", asked))["result"]["trt_dcla_detl_sn"]
    moved = {"data": {"psn_no": psn, "fixmedins_code": B, "begndate": "2024-03-01"}}
    designated = (await rival.call("2505", moved))["result"]["trt_dcla_detl_sn"]
    (row,) = await house.owner.fetch(
        "select pregnancy_id::text as id from pregnancy where person_ref = $1", psn
    )
    done = await house.hospitals[f"b-{NANJING}"].post(f"/pregnancies/{row['id']}/cancel")
    assert done.status_code == 201, done.text
    assert (await his.call("90101", {"data": {"psn_no": psn}}))["result"] == []
    assert await number_of(rival, "2505", moved) == 5015
    back = {"data": {"psn_no": psn, "trt_dcla_detl_sn": designated}}
    assert await number_of(rival, "2506", back) == 1016
    admission = {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": "Z-cancelled", "matn_type": "1"}, "diseinfo": []}  # fmt: skip
    assert await number_of(his, "2401", admission) == 5015
    # And she is registered anew at once, by whomever.
    again = (await rival.call("90201", asked))["result"]["trt_dcla_detl_sn"]
    assert again != serial
    (known,) = (await rival.call("90101", {"data": {"psn_no": psn}}))["result"]
    assert known["trt_dcla_detl_sn"] == again


async def _designated(house: House, psn: str) -> list[str]:
    rows = await house.owner.fetch(
        "select d.institution_code from designation d join pregnancy using (pregnancy_id)"
        " where person_ref = $1 order by number", psn,
    )  # fmt: skip
    return [row["institution_code"] for row in rows]


async def test_a_designation_is_made_and_withdrawn(house: House, his: His, rival: His) -> None:
    psn = await house.person(NANJING)
    to_b = {"data": {"psn_no": psn, "fixmedins_code": B, "begndate": "2024-03-01"}}
    assert await number_of(his, "2505", to_b) == 5015
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    nobody = {"data": {"psn_no": psn, "fixmedins_code": "H9"}}
    assert await number_of(his, "2505", nobody) == 1010
    serial = (await his.call("2505", to_b))["result"]["trt_dcla_detl_sn"]
    assert len(serial) <= 30
    assert await _designated(house, psn) == [A, B]
    back = {"data": {"psn_no": psn, "trt_dcla_detl_sn": serial}}
    other = await house.person(NANJING)
    assert await number_of(his, "2506", {"data": back["data"] | {"psn_no": other}}) == 1016
    await rival.call("2506", back)
    assert await _designated(house, psn) == [A, B, A]
    assert await number_of(his, "2506", back) == 1047
    first = serial[:26] + "001"
    assert (
        await number_of(his, "2506", {"data": back["data"] | {"trt_dcla_detl_sn": first}}) == 1047
    )
    wrong = {"data": back["data"] | {"trt_dcla_detl_sn": "1"}}
    assert await number_of(his, "2506", wrong) == 5007


async def test_an_institution_is_known_by_its_agreement(house: House, his: His, rival: His) -> None:
    async def found(who: His, code: str) -> Any:
        asked = {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": code}}
        return (await who.call("1201", asked))["medinsinfo"]

    ((own,), (theirs,)) = await found(his, A), await found(rival, A)
    assert (own["hosp_lv"], theirs["hosp_lv"]) == ("12", "")
    assert await found(his, f"H{KIZILSU}a") == await found(his, "H9") == []


async def test_the_months_paid_are_those_that_enrollment_told_of(house: House, his: His) -> None:
    psn = await house.person(NANJING, first="2022-03", last="2024-02")

    async def paid(**asked: str) -> list[tuple[str, str]]:
        rows = (await his.call("90100", {"data": {"psn_no": psn} | asked}))["data"]
        assert {(row["poolarea_no"], row["insutype"]) for row in rows} <= {(NANJING, "310")}
        return [(row["accrym_begn"], row["accrym_end"]) for row in rows]

    assert await paid() == [("202203", "202402")]
    assert await paid(accrym_begn="202301", accrym_end="202312") == [("202301", "202312")]
    assert await paid(accrym_begn="202403") == []
    assert await number_of(his, "90100", {"data": {"psn_no": psn, "accrym_begn": "2023"}}) == 5007
    stranger = await house.person(KIZILSU)
    assert await number_of(his, "90100", {"data": {"psn_no": stranger}}) == 1012
    # Nobody told of this one, and enrollment is not there to be asked.
    answer = await his.post("90100", {"data": {"psn_no": "nobody-knows"}})
    assert (answer.status_code, answer.json()["err_msg"][:6]) == (503, "[1013]")


class Card:
    """An enrollment that knows one person by her number and name."""

    def __init__(self, number: str, name: str, ref: str) -> None:
        self._asked = {"id_number": number, "name": name}
        self._ref = ref

    async def find(self, _: str, asked: dict[str, str]) -> dict[str, str] | None:
        """Her reference, where both are hers."""
        return {"person_ref": self._ref} if asked == self._asked else None

    async def get(self, _: str) -> dict[str, Any]:
        """Her state."""
        spell = {"pool_code": NANJING, "county_code": "320102", "kind": "employee",
                 "insurance": ["310"], "start": "2022-01-01", "end": None}  # fmt: skip
        state = {"person_ref": self._ref, "state_version": 1, "spells": [spell],
                 "paid": [{"first": "2022-01", "last": "2024-03"}], "sex": "female"}  # fmt: skip
        return {"state": state, "at": "2024-03-28T10:00:00+08:00"}


async def test_a_person_is_found_by_the_number_of_the_card_that_was_read(
    house: House, his: His
) -> None:
    """Where certno is left empty, the ID card's own number stands in mdtrt_cert_no."""
    number, counter = "32010219900315904X", house.running.app.state.counter
    before, read = counter.enrollment, {"mdtrt_cert_type": "02", "psn_name": "例某"}
    try:
        object.__setattr__(counter, "enrollment", Card(number, "例某", uuid4().hex))
        both = await his.call("1101", {"data": read | {"certno": number, "mdtrt_cert_no": "7"}})
        card = await his.call("1101", {"data": read | {"mdtrt_cert_no": number}})
        assert card == both
        assert card["baseinfo"]["certno"] == number
        for other in ({}, {"mdtrt_cert_no": number, "mdtrt_cert_type": "03"}):
            refused = await his.post("1101", {"data": read | other})
            assert "[5007]" in refused.json()["err_msg"]
            assert "data.certno" in refused.json()["err_msg"]
    finally:
        object.__setattr__(counter, "enrollment", before)
