"""Audit asked before a claim by 3101 and 3102, and told by 3103: heard, late, down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from services.settlement.actions import ask_audit
from services.settlement.nhsa import ids
from shared.plumbing.peer import Peer
from tests.journeys.gateway_walk import insured
from tests.journeys.test_birth import NANJING, POOLS, Town
from tests.support.agency import Agency, agency, until
from tests.support.his import His, Refused, billed, introduced
from tests.support.postgres import ServiceDatabases

_HOSPITAL = next(iter(POOLS[NANJING]))


@pytest.fixture(scope="module")
async def whole(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Agency]:
    async with agency(module_databases, tmp_path_factory.mktemp("agency"), None) as opened:
        await opened.open_for_business(POOLS)
        yield opened


@pytest.fixture(scope="module")
async def town(whole: Agency) -> Town:
    made = Town(whole, NANJING)
    await made.move_in()
    return made


@pytest.fixture(scope="module")
async def his(town: Town) -> His:
    second = await town.whole.caller("settlement", f"d2-{NANJING}", "clerk", NANJING)
    await introduced(town.desk, second, _HOSPITAL)
    return His(town.whole.services["settlement"].http, town.whole.clock, _HOSPITAL)


IN_TIME_SECONDS = 8
"""The budget of 200 ms, and what a loaded machine adds to the rest."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question may take long: what is looked at is the answer."""
    monkeypatch.setattr(ask_audit, "BUDGET_MS", 20_000)


async def _admitted(his: His, town: Town) -> tuple[str, str]:
    _, person_ref = await insured(town)
    psn = ids.person_to_wire(person_ref)
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": his.msgid()[-12:], "matn_type": "1"},
        "diseinfo": [{"diag_code": "O82.000", "maindiag_flag": "1"}]})  # fmt: skip
    return psn, str(admitted["result"]["mdtrt_id"])


def _order(number: int, **more: Any) -> dict[str, Any]:
    return {
        "rx_id": f"RX{number}", "rxno": "1", "long_drord_flag": 0, "hilist_code": "delivery",
        "cnt": "1.00", "pric": "4500", "sumamt": "4500.00", "drord_begn_date": "2024-03-20",
        "drord_dr_name": "例某", "curr_drord_flag": "1",
    } | more  # fmt: skip


def _asked(psn: str, stay: str, **more: Any) -> dict[str, Any]:
    """A caesarean of a man, and the same woman's name where none is needed."""
    encounter = {
        "mdtrt_id": stay, "medins_id": "", "adm_date": "2024-03-20", "dscg_date": "2024-03-24",
        "dscg_main_dise_codg": "O82.000", "med_type": "52", "insutype": "310", "matn_stas": "4",
        "medfee_sumamt": "4500.00", "out_setl_flag": "0", "reim_flag": "0",
        "fsi_diagnose_dtos": [{"dise_codg": "O82.000", "maindise_flag": "1"}],
        "fsi_operation_dtos": [{"oprn_code": "74.1x01"}],
        "fsi_order_dtos": [_order(1), _order(2, hilist_code="bed", sumamt="50", pric="50")],
    } | more  # fmt: skip
    patient = {
        "patn_id": psn, "patn_name": "例某", "gend": "1", "brdy": "1990-03-15",
        "poolarea": NANJING, "curr_mdtrt_id": stay, "fsi_encounter_dtos": [encounter],
    }  # fmt: skip
    return {"data": {"trig_scen": "9", "patient_dtos": [patient]}}


def _of_rule(output: dict[str, Any], rule: str) -> dict[str, Any]:
    (found,) = [one for one in output["result"] if one["rule_id"] == rule]
    return dict(found)


@pytest.mark.usefixtures("patient")
async def test_audit_is_heard_and_its_warning_is_answered(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)
    for infno in ("3101", "3102"):
        said = await his.call(infno, _asked(psn, stay))
        found = _of_rule(said, "male-delivery")
        assert (found["patn_id"], found["mdtrt_id"]) == (psn, stay)
        assert len(found["jr_id"]) <= 40
        assert found["sev_deg"] in ("1", "2")
        assert found["vola_amt_stas"] == "1"
        assert found["rule_name"]
        assert found["vola_cont"]
        (detail,) = found["judge_result_detail_dtos"]
        assert (detail["mdtrt_id"], detail["vola_item_type"]) == (stay, "1")
    again = await his.call("3102", _asked(psn, stay))
    assert _of_rule(again, "male-delivery")["jr_id"] == found["jr_id"]
    only = _asked(psn, stay)
    only["data"]["rule_ids"] = ["no-such-rule"]
    assert (await his.call("3102", only))["result"] == []
    kept = {"warn_rslt_id": found["jr_id"], "dspo_way": "1", "dspo_way_rea": "登记有误，已核对"}
    feedback = {"data": {"warn_type": "2", "warns": [kept]}}
    message = his.msgid()
    await his.call("3103", feedback, message)
    await his.call("3103", feedback, message)
    rows = await _heard_by_audit(town.whole, 1)
    (row,) = rows
    assert (row["rule"], row["way"], row["reason"]) == ("male-delivery", "kept", "登记有误，已核对")
    assert row["institution_code"] == his.institution
    assert row["case_ref"] == str(ids.from_wire(stay))


