"""`python -m tests.contracts.rest` walks all calls and freezes what was asked and answered."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path

from deploy.local.postgres import Postgres
from tests.contracts.rest.calls import FOLDER
from tests.contracts.rest.recording import recorded
from tests.support.agency import SERVICES
from tests.support.postgres import ServiceDatabases


def main() -> None:
    """Write every file anew; one whose call is gone goes too."""
    for service in SERVICES:
        for old in (FOLDER / service).glob("*.json"):
            old.unlink()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Postgres(folder / "postgres") as cluster:
            databases = ServiceDatabases(cluster, itertools.count(1))
            calls = asyncio.run(recorded(databases, folder))
    for call in calls:
        call.file.write_text(call.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
