"""P3: settling through the national gateway (2304), beside the yard-stick, in interleaved pairs."""

from __future__ import annotations

import asyncio
import json
import time
from uuid import UUID

import asyncpg

from bench.figure import Void
from bench.settling import say_ratio, take
from bench.stage import HIS_SECRET, HOSPITALS, Fresh, Load, Request, Stage, staged
from bench.stays import lay
from services.settlement.nhsa import ids
from services.settlement.nhsa.signatures import csb_signature

_TOLD = """
insert into encounter (pool_code, stay_id, institution_code, person_ref, told, noted_at)
select pool_code, stay_id, institution_code, person_ref,
       '{"insutype": "310", "med_type": "52", "mdtrt_cert_type": "02", "ipt_no": "1"}', now()
from stay where stay_id = any($1::uuid[])
returning stay_id, person_ref
"""


def measure(_: set[str]) -> None:
    """Print P3. Raises Void."""
    with staged() as stage:
        pairs = take(stage, _settle)
    say_ratio("P3", pairs, required=0.3)


def _settle(stage: Stage, stays: int, seconds: float, rate: float | None) -> Load:
    stage.introduce_his()
    fresh = asyncio.run(lay(stage.laying_dsn, stays))
    persons = asyncio.run(_told(stage.laying_dsn, fresh))
    signed = {code: _signed(code) for _, code, _ in HOSPITALS}
    load = stage.send(_messages(fresh, persons), seconds, rate=rate, headers=signed)
    if load.refused:  # a refusal of the gateway's is a 200, and is missed when all is counted
        raise Void(f"{load.refused} refused")
    return load


async def _told(dsn: str, fresh: Fresh) -> dict[str, str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(_TOLD, [UUID(stay) for stay, _, _ in fresh])
        await connection.execute("vacuum (analyze) encounter")
        return {str(row["stay_id"]): row["person_ref"] for row in rows}
    finally:
        await connection.close()


def _signed(code: str) -> str:
    """Headers that are good for half an hour: this scheme signs no body."""
    headers = {"_api_access_key": code, "_api_name": "2304", "_api_version": "1.0.0",
               "_api_timestamp": str(int(time.time()))}  # fmt: skip
    headers["_api_signature"] = csb_signature(HIS_SECRET, headers)
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _messages(fresh: Fresh, persons: dict[str, str]) -> list[Request]:
    return [
        (code, "POST /nhsa/2304", stay, _envelope(n, stay, code, total, persons[stay]))
        for n, (stay, code, total) in enumerate(fresh)
    ]


def _envelope(number: int, stay: str, institution: str, total: str, person_ref: str) -> str:
    mdtrt_id = ids.to_wire(UUID(stay))
    data = {
        "psn_no": ids.person_to_wire(person_ref), "mdtrt_cert_type": "02", "mdtrt_cert_no": "",
        "psn_cert_type": "01", "certno": "", "psn_type": "11", "psn_name": "",
        "medfee_sumamt": total, "psn_setlway": "02", "mdtrt_id": mdtrt_id, "insutype": "310",
        "acct_used_flag": "0", "insuplc_admdvs": "", "mdtrtarea_admvs": "", "invono": "",
        "mid_setl_flag": "0", "fulamt_ownpay_amt": "0.00", "overlmt_selfpay": "0.00",
        "preselfpay_amt": "0.00", "inscp_scp_amt": "0.00", "dscgTime": "", "exp_content": "",
    }  # fmt: skip
    envelope = {
        "infno": "2304", "msgid": f"{institution}{mdtrt_id[-18:]}{number % 1_000_000:06d}",
        "mdtrtarea_admvs": "320100", "insuplc_admdvs": "", "recer_sys_code": "99", "dev_no": "",
        "dev_safe_info": "", "cainfo": "", "signtype": "", "infver": "V1.0", "opter_type": "1",
        "opter": "001", "opter_name": "bench", "inf_time": "2026-01-01 00:00:00",
        "fixmedins_code": institution, "fixmedins_name": "bench", "sign_no": "",
        "input": {"data": data},
    }  # fmt: skip
    return json.dumps(envelope)
