"""The command `price`: cases in, one JSON result a line out; nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.settlement.api.explanation import refusal_title, sentence
from services.settlement.api.price_cases import (
    Malformed,
    contribution_of,
    late_fee_of,
    to_case,
    to_member,
)
from services.settlement.api.price_wire import BLOCKS, CaseWire, read_json
from services.settlement.domain.owed import Owed, contribution_owed, late_fee_owed
from services.settlement.domain.pricing import ENGINE, Deferred, Priced, price
from services.settlement.domain.refusals import Refusal, Refused
from shared.plumbing.problems import faults_of
from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN, compile_book, demo_allowance


def price_command(cases: Iterable[str], policy_dirs: Sequence[Path], today: date) -> Iterator[str]:
    """Price each line of `cases` with the built-in pools and those under `policy_dirs`.

    `today` is the knowledge date of a case that gives none. Open cells and grades that the pools
    list for a demo are admitted here, and every step that uses one says so. Raises PolicyFaults
    for a faulty folder; a faulty case is answered by a refusal. Blank lines are skipped.
    """
    folders = (BUILT_IN, *policy_dirs)
    book = compile_book(folders, demo_allowance(folders))
    for line in cases:
        if line.strip():
            yield json.dumps(priced_line(line, book, today), ensure_ascii=False)


def priced_line(line: str, book: Book, today: date) -> dict[str, Any]:
    """The answer to one line."""
    try:
        raw = read_json(line)
    except ValueError as error:
        return _malformed(None, [{"pointer": "", "code": str(error)}])
    case_id = _own_id(raw)
    if not isinstance(raw, dict):
        return _malformed(case_id)
    try:
        wire = CaseWire.model_validate(_own_block_only(raw))
        return _answered(case_id, wire, book, today)
    except ValidationError as error:
        return _malformed(case_id, _pointers(error))
    except Malformed as error:
        return _malformed(case_id, [{"pointer": error.pointer, "code": error.what}])


def _own_block_only(raw: dict[str, Any]) -> dict[str, Any]:
    """The case without the blocks of other benefits: known names, that it does not use."""
    own = raw.get("benefit")
    return {name: value for name, value in raw.items() if name not in BLOCKS or name == own}


def _answered(case_id: str | None, wire: CaseWire, book: Book, today: date) -> dict[str, Any]:
    if wire.benefit in ("contribution", "late_fee"):
        owed = _owed(wire, book, wire.known_on or today)
        return _refused(case_id, owed) if isinstance(owed, Refused) else _shown_owed(case_id, owed)
    decision = price(to_case(wire, today), book)
    if isinstance(decision, Refused):
        return _refused(case_id, decision)
    if isinstance(decision, Deferred):
        return _deferred(case_id, decision)
    return _priced(case_id, decision)


def _owed(wire: CaseWire, book: Book, known_on: date) -> Owed | Refused:
    member = to_member(wire.member)
    if wire.benefit == "contribution":
        paid = contribution_of(wire)
        return contribution_owed(wire.pool, member, paid.wage, paid.month, known_on, book)
    late = late_fee_of(wire)
    return late_fee_owed(wire.pool, member, late.arrears, late.days, wire.on, known_on, book)


def _own_id(raw: Any) -> str | None:
    """The case's id where it has a lawful one: nothing else of a faulty case is echoed."""
    given = raw.get("id") if isinstance(raw, dict) else None
    lawful = isinstance(given, str) and 0 < len(given) <= 128 and given.isprintable()
    return given if lawful else None


def _pointers(error: ValidationError) -> list[dict[str, Any]]:
    """Where the faults are; an unknown name is not repeated, only the place that holds it."""
    return [
        {"pointer": fault.pointer, "code": fault.code, **fault.names()}
        for fault in faults_of(error.errors(include_url=False))
    ]


def _malformed(case_id: str | None, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return _refused(case_id, Refused(Refusal.CASE_MALFORMED), errors)


def _deferred(case_id: str | None, deferred: Deferred) -> dict[str, Any]:
    """When it is due and why then; beside it what it comes to."""
    step = deferred.reason
    until = {
        "until": deferred.until.isoformat(),
        "reason": sentence(step, "en"),
        "reason_zh": sentence(step, "zh"),
        "article": step.citation.article,
        "document": step.citation.document,
    }
    return {**_priced(case_id, deferred.priced), "deferred": until}


def _shown_owed(case_id: str | None, owed: Owed) -> dict[str, Any]:
    return {
        "id": case_id,
        "total": owed.total().to_wire(),
        "employer": owed.employer.to_wire(),
        "individual": owed.individual.to_wire(),
        "steps": [step.to_stored() for step in owed.steps],
        "rate_ids": list(owed.rate_ids),
        "book": owed.book_hash,
        "engine": ENGINE,
    }


def _refused(
    case_id: str | None, refused: Refused, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    refusal = refused.refusal
    body: dict[str, Any] = {
        "code": refusal.number,
        "slug": refusal.slug,
        "title": refusal_title(refusal, "en"),
        "title_zh": refusal_title(refusal, "zh"),
        "article": refused.citation.article if refused.citation else None,
        "document": refused.citation.document if refused.citation else None,
        "retryable": refusal.retryable,
        "values": {name: str(value) for name, value in refused.values},
    }
    if errors:
        body["errors"] = errors
    return {"id": case_id, "refused": body}


def _priced(case_id: str | None, priced: Priced) -> dict[str, Any]:
    return {
        "id": case_id,
        "total": priced.total.to_wire(),
        "fund": priced.fund.to_wire(),
        "member": priced.member.to_wire(),
        "member_account": priced.member_account.to_wire(),
        "member_cash": priced.member_cash.to_wire(),
        "institution": priced.institution.to_wire(),
        "other_fund": priced.other_fund.to_wire(),
        "desk": {"fund": priced.desk.fund.to_wire(), "member": priced.desk.member.to_wire()},
        "days": priced.days,
        "payee": priced.payee,
        "insurance_type": priced.insurance_type.value,
        "expenditure_item": priced.expenditure_item.value,
        "steps": [step.to_stored() for step in priced.steps],
        "rate_ids": list(priced.rate_ids),
        "book": priced.book_hash,
        "engine": priced.engine,
    }