async def _heard_by_audit(whole: Agency, count: int) -> list[Any]:
    owner = await asyncpg.connect(whole.databases["audit"]["owner"])
    try:

        async def heard() -> list[Any]:
            rows = await owner.fetch("select * from warning_answer")
            return list(rows) if len(rows) >= count else []

        found: list[Any] = await until(heard)
        return found
    finally:
        await owner.close()


@pytest.mark.usefixtures("patient")
async def test_a_warning_is_answered_by_whom_it_was_told_and_in_full(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)
    found = _of_rule(await his.call("3101", _asked(psn, stay)), "male-delivery")
    for warn, number in (
        ({"dspo_way": "1", "dspo_way_rea": " "}, 5007), ({"dspo_way": "3"}, 5007),
        ({"dspo_way": "1", "dspo_way_rea": "长" * 501}, 5007),
        ({"dspo_way": "1", "dspo_way_rea": "a\u202eb"}, 5007),
        ({"dspo_way": "2", "warn_rslt_id": "x"}, 5007), ({"dspo_way": ""}, 5007),
        ({"dspo_way": "2", "warn_rslt_id": "A" * 26}, 5019),
    ):  # fmt: skip
        said = {"warn_rslt_id": found["jr_id"]} | warn
        with pytest.raises(Refused) as refused:
            await his.call("3103", {"data": {"warn_type": "1", "warns": [said]}})
        assert refused.value.number == number, warn
    second = await town.whole.caller("settlement", f"d3-{NANJING}", "clerk", NANJING)
    other = list(POOLS[NANJING])[1]
    await introduced(town.desk, second, other)
    stranger = His(his.http, his.clock, other)
    said = {"warn_rslt_id": found["jr_id"], "dspo_way": "2"}
    with pytest.raises(Refused) as refused:
        await stranger.call("3103", {"data": {"warn_type": "1", "warns": [said]}})
    assert refused.value.number == 5019


@pytest.mark.usefixtures("patient")
async def test_what_is_not_this_hospitals_to_ask_about_is_left_out(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)
    for change in ({"out_setl_flag": "1"}, {"medins_id": "H999"}):
        assert (await his.call("3101", _asked(psn, stay, **change)))["result"] == []
    # She is pregnant still, and nothing says that a child was born: no birth, so no man's either.
    told = {"matn_stas": "3", "dscg_main_dise_codg": "O20.000", "fsi_diagnose_dtos": [],
            "fsi_operation_dtos": []}  # fmt: skip
    said = await his.call("3101", _asked(psn, stay, **told))
    assert "male-delivery" not in {one["rule_id"] for one in said["result"]}
    nursing = await his.call("3101", _asked(psn, stay, **told | {"matn_stas": "4"}))
    assert "male-delivery" in {one["rule_id"] for one in nursing["result"]}


