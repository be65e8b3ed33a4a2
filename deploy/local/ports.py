"""Ports of this machine that are free for a server of ours."""

from __future__ import annotations

import contextlib
import secrets
import socket

_GIVEN: set[int] = set()
"""What this process was told once: whoever was may not have bound it yet."""


def free_port() -> int:
    """A loopback port that nobody listens on at this moment.

    It lies below those that the system gives to outgoing connections (32768 and above by default):
    one of them would be taken by any client before a slow server comes to bind it.
    """
    while True:
        port = 10_240 + secrets.randbelow(32_768 - 10_240)
        if port not in _GIVEN and is_free(port):
            _GIVEN.add(port)
            return port


def is_free(port: int) -> bool:
    """Whether a server of ours could bind a loopback port now."""
    with socket.socket() as probe:
        # As the server itself does: connections that were closed just now are nobody's.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
