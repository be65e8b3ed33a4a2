"""The gateway as a hospital's system meets it: schemes, addresses, and what it must survive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.settlement.conftest import NANJING, House, open_house
from tests.support.his import (
    ONE_URL,
    SCHEMES,
    SM2_PRIVATE,
    His,
    Refused,
    billed_stay,
    holds,
    introduced,
    number_of,
)  # fmt: skip
from tests.support.postgres import ServiceDatabases

A, B = f"H{NANJING}a", f"H{NANJING}b"
GROWING = ("encounter", "told_line", "stay", "line", "settlement", "idempotency", "outbox", "log")


@pytest.fixture(scope="module")
async def house(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Hospitals a and b speak by csb in milliseconds."""
    dsns = module_databases("settlement")
    async with open_house(dsns, tmp_path_factory.mktemp("house")) as opened:
        for institution in (A, B):
            await _introduced(opened, institution)
        yield opened


async def _introduced(house: House, institution: str, **terms: Any) -> None:
    second = await house.running.caller("clerk-3", "clerk", NANJING)
    await introduced(house.clerks[NANJING], second, institution, **terms)


def _his(house: House, institution: str = A, **more: Any) -> His:
    return His(house.running.http, house.clock, institution, **more)


async def _rows(house: House) -> dict[str, int]:
    return {
        table: await house.owner.fetchval(f"select count(*) from {table}")  # noqa: S608
        for table in GROWING
    }


async def _stay(house: House, his: His) -> tuple[str, str, dict[str, Any]]:
    """An insured woman's stay with its bill, discharged; and the input that settles it."""
    psn = await house.person(NANJING)
    stay, case = await billed_stay(his, psn)
    return psn, stay, case


@pytest.mark.parametrize("infcode_text", [False, True])
@pytest.mark.parametrize(("scheme", "terms"), SCHEMES)
async def test_each_scheme_settles_with_each_infcode(
    house: House, scheme: str, terms: dict[str, Any], infcode_text: bool
) -> None:
    await _introduced(house, A, scheme=scheme, infcode_text=infcode_text, **terms)
    his = _his(house, scheme=scheme, infcode_type=str if infcode_text else int)
    if scheme == "signed_body_sm2":
        his.secret = SM2_PRIVATE
    _, _, case = await _stay(house, his)
    holds(await his.call("2303", {"data": case}))
    holds(await his.call("2304", {"data": case}))
    with pytest.raises(Refused) as again:
        await his.call("2304", {"data": case})
    assert (again.value.infcode, again.value.number) == ("-1", 1008)
    forged = _his(house, scheme="x_tif" if scheme == "csb_ms" else "csb_ms")
    if scheme != "private_line":
        answer = await forged.post("2303", {"data": case})
        assert answer.status_code == 401
        assert set(answer.json()) == {"code", "message"}
        assert answer.json()["code"] == 401
    await _introduced(house, A)


URLS = [
    ONE_URL, ONE_URL + "/{infno}", "/nhsa/{infno}", "/fsi/api/hospSettService/preSett",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "text/html;charset=gbk"]
)
async def test_every_address_and_content_type_is_taken(
    house: House, url: str, content_type: str
) -> None:
    his = _his(house, url=url, content_type=content_type, input_as_text=True)
    with pytest.raises(Refused) as refused:
        await his.call("2303", {"data": {"psn_no": "P-123456", "mdtrt_id": "A" * 26,
                                         "medfee_sumamt": 1, "insutype": 310}})  # fmt: skip
    assert refused.value.number == 5014


async def test_a_nonce_is_good_once(house: House) -> None:
    await _introduced(house, B, scheme="signed_body")
    his = _his(house, B, scheme="signed_body")
    body = json.dumps(his.envelope("9001", {"signIn": {"opter_no": "1"}}, his.msgid())).encode()
    headers = his.headers("9001", ONE_URL, body)
    first = await house.running.http.post(ONE_URL, content=body, headers=headers)
    again = await house.running.http.post(ONE_URL, content=body, headers=headers)
    assert (first.status_code, again.status_code) == (200, 401)
    assert again.json()["message"].startswith("[5005]")
    await _introduced(house, B)


async def test_refused_as_is_the_profiles(house: House) -> None:
    await _introduced(house, B, refused_as=-2)
    with pytest.raises(Refused) as refused:
        await _his(house, B).call("9002", {"signOut": {"sign_no": "?", "opter_no": "1"}})
    assert refused.value.infcode == "-2"
    # What may succeed later is no refusal of the case: a client shows -2 and tries no more.
    unknown = {"data": {"psn_no": "0" * 32, "begndate": "2023-07-01"}}
    later = await _his(house, B).post("90201", unknown)
    assert (later.status_code, later.json()["infcode"]) == (503, -1)
    await _introduced(house, B)


