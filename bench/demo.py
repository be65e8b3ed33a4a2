"""demo: how long `make run` makes the full demo at its first start, and how long that start takes
from the command to ready, which it is when all that was made is heard too; then every invariant is
asked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg

from bench.figure import Void, say
from bench.starting import SAID, WORK, started
from deploy.local.demo.seeding import FULL_BIRTHS
from deploy.local.embedded import READY_SECONDS_MAX, SEED_SECONDS_MAX

SETTLEMENTS = 20_000
SECONDS_MAX = 60
_START_SECONDS_MAX = 60  # of PostgreSQL and the migrations, before the house counts for itself
_FULL = ""
"""What SEED is where nobody says anything."""
_MADE = re.compile(r"^the demo was made in ([0-9]+) s;", re.M)
_COUNT = "select count(*) from settlement where reverses is null"


def measure(_: set[str]) -> None:
    """Print the seconds. Raises Void for too few settlements, and for a finding of verify."""
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=WORK) as made:
        folder = Path(made).resolve()
        waiting = _START_SECONDS_MAX + READY_SECONDS_MAX + SEED_SECONDS_MAX
        with started(folder, _FULL, waiting) as seconds:
            record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            settlements = asyncio.run(_settlements(record["databases"]["settlement"]))
            findings = _findings(folder)
        said = _MADE.search((folder / SAID).read_text(encoding="utf-8"))
    if said is None:
        raise Void("it does not say how long the demo was made")
    if settlements < SETTLEMENTS:
        raise Void(f"{settlements} settlements are no full demo, in {seconds:.0f} s")
    if findings:
        raise Void(f"verify found, after {seconds:.0f} s: {'; '.join(findings)}")
    say(
        "demo", int(said[1]), "s", required=SECONDS_MAX, ready_s=round(seconds, 1),
        births=FULL_BIRTHS, settlements=settlements, findings=len(findings),
    )  # fmt: skip


async def _settlements(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        count: int = await connection.fetchval(_COUNT)
        return count
    finally:
        await connection.close()


def _findings(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.verify"],
        env=os.environ | {"DATA_DIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    findings = [line for line in done.stdout.splitlines() if " FAIL:" in line]
    if done.returncode and not findings:  # it could not ask at all
        raise Void(f"verify ended with {done.returncode}: {done.stderr.strip()}")
    return findings
