"""The command `price`: cases in, one JSON result a line out; nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.settlement.api.explanation import refusal_title
from services.settlement.api.price_wire import BENEFITS, CaseWire, read_json, to_case
from services.settlement.domain.pricing import Priced, price
from services.settlement.domain.refusals import Refusal, Refused
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
        return _refused(
            None, Refused(Refusal.CASE_MALFORMED), [{"pointer": "", "code": str(error)}]
        )
    case_id = _own_id(raw)
    if not isinstance(raw, dict):
        return _refused(case_id, Refused(Refusal.CASE_MALFORMED))
    benefit = raw.get("benefit")
    if isinstance(benefit, str) and benefit in BENEFITS - {"delivery"}:
        return _refused(case_id, Refused(Refusal.BENEFIT_NOT_OFFERED))
    try:
        case = to_case(CaseWire.model_validate(raw), today)
    except ValidationError as error:
        return _refused(case_id, Refused(Refusal.CASE_MALFORMED), _pointers(error))
    except ValueError as error:
        found = [{"pointer": "/cost", "code": str(error)}]
        return _refused(case_id, Refused(Refusal.CASE_MALFORMED), found)
    decision = price(case, book)
    if isinstance(decision, Refused):
        return _refused(case_id, decision)
    return _priced(case_id, decision)


def _own_id(raw: Any) -> str | None:
    """The case's id where it has a lawful one: nothing else of a faulty case is echoed."""
    given = raw.get("id") if isinstance(raw, dict) else None
    lawful = isinstance(given, str) and 0 < len(given) <= 128 and given.isprintable()
    return given if lawful else None


def _pointers(error: ValidationError) -> list[dict[str, str]]:
    """Where the faults are; an unknown name is not repeated, only the place that holds it."""
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = problem["loc"][:-1] if problem["type"] == "extra_forbidden" else problem["loc"]
        pointer = "".join(f"/{part}" for part in place)
        found.append({"pointer": pointer, "code": problem["type"]})
    return found


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
        "insurance_type": priced.insurance_type.value,
        "expenditure_item": priced.expenditure_item.value,
        "steps": [step.to_stored() for step in priced.steps],
        "rate_ids": list(priced.rate_ids),
        "book": priced.book_hash,
        "engine": priced.engine,
    }
