"""Envelopes of the gateway and their inputs, as a test writes them."""

from __future__ import annotations

import json
from typing import Any

from services.settlement.nhsa.envelope import Envelope, read_envelope
from services.settlement.nhsa.reading import Input, read_input
from services.settlement.nhsa.tables import transactions

HEAD = {"infno": "2305", "msgid": "H1202403280001", "fixmedins_code": "H1"}
UNDO = {"setl_id": "s", "mdtrt_id": "m", "psn_no": "p"}


def envelope_of(**changes: Any) -> Envelope:
    """A good envelope but for these changes."""
    return read_envelope(json.dumps(HEAD | {"input": {"data": UNDO}} | changes).encode(), "")


def input_of(infno: str, given: dict[str, Any], *demanded: str) -> Input:
    """What a transaction reads of an input."""
    body = json.dumps(HEAD | {"infno": infno, "input": given}).encode()
    return read_input(read_envelope(body, "").input, transactions()[infno], demanded)
