"""`/{service}/docs`: the calls to read and try out; every byte comes from this machine.

Hospitals sit in a closed network: a page that loads its scripts from elsewhere stays blank there.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

_OURS = Path(__file__).parent / "docs"
_SWAGGER = Path(str(files("fastapi_offline"))) / "static"
_FILES = {
    "try.js": _OURS / "try.js",
    "swagger-ui-bundle.js": _SWAGGER / "swagger-ui-bundle.js",
    "swagger-ui.css": _SWAGGER / "swagger-ui.css",
}


def add_docs(app: FastAPI, service: str) -> None:
    """Add the page and the files that it loads."""
    app.add_route(f"/{service}/docs", _page)
    app.add_route(f"/{service}/docs/{{file}}", _file)


async def _page(_: Request) -> Response:
    return FileResponse(_OURS / "page.html", media_type="text/html")


async def _file(request: Request) -> Response:
    found = _FILES.get(request.path_params["file"])
    if found is None:
        raise HTTPException(404)
    return FileResponse(found)
