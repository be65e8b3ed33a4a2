"""How the operator's commands speak to a broker that they did not start."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aiokafka.errors import KafkaConnectionError, KafkaError

from shared.plumbing.bus.kafka import Brokers
from shared.plumbing.tls import trusting


def brokers_at(bootstrap: str) -> Brokers:
    """The brokers at an address: by TLS where KAFKA_AUTHORITIES names the PEM file of who certifies
    them."""
    file = os.environ.get("KAFKA_AUTHORITIES", "")
    return Brokers(bootstrap, partial(trusting, Path(file)) if file else None)


@contextmanager
def asking_brokers(bootstrap: str, named: str) -> Iterator[None]:
    """Ask brokers within the block; where they cannot be asked the process ends in words, by 1.
    `named` is where their address is set."""
    try:
        yield
    except (KafkaError, OSError, ValueError) as error:  # the last of a port that is none
        if isinstance(error, OSError) and error.filename is not None:
            raise SystemExit(f"{error.filename} cannot be read ({type(error).__name__})") from None
        raise SystemExit(f"broker at {bootstrap}: {_why(error, named)}") from None


def _why(error: Exception, named: str) -> str:
    kind = type(error).__name__
    if isinstance(error, ssl.SSLError):
        return f"TLS with it fails ({kind}); docs/operations.md tells of KAFKA_AUTHORITIES"
    if isinstance(error, (TimeoutError, OSError, KafkaConnectionError, ValueError)):
        return f"nobody answers there ({kind}); start it, or mend {named}"
    return f"it refuses ({kind}: {error}); its log says more"
