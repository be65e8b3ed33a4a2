"""The rules that claims are judged by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.audit.api.rules_shown import RulesShown
from services.audit.domain.asked_of import asked_of
from services.audit.domain.citation import cited
from services.audit.domain.rule import RuleBook
from services.audit.domain.rule_record import RuleRecord
from services.audit.store import rule_records
from shared.plumbing.auth import Caller
from shared.plumbing.clock import business_day
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import desk, only

Reader = Annotated[Caller, Depends(only("reviewer", "supervisor", "operator"))]


def rules_router(book: RuleBook) -> APIRouter:
    """The routes over one rule book."""
    router = APIRouter(prefix="/audit/v1/rules", tags=["rules"])

    @router.get("", response_model=RulesShown)
    async def list_rules(
        request: Request,
        who: Reader,
    ) -> dict[str, Any]:
        """All versions of all rules, the set that is in force today, and what reviews in the
        caller's pool made of each."""
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            records = await rule_records.of_pool(tx, who.pool_code)
        today = book.in_force(business_day(desk(request).clock.now()))
        return {
            "rule_set": today.version,
            "rules": [
                {
                    "id": rule.id,
                    "version": rule.version,
                    "family": rule.family,
                    "grade": rule.grade,
                    "mode": rule.mode,
                    "window": rule.window,
                    "scenes": rule.scenes,
                    "stages": rule.stages,
                    "asked_of": asked_of(rule),
                    "fund_type": rule.fund_type,
                    "insurance_types": rule.insurance_types,
                    "in_force": rule in today.rules,
                    **_record(records.get((rule.id, rule.version))),
                    "valid_from": rule.valid_from.isoformat(),
                    "valid_until": rule.valid_until.isoformat() if rule.valid_until else None,
                    "example_thresholds": rule.example_thresholds,
                    "parameters": rule.parameters.model_dump(mode="json"),
                    "title": rule.title.en,
                    "title_zh": rule.title.zh,
                    "legal_basis": cited(rule.legal_basis, "en"),
                    "legal_basis_zh": cited(rule.legal_basis, "zh"),
                }
                for rule in book.rules
            ],
        }

    return router


def _record(one: RuleRecord | None) -> dict[str, int | bool]:
    return {
        "reviewed": one.reviewed if one else 0,
        "confirmed": one.confirmed if one else 0,
        "on_trial": one.on_trial if one else False,
    }
