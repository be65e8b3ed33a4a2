"""The walk, on three services in this process."""

from __future__ import annotations

from pathlib import Path

from tests.contracts.rest.calls import Call, Recorder
from tests.contracts.rest.walk import walk
from tests.support.agency import agency
from tests.support.postgres import ServiceDatabases


async def recorded(databases: ServiceDatabases, folder: Path) -> list[Call]:
    """Every call of the walk, each held against the description already."""
    async with agency(databases, folder, None) as whole:
        recorder = Recorder({name: here.app.openapi() for name, here in whole.services.items()})
        try:
            await walk(whole, recorder)
        finally:
            await whole.close()
    return recorder.calls
