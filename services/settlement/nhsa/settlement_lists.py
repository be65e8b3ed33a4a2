"""The settlement list of a settlement: 4101. Of all that it holds only codes and measures are kept:
no name, address, telephone number, ticket or free text."""

from __future__ import annotations

import re
from decimal import Decimal

from services.settlement.actions.take_settlement_list import take_settlement_list
from services.settlement.domain.settlement_list import SettlementList
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.maternity import codes_among, operations_among
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.tables import ours
from shared.money import Money
from shared.plumbing.database import Connection

_GRAMS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?", re.ASCII)
_NEWBORNS_MOST = 9
_LIST_DIGITS = 9


async def take(call: Call) -> bytes:
    """4101: taken anew in place of the one before, until the settlement is undone or its month
    closed."""
    row = call.input.one("setlinfo")
    settlement_id = call.id(row, "setl_id")
    told = SettlementList(
        diagnoses=_diagnoses(call),
        operations=operations_among(
            [one.text("oprn_oprt_code") for one in call.input.rows("oprninfo")]
        ),
        funds=_funds(call.input.rows("payinfo")),
        birth_grams=_grams(row, "nwb_bir_wt", "mul_nwb_bir_wt"),
        admission_grams=_grams(row, "nwb_adm_wt", "mul_nwb_adm_wt"),
        newborn_admission=row.text("nwb_adm_type"),
        leaving=row.text("dscg_way"),
    )

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row)
        number = call.taken(
            await take_settlement_list(tx, call.scene, encounter.stay_id, settlement_id, told)
        )
        return settlement_id, {"data": {"setl_list_id": f"{number:0{_LIST_DIGITS}d}"}}

    return await call.once(effect)


def _diagnoses(call: Call) -> tuple[str, ...]:
    rows = sorted(
        call.input.rows("diseinfo"), key=lambda one: one.text("maindiag_flag") != "1"
    )  # fmt: skip
    return codes_among([one.text("diag_code") for one in rows])


def _funds(rows: list[Row]) -> Money | None:
    """What the list says the funds paid; the personal account is no fund of ours."""
    if not rows:
        return None
    account = ours("funds")["account"]
    paid = Decimal(0)
    for row in rows:
        amount = row.number("fund_payamt")
        if row.text("fund_pay_type") != account and amount is not None:
            paid += amount
    return Money(int(paid * 100))


def _grams(row: Row, one: str, several: str) -> tuple[Decimal, ...]:
    """The newborns' weights: several, comma-separated, else the one. Raises Wrong."""
    texts = re.split(r"[,，]", row.text(several)) if row.filled(several) else []
    if len(texts) > _NEWBORNS_MOST or not all(_GRAMS.fullmatch(text.strip()) for text in texts):
        raise row.wrong(several, "grams")
    single = row.number(one)
    if texts:
        return tuple(Decimal(text.strip()) for text in texts)
    return (single,) if single else ()
