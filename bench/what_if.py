"""P11: how long a what-if over stored claims takes, from the command's start to its last line."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

from bench.figure import Void, say
from bench.stage import Stage, staged
from bench.stays import lay
from bench.stored import lay_settled

CLAIMS = 1_000_000
_GENUINE = 10
_REQUIRED_SECONDS = 60


def measure(_: set[str]) -> None:
    """Print P11. Raises Void when a claim was missed."""
    with staged() as stage:
        stage.up()
        fresh = asyncio.run(lay(stage.laying_dsn, _GENUINE, lines=1))
        if stage.settle(fresh, 5, connections=1).done != _GENUINE:
            raise Void("the genuine claims were not settled")
        asyncio.run(lay_settled(stage.laying_dsn, CLAIMS - _GENUINE))
        stage.down()
        seconds, total = _repriced(stage)
    if (total["claims"], total["changed"], total["refused"]) != (CLAIMS, 0, 0):
        raise Void(f"not what is stored: {total}")
    say(
        "P11", seconds, "s", required=_REQUIRED_SECONDS, runs=1, claims=CLAIMS,
        laid="settled claims in bulk, one line a stay",
    )  # fmt: skip


def _repriced(stage: Stage) -> tuple[float, dict[str, int]]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "services.settlement", "reprice", "--since", "2010-01-01",
         "--until", "2099-12-31"],
        env=os.environ | stage.site.environment("settlement"), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    seconds = time.monotonic() - began
    return seconds, json.loads(done.stdout.splitlines()[-1])
