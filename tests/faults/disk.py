"""A small file system of its own, and what fills it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

DISK_MB = 320


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system in memory, for the block; skips where this machine mounts none for us."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0:
        pytest.skip("a small disk: only root may mount one")
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def empty(place: Path) -> None:
    """Take away what filled it."""
    for file in place.glob("filler*"):
        file.unlink()


def fill(file: Path) -> None:
    """Write until there is no room."""
    with file.open("wb", buffering=0) as full:
        with contextlib.suppress(OSError):
            while True:
                full.write(b"\0" * (1 << 20))
        with contextlib.suppress(OSError):
            while True:
                full.write(b"\0" * 4096)
