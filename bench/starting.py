"""P16: the embedded house started a second time, from the command to ready."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.figure import Void, say, spread
from deploy.local.ports import free_port

STARTS = 5
_READY_SECONDS_MAX = 300
_STOP_SECONDS_MAX = 60
WORK = Path(".cache")
SAID = "said.txt"


def measure(_: set[str]) -> None:
    """Print P16: the first start makes the data, and is said beside. Raises Void."""
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="start-", dir=WORK) as folder:
        first, *again = [_start(Path(folder).resolve()) for _ in range(STARTS + 1)]
    say(
        "P16", statistics.median(again), "s", spread=spread(again), required=10,
        first_start_s=round(first, 1),
    )  # fmt: skip


def _start(folder: Path) -> float:
    with started(folder, "none", _READY_SECONDS_MAX) as seconds:
        return seconds


@contextmanager
def started(folder: Path, seed: str, seconds_max: int) -> Iterator[float]:
    """`make run` in a folder for a block; gives the seconds from command to ready. What it says
    lies there as `SAID`. Raises Void."""
    port = free_port()
    environment = os.environ | {"PORT": str(port), "DATA_DIR": str(folder), "SEED": seed}
    before = time.monotonic()
    with (folder / SAID).open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "run"],
            env=environment, stdin=subprocess.DEVNULL, stdout=said,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}/settlement/readyz"
        while not _ready(address):
            if process.poll() is not None or time.monotonic() - before > seconds_max:
                raise Void("the house did not become ready")
            time.sleep(0.02)
        yield time.monotonic() - before
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS_MAX)


def _ready(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
