"""A house with a small demo: its first start is killed while the demo is being made, the second
makes it anew, the third finds it; that one runs while the tests look at it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.ports import free_port
from tests.support.source import ROOT

BIRTHS = 120
START_SECONDS_MAX = 240


@dataclass
class House:
    """A folder in which `deploy.local run` was started three times; `said` is each one's output."""

    folder: Path
    said: list[str]

    @property
    def record(self) -> dict[str, Any]:
        """run.json."""
        read: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return read

    def planted(self) -> list[dict[str, str]]:
        """What the making says it planted."""
        lines = (self.folder / "planted.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    async def column(self, service: str, statement: str) -> list[Any]:
        """The first column of what a service's database answers."""
        connection = await asyncpg.connect(self.record["databases"][service])
        try:
            return [row[0] for row in await connection.fetch(statement)]
        finally:
            await connection.close()


class Start:
    """One start, as `make run` does it."""

    def __init__(self, folder: Path, number: int, seed: str) -> None:
        self.log = folder.with_name(f"start-{number}.log")
        settings = {"DATA_DIR": str(folder), "PORT": str(free_port()), "SEED": seed}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "run"],
                cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log,
            )  # fmt: skip

    def wait_until_said(self, pattern: str) -> str:
        """All that it said until then."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not re.search(pattern, said := self.log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        return said

    def end(self, number: signal.Signals) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("demo") / "data"
    made = House(folder, [])
    endings = (
        # Too many to be made before the first word of how far it is.
        (2000, "months booked|stays made|settled", signal.SIGKILL),
        (BIRTHS, "Ctrl-C", signal.SIGTERM),
        (BIRTHS, "Ctrl-C", None),
    )
    for number, (births, pattern, ending) in enumerate(endings):
        start = Start(folder, number, str(births))
        try:
            made.said.append(start.wait_until_said(pattern))
            if ending is None:
                yield made
        finally:
            start.end(ending or signal.SIGTERM)
