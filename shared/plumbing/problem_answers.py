"""Errors as problem+json answers; what nobody foresaw is ours, and logged."""

from __future__ import annotations

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.plumbing.auth import BadToken
from shared.plumbing.database import LOST, PASSING
from shared.plumbing.group import Busy, TwinRunning
from shared.plumbing.metrics import count_refusal
from shared.plumbing.problems import (
    BROKEN,
    BUSY,
    FORBIDDEN,
    MALFORMED,
    MEDIA_TYPE,
    NO_METHOD,
    NO_TOKEN,
    NO_WORDS,
    NOT_FOUND,
    OTHER_BODY,
    TWIN,
    Problem,
    WordsAt,
    faults_of,
    problem_body,
)  # fmt: skip
from shared.plumbing.repeats import DifferentBody

log = structlog.get_logger()


def problem_response(problem: Problem, trace_id: str) -> Response:
    """A refusal as a response, counted: every refusal of a service passes here."""
    count_refusal(problem.kind)
    headers = {}
    if problem.kind.status in (409, 429, 500, 503) and problem.kind.retryable:
        headers["retry-after"] = str(problem.retry_after or 1)
    if problem.kind.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(
        problem_body(problem, trace_id), problem.kind.status, headers, media_type=MEDIA_TYPE
    )


def as_problem(error: Exception, words: WordsAt = NO_WORDS) -> Problem:
    """What the caller is told about an error; anything unforeseen is ours, and logged."""
    match error:
        case Problem():
            return error
        case BadToken():
            return Problem(NO_TOKEN)
        case DifferentBody():
            return Problem(OTHER_BODY)
        case TwinRunning():
            return Problem(TWIN)
        case _ if isinstance(error, (Busy, MemoryError, *LOST, *PASSING)):
            return Problem(BUSY, retry_after=1)
        case RequestValidationError():
            return Problem(MALFORMED, faults_of(error.errors(), skip=1, words=words))
        case HTTPException():
            kinds = {401: NO_TOKEN, 403: FORBIDDEN, 404: NOT_FOUND, 405: NO_METHOD}
            return Problem(kinds.get(error.status_code, MALFORMED))
    log.error("unforeseen", error=type(error).__name__, exc_info=error)
    return Problem(BROKEN)


FORESEEN: tuple[type[Exception], ...] = (
    Problem, HTTPException, RequestValidationError, BadToken, DifferentBody, TwinRunning, Busy,
    MemoryError, *LOST, *PASSING,
)  # fmt: skip
