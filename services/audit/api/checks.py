"""Checks before the claim: a hospital asks what the rules will say, and answers the warnings."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.audit.actions.check_cases import answer_warnings, check_cases
from services.audit.api.check_shown import CheckAnswer, FeedbackKept
from services.audit.api.check_wire import (
    AskedFor,
    CheckBody,
    CheckForBody,
    FeedbackBody,
    FeedbackForBody,
)
from services.audit.api.explanation import explain
from services.audit.domain.check import Warned, WarningAnswer, Way
from services.audit.domain.hit import Hit
from services.audit.domain.rule import Rule, RuleBook, RuleSet
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection, transaction
from shared.plumbing.edge import Key, desk, once_per_key, only
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

Hospital = Annotated[Caller, Depends(only("hospital"))]
Service = Annotated[Caller, Depends(only("service"))]


def checks_router(book: RuleBook) -> APIRouter:
    """The routes; `book` holds the rules that are asked."""
    router = APIRouter(prefix="/audit/v1/checks", tags=["checks"])

    @router.post("", response_model=CheckAnswer)
    async def check(request: Request, body: CheckBody, who: Hospital) -> Response:
        """What the live rules of a stage say of cases that are not filed yet; nothing is stored.

        A case is compared with the others of the request and with the caller's own claims of the
        same person, never with another institution's.
        """
        return await _checked(request, body, who, book)

    @router.post(":for-hospital", response_model=CheckAnswer)
    async def check_for(request: Request, body: CheckForBody, service: Service) -> Response:
        """The same, asked by the service through which a hospital speaks."""
        return await _checked(request, body, _hospital(service, body.asked_for), book)

    @router.post("/{check_id}/feedback", status_code=201, response_model=FeedbackKept)
    async def feedback(
        request: Request, check_id: Id, body: FeedbackBody, who: Hospital, _: Key = None
    ) -> Response:
        """What the hospital did about the warnings of a check."""
        return await _kept(request, check_id, body, who)

    @router.post("/{check_id}/feedback:for-hospital", status_code=201, response_model=FeedbackKept)
    async def feedback_for(
        request: Request, check_id: Id, body: FeedbackForBody, service: Service, _: Key = None
    ) -> Response:
        """The same, told by the service through which a hospital speaks."""
        return await _kept(request, check_id, body, _hospital(service, body.asked_for))

    return router


async def _checked(request: Request, body: CheckBody, who: Caller, book: RuleBook) -> Response:
    here = desk(request)
    today = business_day(here.clock.now())
    in_force = book.in_force(today)
    groups = book.groups.of_pool(who.pool_code)
    cases = [case.to_case(who, groups) for case in body.cases]
    async with transaction(here.pool, [who.institution_code]) as tx:
        rules = _named(in_force, body.rules)
        warned = await check_cases(tx, cases, rules, groups, body.to_stage(), today)
    answer = {
        "check_id": str(new_id()),
        "rule_set": in_force.version,
        "cases": [_shape(one) for one in warned],
    }
    return Response(orjson.dumps(answer), media_type="application/json")


async def _kept(request: Request, check_id: UUID, body: FeedbackBody, who: Caller) -> Response:
    said = [
        WarningAnswer(one.case_ref, one.rule, Way(one.way), one.reason or "")
        for one in body.answers
    ]

    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        await answer_warnings(
            tx,
            who.pool_code,
            who.institution_code,
            check_id,
            said,
            by=who.client_id,
            request_id=request.state.trace_id,
            at=desk(request).clock.now(),
        )
        kept = {"check_id": str(check_id), "kept": len(said)}
        return check_id, Answer(201, orjson.dumps(kept))

    return await once_per_key(request, who, "answer-warnings", [who.institution_code], effect)


def _hospital(service: Caller, asked_for: AskedFor) -> Caller:
    """A service as the hospital that it asks for."""
    return replace(
        service, pool_code=asked_for.pool_code, institution_code=asked_for.institution_code
    )


def _named(rules: RuleSet, names: list[str] | None) -> RuleSet:
    if names is None:
        return rules
    return RuleSet(rules.version, tuple(rule for rule in rules.rules if rule.id in names))


def _shape(warned: Warned) -> dict[str, Any]:
    return {
        "case_ref": warned.case.case_id,
        "advice": warned.advice,
        "findings": [_finding(warned, rule, hit) for rule, hit in warned.hits],
        "silent": list(warned.silent),
    }


def _finding(warned: Warned, rule: Rule, hit: Hit) -> dict[str, Any]:
    def words(language: Any) -> str:
        return explain(
            rule,
            hit.evidence,
            claim=warned.case.case_id,
            institution=warned.case.institution,
            at_risk=hit.at_risk,
            language=language,
        )

    return {
        "rule": rule.id,
        "rule_version": rule.version,
        "grade": rule.grade,
        "title": rule.title.en,
        "title_zh": rule.title.zh,
        "amount_at_risk": hit.at_risk.to_wire(),
        "evidence": dict(hit.evidence),
        "explanation": words("en"),
        "explanation_zh": words("zh"),
    }
