"""SIGINT and SIGTERM end a program in order, also where SIGINT was inherited as ignored."""

from __future__ import annotations

import signal
from types import FrameType


def end_on_signals() -> None:
    """From here on the first SIGINT or SIGTERM raises SystemExit; later ones are ignored.

    So `with` blocks close what they opened. A shell starts background jobs with SIGINT ignored,
    and Python then installs no handler of its own.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(0)
