"""The reference client (`deploy.his.client`) in tests: a hospital with a profile, and the laws of
its receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from deploy.his import client
from deploy.his.client import ONE_URL, Broken, Refused
from tests.support.running import Client

__all__ = ["ONE_URL", "SECRET", "Broken", "His", "Refused", "holds", "introduced"]

SECRET = "sixteen-or-more-of-them"
# The key pair of GB/T 32918.5's example.
SM2_PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
SM2_PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SCHEMES: list[tuple[str, dict[str, Any]]] = [
    ("csb_ms", {}), ("csb_s", {}), ("x_tif", {}), ("signed_body", {}),
    ("signed_body_sm2", {"secret": SM2_PUBLIC}),
    ("private_line", {"networks": ["127.0.0.0/8"]}),
]  # fmt: skip
"""Every way in which a system shows who it is, with what its profile says beside."""


@dataclass
class His(client.His):
    """One hospital's system, under the secret that tests share."""

    secret: str = SECRET


async def introduced(first: Client, second: Client, institution: str, **terms: Any) -> None:
    """Put a hospital's profile in force: one clerk proposes, another approves."""
    body: dict[str, Any] = {"institution_code": institution, "scheme": "csb_ms"} | terms
    if body["scheme"] != "private_line":
        body = {"access_key": f"ak-{institution}", "secret": SECRET} | body
    proposed = await first.post("/his-profiles", body)
    assert proposed.status_code == 201, proposed.text
    own = await first.post(f"/his-profiles/{proposed.json()['proposal']}/approve")
    assert own.json()["code"] == "1029-second-person-needed"
    approved = await second.post(f"/his-profiles/{proposed.json()['proposal']}/approve")
    assert approved.status_code == 201, approved.text


def holds(output: Mapping[str, Any]) -> None:
    """The money laws of a receipt, exactly."""
    info, rows = output["setlinfo"], output["setldetail"]
    money = {key: Decimal(value) for key, value in info.items() if isinstance(value, Decimal)}
    total = money["medfee_sumamt"]
    fund = money["fund_pay_sumamt"]
    assert total == fund + money["psn_part_amt"] + money["hosp_part_amt"]
    assert money["psn_part_amt"] == money["acct_pay"] + money["psn_cash_pay"]
    assert total == sum(
        money[key]
        for key in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    )
    assert fund == sum(
        money[key]
        for key in ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay",
                    "oth_pay", "hifdm_pay")
    )  # fmt: skip
    paid = sum(row["fund_payamt"] for row in rows)
    assert paid == fund + money["acct_pay"] + money["hosp_part_amt"]
    assert info["age"] is not None


async def number_of(his: His, infno: str, input_: Any, msgid: str = "") -> int:
    """The number of the refusal that must come."""
    with pytest.raises(Refused) as refused:
        await his.call(infno, input_, msgid)
    return refused.value.number


async def billed_stay(his: His, psn: str) -> tuple[str, dict[str, Any]]:
    """A woman's stay with its bill, discharged by the gateway; and the input that settles it."""
    await his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
    admitted = await his.call("2401", {"mdtrtinfo": {
        "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
        "ipt_no": f"Z{psn[:12]}", "matn_type": "1"}, "diseinfo": []})  # fmt: skip
    stay = str(admitted["result"]["mdtrt_id"])
    return stay, await billed(his, psn, stay)


async def billed(his: His, psn: str, stay: str) -> dict[str, Any]:
    """Bill a woman's open stay and discharge her; the input that settles it."""
    line = {"feedetl_sn": "1", "mdtrt_id": stay, "psn_no": psn, "fee_ocur_time": "2024-03-21",
            "med_list_codg": "delivery", "det_item_fee_sumamt": "4500.00", "cnt": "1",
            "pric": "4500"}  # fmt: skip
    await his.call("2301", {"feedetail": [line]})
    await his.call("2402", {"dscginfo": {"mdtrt_id": stay, "psn_no": psn, "endtime": "2024-03-24"}})
    return {"psn_no": psn, "mdtrt_id": stay, "medfee_sumamt": "4500.00", "insutype": "310"}
