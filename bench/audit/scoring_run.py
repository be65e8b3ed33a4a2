"""Scoring a folder of claims by the very command that users run, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotScored(Exception):
    """The command failed, or did not write what it must."""


@dataclass(frozen=True)
class Scored:
    out: Path
    seconds: float
    series_seconds: float
    """Until the months of hospitals were written; what is left went to the claims."""
    memory_mb: float
    """The most that the process held."""
    cpu_seconds: float

    @property
    def series(self) -> Path:
        return self.out / "series_flags.csv"

    @property
    def claims(self) -> Path | None:
        """The flags of claims, where any were written."""
        path = self.out / "claim_flags.csv"
        return path if path.exists() else None


def score(claims: Path, out: Path, *options: str) -> Scored:
    """Run `python -m services.audit score`. Raises NotScored."""
    command = [sys.executable, "-m", "services.audit", "score", str(claims), "--out", str(out)]
    command += options
    begun, begun_at = time.monotonic(), time.time()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begun
    if process.returncode or not (out / "series_flags.csv").exists():
        raise NotScored(f"ended with {process.returncode}: {said[-2000:]}")
    series_seconds = (out / "series_flags.csv").stat().st_mtime - begun_at
    cpu = used.ru_utime + used.ru_stime
    return Scored(out, seconds, series_seconds, used.ru_maxrss / 1024, cpu)


def bare_reading(claims: Path) -> float:
    """CPU seconds of a process that only counts the rows of a file: where any scoring begins."""
    count = "import duckdb, sys; duckdb.read_csv(sys.argv[1]).aggregate('count(*)').fetchall()"
    with subprocess.Popen([sys.executable, "-c", count, str(claims)]) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise NotScored(f"{claims} cannot be read")
    return used.ru_utime + used.ru_stime
