"""`/{service}/docs`: the calls to read and try out; every byte comes from this machine.

Hospitals sit in a closed network: a page that loads its scripts from elsewhere stays blank there.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

_OURS = Path(__file__).parent / "docs"
_SWAGGER = Path(str(files("fastapi_offline"))) / "static"
_FILES = {
    "try.js": _OURS / "try.js",
    "swagger-ui-bundle.js": _SWAGGER / "swagger-ui-bundle.js",
    "swagger-ui.css": _SWAGGER / "swagger-ui.css",
}


def add_docs(app: FastAPI, service: str) -> None:
    """Add the page and the files that it loads."""

    @app.get(f"/{service}/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(_OURS / "page.html", media_type="text/html")

    @app.get(f"/{service}/docs/{{file}}", include_in_schema=False)
    async def docs_file(file: str) -> FileResponse:
        if file not in _FILES:
            raise HTTPException(404)
        return FileResponse(_FILES[file])