def _beside(asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The question with a further case, told before the others."""
    encounters = asked["data"]["patient_dtos"][0]["fsi_encounter_dtos"]
    encounters.insert(0, {**encounters[0], "fsi_order_dtos": []} | more)
    return asked


@pytest.mark.usefixtures("patient")
async def test_a_case_that_cannot_be_asked_silences_no_other(town: Town, his: His) -> None:
    """Audit refuses a day before 1990, and all that comes with it."""
    psn, stay = await _admitted(his, town)
    old = _order(3, drord_begn_date="1989-12-31")
    for asked in (
        _beside(_asked(psn, stay), mdtrt_id="OLD-1", adm_date="1989-12-31"),
        _asked(psn, stay, fsi_order_dtos=[_order(1), old]),
    ):
        said = await his.call("3101", asked)
        assert _of_rule(said, "male-delivery")["mdtrt_id"] == stay


@pytest.mark.usefixtures("patient")
async def test_all_that_may_be_asked_at_once_is_taken(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)
    orders = [{"hilist_code": "delivery", "cnt": 1, "sumamt": 9} for _ in range(500)]
    asked = _asked(psn, stay, fsi_order_dtos=orders)
    for number in range(19):
        _beside(asked, mdtrt_id=f"C-{number}", fsi_order_dtos=orders)
    said = await his.call("3102", asked)
    found = {one["mdtrt_id"] for one in said["result"] if one["rule_id"] == "male-delivery"}
    assert found == {stay, *(f"C-{number}" for number in range(19))}


@pytest.mark.usefixtures("patient")
async def test_only_the_rules_that_are_named_are_asked(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)

    async def heard(named: Any) -> set[str]:
        asked = _asked(psn, stay)
        asked["data"]["rule_ids"] = named
        return {one["rule_id"] for one in (await his.call("3101", asked))["result"]}

    every = await heard(None)
    assert "male-delivery" in every
    for nobody in (["R-0001"], "1001,1002", [17]):
        assert await heard(nobody) == set()
    for one in (["R-0001", "male-delivery"], "male-delivery, 1001"):
        assert await heard(one) == {"male-delivery"}
    for nothing in ([], [""], "null"):
        assert await heard(nothing) == every


async def test_malformed_questions_are_refused(his: His) -> None:
    good = _asked("0" * 32, "1")
    encounter = good["data"]["patient_dtos"][0]["fsi_encounter_dtos"][0]
    for where, name, value in (
        (good["data"], "patient_dtos", []), (good["data"], "patient_dtos", "x"),
        (good["data"]["patient_dtos"][0], "fsi_encounter_dtos", None),
        (good["data"]["patient_dtos"][0], "patn_id", "例某"),
        (encounter, "adm_date", "2024-02-30"), (encounter, "mdtrt_id", "a/b"),
        (encounter, "medfee_sumamt", "-1"), (encounter, "fsi_order_dtos", [1]),
        (encounter, "fsi_order_dtos", [_order(1, cnt="x")]),
    ):  # fmt: skip
        kept = where[name]
        where[name] = value
        with pytest.raises(Refused) as refused:
            await his.call("3101", good)
        assert refused.value.number == 5007, (name, value)
        where[name] = kept


@asynccontextmanager
async def _asking(town: Town, address: str) -> AsyncIterator[None]:
    """Settlement asks audit at an address."""
    counter = town.whole.services["settlement"].app.state.counter
    before = counter.audit
    # Left to its own time-outs it would take much longer than what is asked for below.
    peer = Peer("audit", address, "settlement:secret", patience=10)
    object.__setattr__(counter, "audit", peer)
    try:
        yield
    finally:
        object.__setattr__(counter, "audit", before)
        await peer.close()


async def test_a_late_audit_is_no_finding_and_the_case_is_judged_afterwards(
    town: Town, his: His, capfd: pytest.CaptureFixture[str]
) -> None:
    """A real server that accepts, and never answers."""
    psn, stay = await _admitted(his, town)
    hung: list[asyncio.StreamWriter] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.append(writer)
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with _asking(town, f"http://127.0.0.1:{port}"):
            took = await _took(his, psn, stay)
            while not hung:  # the machine stood still for the whole budget
                took = await _took(his, psn, stay)
    finally:
        for writer in hung:
            writer.close()
        server.close()
    assert hung
    assert ask_audit.BUDGET_MS == 200
    assert 0.2 <= took < IN_TIME_SECONDS
    assert "audit was not heard before a claim" in "".join(capfd.readouterr())
    await _settled(his, psn, stay)
    owner = await asyncpg.connect(town.whole.databases["audit"]["owner"])

    async def judged() -> Any:
        return await owner.fetchval("select count(*) from claim where person_ref = $1",
                                    ids.person_from_wire(psn))  # fmt: skip

    assert await until(judged) == 1
    await owner.close()


async def _took(his: His, psn: str, stay: str) -> float:
    began = time.monotonic()
    assert (await his.call("3101", _asked(psn, stay)))["result"] == []
    return time.monotonic() - began


async def _settled(his: His, psn: str, stay: str) -> None:
    await his.call("2304", {"data": await billed(his, psn, stay)})


async def test_a_dead_or_refusing_audit_is_no_finding(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    async with _asking(town, f"http://127.0.0.1:{port}"):
        assert await _took(his, psn, stay) < IN_TIME_SECONDS

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as refusing:
        port = refusing.sockets[0].getsockname()[1]
        async with _asking(town, f"http://127.0.0.1:{port}"):
            assert await _took(his, psn, stay) < IN_TIME_SECONDS


@pytest.mark.usefixtures("patient")
async def test_what_a_hospital_did_is_told_when_audit_is_back(town: Town, his: His) -> None:
    psn, stay = await _admitted(his, town)
    found = _of_rule(await his.call("3101", _asked(psn, stay)), "male-delivery")
    owner = await asyncpg.connect(town.whole.databases["settlement"]["owner"])
    heard = len(await _heard_by_audit(town.whole, 0))
    peer = town.whole.services["settlement"].app.state.counter.audit
    for _ in range(5):
        peer._breaker.note(ok=False)  # as after five failures: nobody is asked for a while
    said = {"warn_rslt_id": found["jr_id"], "dspo_way": "2"}
    await his.call("3103", {"data": {"warn_type": "1", "warns": [said]}})
    waiting = "select count(*) from warning_reply where sent_at is null"
    assert await owner.fetchval(waiting) == 1
    await _heard_by_audit(town.whole, heard + 1)

    async def told() -> bool:
        return bool(await owner.fetchval(waiting) == 0)

    await until(told)
    await owner.close()
