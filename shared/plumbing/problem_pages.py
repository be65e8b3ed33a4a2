"""A refusal's own page: what its `type` resolves to, in both languages, for whoever follows it."""

from __future__ import annotations

from html import escape

from shared.plumbing.problems import Kind

_PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>{code}</title></head>
<body><h1>{code}</h1>
<p lang="zh">{title_zh}</p>
<p lang="en">{title}</p>
<p lang="zh">HTTP {status}。{again_zh}</p>
<p lang="en">HTTP {status}. {again}</p>
</body></html>
"""


def problem_page(kind: Kind) -> str:
    """The page as HTML."""
    return _PAGE.format(
        code=escape(kind.code),
        title=escape(kind.title),
        title_zh=escape(kind.title_zh),
        status=kind.status,
        again="The same request may succeed later." if kind.retryable
        else "Sent again unchanged, the same request is refused again.",
        again_zh="可稍后原样重试。" if kind.retryable else "原样重发仍会被拒绝。",
    )  # fmt: skip