async def test_a_profile_replaced_elsewhere_counts_within_a_second(house: House) -> None:
    """As another replica would: it cannot tell this one."""

    async def infcode() -> str:
        with pytest.raises(Refused) as refused:
            await _his(house, B).call("9002", {"signOut": {"sign_no": "?", "opter_no": "1"}})
        return refused.value.infcode

    assert await infcode() == "-1"
    await house.owner.execute(
        "update his_profile set terms = (terms::jsonb || '{\"refused_as\": -2}')::json"
        " where institution_code = $1",
        B,
    )
    house.clock.at += timedelta(seconds=1)
    assert await infcode() == "-2"
    await _introduced(house, B)
    assert await infcode() == "-1"


async def test_what_is_not_built_is_refused_as_such(house: House) -> None:
    before = await _rows(house)
    for infno in ("1301", "5301", "7101", "4201A", "100001"):
        with pytest.raises(Refused) as refused:
            await _his(house).call(infno, {"data": {}})
        assert refused.value.number == 5008
    assert await _rows(house) == before


async def test_another_hospitals_stay_is_not_found(house: House) -> None:
    psn, stay, case = await _stay(house, _his(house, A))
    settled = await _his(house, A).call("2304", {"data": case})
    other = _his(house, B)
    before = await _rows(house)
    undo = {"psn_no": psn, "mdtrt_id": stay, "setl_id": settled["setlinfo"]["setl_id"]}
    tries: list[tuple[str, Any]] = [
        ("2303", {"data": case}), ("2304", {"data": case}), ("2305", {"data": undo}),
        ("2402", {"dscginfo": {"mdtrt_id": stay, "psn_no": psn, "endtime": "2024-03-24"}}),
        ("2403", {"adminfo": {"mdtrt_id": stay, "psn_no": psn}}),
        ("2301", {"feedetail": [{"feedetl_sn": "9", "mdtrt_id": stay, "psn_no": psn,
                                 "fee_ocur_time": "2024-03-21", "med_list_codg": "bed", "cnt": 1,
                                 "pric": 1, "det_item_fee_sumamt": 1}]}),
    ]  # fmt: skip
    for infno, input_ in tries:
        with pytest.raises(Refused) as refused:
            await other.call(infno, input_)
        assert refused.value.number == 5014, infno
    assert await _rows(house) == before


async def test_a_total_that_is_not_the_lines_is_told_what_they_sum_to(house: House) -> None:
    his = _his(house)
    _, _, case = await _stay(house, his)
    for infno in ("2303", "2304"):
        with pytest.raises(Refused) as refused:
            await his.call(infno, {"data": case | {"medfee_sumamt": "4500.01"}})
        assert refused.value.number == 1009
        assert refused.value.err_msg.endswith("：明细合计 4500.00 元")
        assert "4500.01" not in refused.value.err_msg


async def test_another_persons_number_is_refused(house: House) -> None:
    _, _, case = await _stay(house, _his(house))
    with pytest.raises(Refused) as refused:
        await _his(house).call("2304", {"data": case | {"psn_no": "P-654321"}})
    assert refused.value.number == 5012


LINE = {"feedetl_sn": "7", "fee_ocur_time": "2024-03-21", "med_list_codg": "bed", "cnt": "1",
        "pric": "1.00", "det_item_fee_sumamt": "1.00"}  # fmt: skip
BAD_LINES: list[dict[str, Any]] = [
    {"cnt": "0"}, {"cnt": "-1", "det_item_fee_sumamt": "-1.00"}, {"pric": "1.005"},
    {"det_item_fee_sumamt": "1.01"}, {"pric": "-1"}, {"cnt": "1e3"}, {"cnt": "999999"},
    {"pric": "9" * 30}, {"med_list_codg": "床位费"}, {"fee_ocur_time": "2999-01-01"},
    {"fee_ocur_time": "2098-01-01"}, {"feedetl_sn": "x" * 31}, {"cnt": {"a": 1}}, {"cnt": [1]},
    {"pric": "一"}, {"det_item_fee_sumamt": "NaN"}, {"cnt": "１"}, {"feedetl_sn": ""},
]  # fmt: skip
BAD_CASES: list[dict[str, Any]] = [
    {"medfee_sumamt": "0"}, {"medfee_sumamt": "-1"}, {"medfee_sumamt": "0.001"},
    {"medfee_sumamt": "9" * 17}, {"medfee_sumamt": None}, {"medfee_sumamt": "4500.01"},
    {"mdtrt_id": "A" * 26}, {"mdtrt_id": "x"}, {"mdtrt_id": "' or 1=1 --"}, {"mdtrt_id": 1},
    {"insutype": "390"}, {"insutype": ""}, {"psn_no": "例" * 20}, {"psn_no": "a"},
    {"psn_no": "../../etc"}, {"acct_used_flag": "9"}, {"mid_setl_flag": "x"},
]  # fmt: skip
BAD_HEADS: list[dict[str, Any]] = [
    {"msgid": ""}, {"msgid": "x" * 31}, {"msgid": "例"}, {"msgid": {"a": 1}}, {"msgid": "a b"},
    {"infno": "0000"}, {"infno": "23 04"}, {"infno": ["2304"]}, {"infno": True},
    {"input": "{"}, {"input": "[]"}, {"input": [1]}, {"input": 7}, {"input": '{"a":1,"a":2}'},
    {"input": "[" * 9999}, {"input": {"data": "text"}}, {"input": {"data": [1, 2]}},
    {"input": {"data": {"psn_no": "\x00"}}}, {"input": {"other": {}}}, {"input": None},
]  # fmt: skip
BODIES = [
    b"", b"\x00", b"{", b"[1]", b"nul", b'{"input": NaN}', '{"infno":"例"}'.encode("gb18030"),
    b'{"infno":' + b"1" * 500 + b"}", b'{"a":' * 500 + b"1" + b"}" * 500, b" " * 1_000_000,
    b'{"input":"' + b"x" * 1_100_000 + b'"}',
]  # fmt: skip


