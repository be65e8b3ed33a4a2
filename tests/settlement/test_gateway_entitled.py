"""2001: what the desk is told of an entitlement is what settling the case would say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from shared.plumbing.peer import PeerDown
from tests.settlement.conftest import KIZILSU, House, open_house
from tests.support.his import His, introduced, number_of
from tests.support.postgres import ServiceDatabases

HOSPITAL = f"H{KIZILSU}a"
MED_TYPES = [
    {"code": "52", "benefit": "delivery"}, {"code": "51", "benefit": "prenatal"},
    {"code": "5302", "benefit": "family_planning"},
]  # fmt: skip


@pytest.fixture(scope="module")
async def house(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A hospital of a pool whose waiting period refuses also the medical costs."""
    folder = tmp_path_factory.mktemp("house")
    async with open_house(module_databases("settlement"), folder) as opened:
        second = await opened.running.caller("clerk-3", "clerk", KIZILSU)
        await introduced(opened.clerks[KIZILSU], second, HOSPITAL, med_types=MED_TYPES)
        yield opened


@pytest.fixture
def his(house: House) -> His:
    """The system of the hospital."""
    return His(house.running.http, house.clock, HOSPITAL, area=KIZILSU)


def _asked(psn: str, **more: str) -> dict[str, Any]:
    asked = {"psn_no": psn, "insutype": "310", "med_type": "52", "fixmedins_code": HOSPITAL,
             "begntime": "2024-03-20 08:00:00"}  # fmt: skip
    return {"data": asked | more}


async def _told(his: His, psn: str, **more: str) -> tuple[str, str]:
    """trt_enjymnt_flag, and why."""
    (row,) = (await his.call("2001", _asked(psn, **more)))["trtinfo"]
    return row["trt_enjymnt_flag"], row["trt_chk_rslt"]


async def _at_the_desk(his: His, psn: str) -> int:
    """The number of the refusal that quoting and settling a birth ends in."""
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "1"}, "diseinfo": []})  # fmt: skip
    case = {"psn_no": psn, "mdtrt_id": str(admitted["result"]["mdtrt_id"])}
    await his.call("2301", {"feedetail": [case | {
        "feedetl_sn": "1", "fee_ocur_time": "2024-03-20", "med_list_codg": "delivery", "cnt": "1",
        "pric": "4500.00", "det_item_fee_sumamt": "4500.00"}]})  # fmt: skip
    await his.call("2402", {"dscginfo": case | {"endtime": "2024-03-24"}, "diseinfo": []})
    bill = {"data": case | {"medfee_sumamt": "4500.00", "insutype": "310"}}
    quoted = await number_of(his, "2303", bill)
    assert await number_of(his, "2304", bill) == quoted
    return quoted


async def test_who_has_paid_long_enough_is_entitled(house: House, his: His) -> None:
    flag, why = await _told(his, await house.person(KIZILSU))
    assert (flag, why[:4]) == ("1", "享受待遇")
    assert len(why) > 5  # and the clause


async def test_who_has_not_paid_long_enough_is_told_before_the_desk(house: House, his: His) -> None:
    psn = await house.person(KIZILSU, first="2023-10")
    flag, why = await _told(his, psn)
    assert (flag, why[:6]) == ("0", "[2002]")
    assert await _at_the_desk(his, psn) == 2002


async def test_contributions_that_stopped_end_the_entitlement(house: House, his: His) -> None:
    psn = await house.person(KIZILSU, last="2024-01")
    flag, why = await _told(his, psn)
    assert (flag, why[:6]) == ("0", "[2001]")
    assert await _at_the_desk(his, psn) == 2001


async def test_who_came_later_is_not_insured_on_the_day(house: House, his: His) -> None:
    psn = await house.person(KIZILSU, first="2024-04", last="2024-04")
    flag, why = await _told(his, psn)
    assert (flag, why[:6]) == ("0", "[1015]")


async def test_a_benefit_or_surgery_that_is_not_covered_is_none(house: House, his: His) -> None:
    flexible = await house.person(KIZILSU, kind="flexible")
    surgery = {"med_type": "5302", "birctrl_type": "1"}
    flag, why = await _told(his, flexible, **surgery)
    assert (flag, why[:6]) == ("0", "[2005]")
    assert (await _told(his, await house.person(KIZILSU), **surgery))[0] == "1"
    # A stay's birctrl_type is a constant in places, and asks for no surgery.
    assert (await _told(his, flexible, birctrl_type="1"))[0] == "1"


class Told:
    """An enrollment that tells a state, knows nobody, or is down."""

    def __init__(self, state: dict[str, Any] | None = None, *, down: bool = False) -> None:
        self._state, self._down = state, down

    async def get(self, _: str) -> dict[str, Any] | None:
        """The state that was given."""
        if self._down:
            raise PeerDown
        return self._state


async def test_enrollment_is_asked_where_the_state_is_missing(house: House, his: His) -> None:
    office = house.running.app.state.office
    before = office.enrollment
    psn = uuid4().hex
    state = {
        "person_ref": psn, "state_version": 1, "paid": [{"first": "2022-01", "last": "2024-03"}],
        "spells": [{"pool_code": KIZILSU, "county_code": KIZILSU, "kind": "employee",
                    "insurance": ["310"], "start": "2022-01-01", "end": None}],
    }  # fmt: skip
    try:
        office.enrollment = Told(down=True)
        later = await his.post("2001", _asked(psn))
        assert (later.status_code, later.headers["retry-after"]) == (503, "1")
        assert "[1013]" in later.json()["err_msg"]
        office.enrollment = Told()
        assert await number_of(his, "2001", _asked(psn)) == 1012
        office.enrollment = Told({"state": state, "at": "2024-03-28T10:00:00+08:00"})
        assert (await _told(his, psn))[0] == "1"
        # And from then on it is known: nobody is asked.
        office.enrollment = Told(down=True)
        assert (await _told(his, psn))[0] == "1"
    finally:
        office.enrollment = before
