"""Audit asked before a claim: 3101 and 3102 ask, 3103 tells what was done about its warnings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.settlement.actions.ask_audit import ask_audit
from services.settlement.domain.warning import CheckWarning, Grade, ReplyWay, WarningReply
from services.settlement.nhsa import ids
from services.settlement.nhsa.asked_cases import AskedCase, asked_cases, asked_rules
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import WARNING_UNKNOWN
from services.settlement.store import warnings
from services.settlement.store.warnings import ToldWarning
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.edge import UNSEEN
from shared.plumbing.problems import Problem

_STAGES = {"3101": "before", "3102": "in"}
_SEVERITY = {Grade.VIOLATION: "1", Grade.SUSPICIOUS: "2"}
_OF_VISIT, _OF_ITEM = "1", "2"
_VIOLATING, _COUNTED = "1", "1"
_NAME_MOST, _CONTENT_MOST = 200, 500
_WAYS = {"1": ReplyWay.KEPT, "2": ReplyWay.CORRECTED}
_REASON = re.compile(rf"[^{UNSEEN}]{{0,500}}")


async def ask(call: Call) -> bytes:
    """3101, 3102: what audit's rules say of cases that are not claimed yet; nothing, where audit is
    not heard in time."""
    cases, rules = asked_cases(call), asked_rules(call)
    found: list[tuple[AskedCase, CheckWarning, UUID]] = []
    check_id = None
    if cases and rules != []:
        said = await ask_audit(
            call.counter.audit, call.scene, _STAGES[call.envelope.infno],
            [case.body for case in cases.values()], rules or [],
        )  # fmt: skip
        if said is not None:
            check_id = said.check_id
            place = (call.profile.pool_code, call.profile.institution_code)
            found = [
                (cases[one.case_ref], one, one.identity(*place))
                for one in said.warnings
                if one.case_ref in cases
            ]
    if found and check_id is not None:
        told = [
            ToldWarning(warning_id, check_id, one.case_ref, one.rule)
            for _, one, warning_id in found
        ]
        await _note(call, told)
    task = ids.to_wire(check_id) if check_id else ""
    return call.done({"result": [_result(*one, task) for one in found]})


async def reply(call: Call) -> bytes:
    """3103: what was done about warnings: gone on with, for a reason, or changed."""
    rows = call.input.one("data").rows("warns")
    replies = [_reply(call, row) for row in rows]

    async def effect(tx: Connection) -> Done:
        said = []
        for warning_id, way, reason in replies:
            told = await warnings.find(tx, call.profile.pool_code, warning_id)
            if told is None:
                raise Problem(WARNING_UNKNOWN)
            said.append(
                WarningReply(
                    call.profile.pool_code, new_id(), call.profile.institution_code, warning_id,
                    told.check_id, told.case_ref, told.rule, way, reason, call.scene.now,
                )
            )  # fmt: skip
        await warnings.reply(tx, said)
        return said[0].reply_id, {}

    return await call.once(effect)


def _reply(call: Call, row: Row) -> tuple[UUID, ReplyWay, str]:
    way, reason = _WAYS.get(row.text("dspo_way")), row.text("dspo_way_rea")
    if way is None or (way is ReplyWay.KEPT and not reason.strip()):
        raise row.wrong("dspo_way", "way")
    if not _REASON.fullmatch(reason):
        raise row.wrong("dspo_way_rea", "reason")
    return call.id(row, "warn_rslt_id"), way, reason


async def _note(call: Call, told: list[ToldWarning]) -> None:
    profile = call.profile
    await call.within(
        lambda tx: warnings.note(
            tx, profile.pool_code, profile.institution_code, told, call.scene.now
        )
    )


def _result(case: AskedCase, one: CheckWarning, warning_id: UUID, task: str) -> dict[str, Any]:
    """A finding in the keys of `result`; the orders that its evidence names are its details."""
    jr_id = ids.to_wire(warning_id)
    place = {"patn_id": case.patn_id, "mdtrt_id": case.mdtrt_id}
    named = frozenset(one.evidence.values())
    orders = [order for order in case.orders if order.item_code in named]
    details: list[Mapping[str, Any]] = [
        {"rx_id": order.rx_id, "vola_amt": order.amount} for order in orders
    ] or [{"rx_id": "", "vola_amt": one.at_risk}]
    return {
        "jr_id": jr_id,
        "rule_id": one.rule,
        "rule_name": one.title_zh[:_NAME_MOST],
        "vola_cont": one.explanation_zh[:_CONTENT_MOST],
        **place,
        "judge_result_detail_dtos": [
            {"jrd_id": f"{jr_id}-{number}", **place, "vola_item_type": _VIOLATING, **detail}
            for number, detail in enumerate(details, 1)
        ],
        "vola_amt": one.at_risk,
        "vola_amt_stas": _COUNTED,
        "sev_deg": _SEVERITY[one.grade],
        "vola_evid": "; ".join(f"{k}: {v}" for k, v in sorted(one.evidence.items()))[
            :_CONTENT_MOST
        ],
        "vola_bhvr_type": _OF_ITEM if orders else _OF_VISIT,
        "task_id": task,
    }
