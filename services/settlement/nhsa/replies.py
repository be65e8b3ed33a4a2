"""Answers in the interface's envelope. Amounts are JSON numbers with two places, never floats."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from services.settlement.domain.his_profile import HisProfile
from services.settlement.nhsa.refusals import err_msg
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.clock import TIME_ZONE
from shared.plumbing.problems import Problem

_SERIAL = 10**10
_FAULT = -1
"""infcode of what failed in the system; some hospitals' systems undo by 2601 what it answers."""
_OURS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def plain(value: Any) -> Any:
    """What the JSON writer does not know: money and decimals as numbers, moments as the interface
    writes them."""
    match value:
        case Money():
            return orjson.Fragment(value.to_wire())
        case Decimal():
            return orjson.Fragment(f"{value:f}")
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
    raise TypeError(type(value).__name__)


def moment(instant: datetime) -> str:
    """yyyy-MM-dd HH:mm:ss, in the agency's time."""
    return f"{instant.astimezone(TIME_ZONE):%Y-%m-%d %H:%M:%S}"


def reply_bytes(
    output: Any, profile: HisProfile, area: str, came: datetime, now: datetime
) -> bytes:
    """An answer of what was done."""
    return _enveloped(0, "", output, profile, area, came, now)


def refusal_bytes(
    problem: Problem, profile: HisProfile | None, area: str, came: datetime, now: datetime
) -> bytes:
    """A refusal: infcode, and what the desk reads. What may succeed later is a fault of the system,
    whatever the profile says of refusals."""
    refused_as = profile.refused_as if profile else _FAULT
    infcode = _FAULT if problem.kind.retryable else refused_as
    return _enveloped(infcode, err_msg(problem), {}, profile, area, came, now)


def _enveloped(
    infcode: int, told: str, output: Any, profile: HisProfile | None, area: str, came: datetime,
    now: datetime,
) -> bytes:  # fmt: skip
    written = str(infcode) if profile is not None and profile.infcode_text else infcode
    body = {
        "infcode": written,
        "inf_refmsgid": f"{area}{now.astimezone(TIME_ZONE):%Y%m%d%H%M%S}{_serial()}",
        "refmsg_time": _stamp(came),
        "respond_time": _stamp(now),
        "err_msg": told,
        "output": output,
    }
    return orjson.dumps(body, default=plain, option=_OURS)


def _serial() -> str:
    return f"{new_id().int % _SERIAL:010d}"


def _stamp(instant: datetime) -> str:
    local = instant.astimezone(TIME_ZONE)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


NAMED = ("psn_name", "certno")
"""What names a person: the caller's own words, given back to the caller and never stored."""


def with_names(stored: bytes, names: dict[str, str]) -> bytes:
    """An answer with the person's name and number as this call itself gave them.

    Answers are kept without; the same call gives the same ones again.
    """
    for key in NAMED:
        empty = f'"{key}":""'.encode()
        stored = stored.replace(empty, f'"{key}":'.encode() + orjson.dumps(names.get(key, "")), 1)
    return stored
