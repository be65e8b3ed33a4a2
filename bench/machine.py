"""What processes used of this machine's CPU, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU of one process, all threads, and of its children that ended."""
    fields = _stat(pid)
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS


def tree_cpu_seconds(pid: int) -> float:
    """CPU of a process and its living and ended children: a PostgreSQL with all its sessions."""
    return cpu_seconds(pid) + sum(_cpu_or_nothing(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text().split()]


def _cpu_or_nothing(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except OSError:  # it ended meanwhile: its parent's figure holds it now
        return 0.0


def _stat(pid: int) -> list[str]:
    # The name in parentheses may hold blanks; the fields after it never do.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
