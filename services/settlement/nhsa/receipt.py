"""The receipt (结算单) of a settlement in the interface's keys, and the laws that they obey.

- medfee_sumamt = fund_pay_sumamt + psn_part_amt + hosp_part_amt
- psn_part_amt = acct_pay + psn_cash_pay
- medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt
- fund_pay_sumamt = the sum of all *_pay keys of funds
- the rows of setldetail sum to fund_pay_sumamt + acct_pay + hosp_part_amt

Where the maternity part sits: docs/decisions/2026-11-22-maternity-part-of-the-receipt.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from services.settlement.domain.cost import Cost
from services.settlement.domain.person import PersonState
from services.settlement.domain.settlement import Settlement
from services.settlement.nhsa import ids
from services.settlement.nhsa.tables import gender, ours
from shared.ids import NO_ID
from shared.money import NOTHING, Money
from shared.policy.shapes import ExpenditureItem

NO_ONE_SHARE = Decimal("0.0000")
"""pool_prop_selfpay: a settlement of several clauses has no single ratio."""

_OTHER_WAY = "9"
"""clr_way"""
_OTHER_FUNDS = ("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "hifdm_pay", "maf_pay")
"""Funds that a maternity settlement never draws on."""


def receipt(
    settlement: Settlement, cost: Cost, person: PersonState | None, told: Mapping[str, Any],
    msgid: str,
) -> dict[str, Any]:  # fmt: skip
    """setlinfo and setldetail of a settlement, of its reversal, or of a quote (which has no id).

    `cost` is the bill's; `told` what the hospital said of the case, `person` what enrollment did of
    her; the person's name and number are left empty.
    """
    parts = settlement.shares
    bill = _negated(cost) if settlement.reverses else _parts(cost)
    fund = parts.desk_fund + parts.other_fund
    hospital = parts.total - fund - parts.desk_member
    cash = parts.desk_member - parts.member_account
    made = settlement.settlement_id != NO_ID
    age = person.age_on(settlement.event_on) if person else None
    info = {
        "mdtrt_id": ids.to_wire(settlement.stay_id),
        "setl_id": ids.to_wire(settlement.settlement_id) if made else "",
        "psn_no": ids.person_to_wire(settlement.person_ref),
        "psn_name": "",
        "psn_cert_type": "01",
        "certno": "",
        "gend": gender(person.sex if person else None),
        "naty": "",
        "brdy": "",
        "age": Decimal(f"{age or 0}.0"),
        "insutype": told.get("insutype") or settlement.insurance_type,
        "psn_type": ours("psn_types")[settlement.member_kind],
        "cvlserv_flag": "0",
        "flxempe_flag": "1" if settlement.member_kind == "flexible" else "0",
        "setl_time": settlement.settled_at if made else "",
        "mdtrt_cert_type": told.get("mdtrt_cert_type", ""),
        "med_type": told.get("med_type", ""),
        "medfee_sumamt": parts.total,
        "fulamt_ownpay_amt": bill["out_of_scope"],
        "overlmt_selfpay": bill["over_limit"],
        "preselfpay_amt": bill["first_copay"],
        "inscp_scp_amt": bill["in_scope"],
        "act_pay_dedc": NOTHING,
        "hifp_pay": parts.desk_fund,
        "pool_prop_selfpay": NO_ONE_SHARE,
        **dict.fromkeys(_OTHER_FUNDS, NOTHING),
        "oth_pay": parts.other_fund,
        "fund_pay_sumamt": fund,
        "psn_part_amt": parts.desk_member,
        "acct_pay": parts.member_account,
        "psn_cash_pay": cash,
        "hosp_part_amt": hospital,
        "balc": NOTHING,
        "acct_mulaid_pay": NOTHING,
        "medins_setl_id": msgid,
        "clr_optins": settlement.pool_code,
        "clr_way": _clr_way(settlement.steps),
        "clr_type": ours("clr_types")[settlement.benefit],
    }
    if settlement.reverses:
        info |= {"pdn_cash_pay": cash, "psn_pay": parts.desk_member}
    return {"setlinfo": info, "setldetail": _detail(settlement, bill["in_scope"], hospital)}


def _clr_way(steps: str) -> str:
    """How the case is cleared, by the steps of its price as they are stored."""
    kinds = {step["what"] for step in orjson.loads(steps)}
    return next((way for kind, way in ours("clr_ways").items() if kind in kinds), _OTHER_WAY)


def _detail(settlement: Settlement, in_scope: Money, hospital: Money) -> list[dict[str, Any]]:
    parts = settlement.shares
    fund = "maternity" if settlement.expenditure_item == ExpenditureItem.MATERNITY else "medical"
    rows = (
        (fund, parts.desk_fund),
        ("other", parts.other_fund),
        ("account", parts.member_account),
        ("hospital", hospital),
    )
    return [
        {
            "fund_pay_type": ours("funds")[payer],
            "inscp_scp_amt": in_scope,
            "crt_payb_lmt_amt": NOTHING,
            "fund_payamt": amount,
            "fund_pay_type_name": ours("fund_names")[payer],
            "setl_proc_info": "",
        }
        for payer, amount in rows
        if amount or payer == fund
    ]


def _negated(cost: Cost) -> dict[str, Money]:
    return {name: -amount for name, amount in _parts(cost).items()}


def _parts(cost: Cost) -> dict[str, Money]:
    return {
        "out_of_scope": cost.out_of_scope,
        "over_limit": cost.over_limit,
        "first_copay": cost.first_copay,
        "in_scope": cost.in_scope,
    }
