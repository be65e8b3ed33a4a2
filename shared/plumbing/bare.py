"""What bare ASGI routes share: headers as the framework reads them, and answers in JSON."""

from __future__ import annotations

from starlette.types import Scope, Send


def header(scope: Scope, name: bytes) -> str:
    """The first header of that name, "" where there is none."""
    return next((str(v.decode("latin-1")) for n, v in scope["headers"] if n == name), "")


async def answer_json(send: Send, status: int, body: bytes) -> None:
    """Answer JSON."""
    length = str(len(body)).encode()
    headers = [(b"content-length", length), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
