"""`/console`: the reviewers' plain page and the files that it loads; every byte comes from here.

It holds nothing by itself: what it shows it asks of this service's own calls, with the token of who
signed in, which the page keeps in memory alone.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

_HERE = Path(__file__).parent
_FILES = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "chart.js": "text/javascript",
    "words.js": "text/javascript",
}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def add_console(app: FastAPI) -> None:
    """Add the page and the files that it loads."""
    app.add_route("/console", _page)
    app.add_route("/console/", _page)
    app.add_route("/console/{file}", _file)


async def _page(_: Request) -> Response:
    return FileResponse(_HERE / "page.html", media_type="text/html", headers=_HEADERS)


async def _file(request: Request) -> Response:
    name = request.path_params["file"]
    if name not in _FILES:
        raise HTTPException(404)
    return FileResponse(_HERE / name, media_type=_FILES[name], headers=_HEADERS)