async def test_hostile_calls_store_nothing_and_break_nothing(house: House) -> None:
    """Sixty and more, each refused in the caller's form; none is a server error."""
    his = _his(house)
    psn, stay, case = await _stay(house, his)
    before = await _rows(house)
    answers: list[httpx.Response] = []
    for change in BAD_LINES:
        line = LINE | {"mdtrt_id": stay, "psn_no": psn} | change
        answers.append(await his.post("2301", {"feedetail": [line]}))
    for change in BAD_CASES:
        answers.append(await his.post("2304", {"data": case | change}))
    for change in BAD_HEADS:
        answers.append(await _sent(his, case, change))
    for body in BODIES:
        answers.append(await house.running.http.post(ONE_URL, content=body))
    assert len(answers) >= 60
    for answer in answers:
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert int(said["infcode"]) < 0, said
        assert said["err_msg"].startswith("[")
        assert len(said["err_msg"]) <= 200
    assert await _rows(house) == before
    holds(await his.call("2304", {"data": case}))


async def _sent(his: His, case: dict[str, Any], change: dict[str, Any]) -> httpx.Response:
    envelope = his.envelope("2304", {"data": case}, his.msgid()) | change
    body = json.dumps(envelope).encode()
    return await his.http.post(ONE_URL, content=body, headers=his.headers("2304", ONE_URL, body))


async def test_nobody_is_told_who_has_a_profile(house: House) -> None:
    stranger = _his(house, "H999999")
    answer = await stranger.post("2304", {"data": {}})
    known = _his(house, A)
    headers = known.headers("2304", ONE_URL, b"") | {"_api_access_key": "another"}
    envelope = known.envelope("2304", {}, known.msgid())
    other = await house.running.http.post(ONE_URL, content=json.dumps(envelope), headers=headers)
    assert (answer.status_code, other.status_code) == (401, 401)
    assert answer.content == other.content


async def test_a_compressed_body_and_other_methods_are_not_taken(house: House) -> None:
    http = house.running.http
    packed = await http.post(ONE_URL, content=b"x", headers={"content-encoding": "gzip"})
    assert packed.json()["err_msg"].startswith("[5006]")
    assert (await http.get(ONE_URL)).status_code == 404
    passed_on = await http.post("/fsi/api/other/path", json={})
    assert passed_on.status_code == 404


async def test_a_msgid_answers_for_its_own_transaction_alone(house: House) -> None:
    """Many systems draw it from a second and four digits: two transactions may share it."""
    his = _his(house)
    _, _, case = await _stay(house, his)
    message = his.msgid()
    await his.call("9001", {"signIn": {"opter_no": "1"}}, message)
    holds(await his.call("2304", {"data": case}, message))
    with pytest.raises(Refused) as other:
        await his.call("9001", {"signIn": {"opter_no": "2"}}, message)
    assert other.value.number == 5009


async def test_only_settlements_and_admissions_are_undone_by_message(house: House) -> None:
    with pytest.raises(Refused) as refused:
        await _his(house).call("2601", {"data": {"psn_no": "P-123456", "omsgid": "m",
                                                 "oinfno": "2402"}})  # fmt: skip
    assert refused.value.number == 5013


async def test_another_pools_hospital_has_its_profile_there(house: House) -> None:
    elsewhere = await house.running.caller("clerk-k", "clerk", "653000")
    body = {"institution_code": A, "scheme": "x_tif", "access_key": "k", "secret": "s" * 16}
    answer = await elsewhere.post("/his-profiles", body)
    assert answer.json()["code"] == "1074-institution-of-another-pool"
    kept = await house.owner.fetch("select terms::text, sealed_secret from his_profile")
    assert all(b"sixteen-or" not in row["sealed_secret"] for row in kept)
    assert all("sixteen-or" not in row["terms"] for row in kept)


async def test_a_settlement_in_the_midst_of_a_stay_is_refused_as_such(house: House) -> None:
    """It would be taken for the stay's last one, and end it."""
    his = _his(house)
    _, _, case = await _stay(house, his)
    for infno in ("2303", "2304"):
        assert await number_of(his, infno, {"data": case | {"mid_setl_flag": 1}}) == 5022
    holds(await his.call("2304", {"data": case | {"mid_setl_flag": "0"}}))
