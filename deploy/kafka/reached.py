"""How the operator's commands speak to a broker that they did not start."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from shared.plumbing.bus.kafka import Brokers
from shared.plumbing.tls import trusting


def brokers_at(bootstrap: str) -> Brokers:
    """The brokers at an address: by TLS where KAFKA_AUTHORITIES names the PEM file of who certifies
    them."""
    file = os.environ.get("KAFKA_AUTHORITIES", "")
    return Brokers(bootstrap, partial(trusting, Path(file)) if file else None)
