"""Refusals on the wire: RFC 9457 problem+json, in English and Chinese, echoing nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any

import orjson

from shared.plumbing.amiss import FORMS, Words, words_of
from shared.plumbing.closed import FAULTS_MOST, UNKNOWN_NAMES, code_of

MEDIA_TYPE = "application/problem+json"
PAGES = "/problems"
"""Below this address every refusal has a page under its code; `type` points there."""
WordsAt = Mapping[tuple[str, str], Sequence[str]]
"""The words that a place takes, where it takes no others; a place as pydantic tells it."""
NO_WORDS: WordsAt = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in the request that is wrong: a JSON pointer and what kind of wrong; `words` where
    the code's own, of `shared/plumbing/faults.toml`, do not say enough."""

    pointer: str
    code: str
    words: Words | None = None
    unknown: int = 0
    known: Sequence[str] = ()

    def names(self) -> dict[str, object]:
        """How many names are not known there, and which names or words are."""
        if self.unknown:
            return {"unknown": self.unknown, "known": list(self.known)}
        return {"known": list(self.known)} if self.known else {}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of refusal. Numbers are never used again for another meaning."""

    number: int
    slug: str
    status: int
    title: str
    title_zh: str
    retryable: bool = False

    @property
    def code(self) -> str:
        """Number and slug: what a caller's program looks at, and where the refusal's page is."""
        return f"{self.number}-{self.slug}"


class Problem(Exception):
    """Ends a request with a refusal; only the edge raises it."""

    def __init__(
        self, kind: Kind, faults: Sequence[Fault] = (), *, retry_after: int = 0, article: str = "",
        values: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`values` are numbers of ours that led to it, by name; never what was sent."""
        super().__init__(kind.slug)
        self.kind = kind
        self.faults = faults
        self.retry_after = retry_after
        self.article = article
        self.values = values or {}


_OF_WORDS = ("literal_error", "enum")
_OF_FORM = "string_pattern_mismatch"
_QUOTED = re.compile("'([^']*)'")
"""The words that a form lists, as pydantic tells what it expected."""


def faults_of(errors: Iterable[Any], *, skip: int = 0, words: WordsAt = NO_WORDS) -> list[Fault]:
    """What pydantic found, as places and kinds, no more than are told."""
    return [
        _fault("".join(f"/{part}" for part in error["loc"][skip:]), error, words)
        for error in islice(errors, FAULTS_MOST)
    ]


def _fault(pointer: str, error: Any, words: WordsAt) -> Fault:
    code = code_of(error)
    if code == UNKNOWN_NAMES:
        return Fault(pointer, code, **error["ctx"])
    if code in _OF_WORDS:
        return Fault(pointer, code, known=_QUOTED.findall(error["ctx"]["expected"]))
    known = words.get(tuple(error["loc"]), ())
    if code == _OF_FORM:
        # A place of the query that takes listed words is held to a pattern of them.
        return (
            Fault(pointer, "enum", known=known)
            if known
            else Fault(pointer, code, FORMS.get(error["ctx"]["pattern"]))
        )
    return Fault(pointer, code, known=known)


def problem_body(problem: Problem, trace_id: str) -> bytes:
    """The JSON of a refusal."""
    kind = problem.kind
    body: dict[str, object] = {
        "type": f"{PAGES}/{kind.code}",
        "status": kind.status,
        "code": kind.code,
        "title": kind.title,
        "title_zh": kind.title_zh,
        "detail": kind.title,
        "retryable": kind.retryable,
        "errors": [
            {
                "pointer": f.pointer,
                "code": f.code,
                "title": words.en,
                "title_zh": words.zh,
                **f.names(),
            }
            for f in problem.faults
            for words in [f.words or words_of(f.code)]
        ],
        "trace_id": trace_id,
    }
    if problem.article:
        body["article"] = problem.article
    if problem.values:
        body["values"] = problem.values
    return orjson.dumps(body)


MALFORMED = Kind(1, "malformed", 400, "The request is malformed", "请求格式有误")
KEY_MISSING = Kind(2, "idempotency-key-missing", 400, "The Idempotency-Key header is missing or not 1 to 255 visible ASCII characters", "缺少 Idempotency-Key，或其不是 1 至 255 个可见 ASCII 字符")  # fmt: skip
NO_TOKEN = Kind(3, "unauthenticated", 401, "A valid bearer token is needed", "需要有效的访问令牌")
FORBIDDEN = Kind(4, "forbidden", 403, "This role may not do this", "该角色无权进行此操作")
NOT_FOUND = Kind(5, "not-found", 404, "There is no such object for this caller", "未找到该对象")
NO_METHOD = Kind(6, "method-not-allowed", 405, "This address does not take this method", "该地址不支持此方法")  # fmt: skip
TOO_LARGE = Kind(7, "too-large", 413, "The body is too large", "请求体过大")
OTHER_BODY = Kind(8, "key-used-with-another-body", 422, "This Idempotency-Key was used with another body", "该 Idempotency-Key 已用于内容不同的请求")  # fmt: skip
TWIN = Kind(9, "twin-running", 409, "The same request is still being worked on", "相同请求正在处理中，请稍后查询", retryable=True)  # fmt: skip
BUSY = Kind(10, "busy", 503, "No room at the moment; ask again with the same key", "系统繁忙，请使用同一键稍后重试", retryable=True)  # fmt: skip
BROKEN = Kind(11, "internal-error", 500, "The request could not be worked on; ask again with the same key", "系统未能处理该请求，请使用同一键重试", retryable=True)  # fmt: skip
WRONG_MEDIA = Kind(12, "not-json", 415, "The body is not application/json", "请求体不是 application/json")  # fmt: skip
BAD_CREDENTIAL = Kind(13, "credential-not-valid", 401, "The client id and the secret do not belong together", "客户端编号与密钥不符")  # fmt: skip
HEADERS_TOO_LARGE = Kind(14, "headers-too-large", 431, "The request's headers are too large", "请求头过大")  # fmt: skip

PLUMBING_KINDS = (
    MALFORMED, KEY_MISSING, NO_TOKEN, FORBIDDEN, NOT_FOUND, NO_METHOD, TOO_LARGE, OTHER_BODY, TWIN,
    BUSY, BROKEN, WRONG_MEDIA, BAD_CREDENTIAL,
    HEADERS_TOO_LARGE,
)  # fmt: skip
