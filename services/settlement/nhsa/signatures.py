"""How a call shows who calls: the schemes of the provinces, and one of ours that signs the body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import gmalg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from services.settlement.domain.his_profile import HisProfile, Scheme
from services.settlement.nhsa.refusals import (
    HEADERS_MISSING,
    KEY_UNKNOWN,
    SIGNATURE_WRONG,
    TIME_OUTSIDE,
)
from shared.plumbing.problems import Problem

_WINDOW = timedelta(minutes=30)
"""How far a call's own time may be from ours, either way, as the provinces have it."""
OWN_WINDOW = timedelta(minutes=5)
"""The same where the scheme is ours: its nonces need not be kept for longer than twice that."""
_SECONDS_DIGITS, _MILLISECONDS_DIGITS = 10, 13
_SM2_SIGNATURE = re.compile(r"[0-9a-f]{128}", re.ASCII)
_SM2_IDENTITY = b"1234567812345678"
_NONCE = re.compile(r"[\x21-\x7e]{16,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature may cover: the call as it came in."""

    headers: Mapping[str, str]
    path: str
    body: bytes
    client: str


def verify(profile: HisProfile, call: Signed, now: datetime) -> str:
    """Hold a call against its institution's profile; returns the nonce that is good once, "" where
    the scheme has none. Raises Problem of 401."""
    if profile.networks:
        _from_network(profile, call)
    return _SCHEMES[profile.scheme](profile, call, now)


def csb_signature(secret: str, headers: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA1 over `k=v&k=v` of the four headers in the order of their names."""
    text = "&".join(f"{name}={headers[name]}" for name in _CSB_SIGNED)
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), "sha1").digest()).decode()


def x_tif_signature(secret: str, timestamp: str, nonce: str) -> str:
    """Lower-case hex of SHA-256 over timestamp, secret, nonce and timestamp again."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def signed_text(path: str, body: bytes, timestamp: str, nonce: str) -> bytes:
    """What our own schemes sign: POST, the path, SM3 of the body, timestamp and nonce, each on a
    line."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(body)
    return "\n".join(("POST", path, digest.finalize().hex(), timestamp, nonce)).encode()


def body_signature(secret: str, path: str, body: bytes, timestamp: str, nonce: str) -> str:
    """Lower-case hex of HMAC-SM3 over the signed text."""
    keyed = HMAC(secret.encode(), hashes.SM3())
    keyed.update(signed_text(path, body, timestamp, nonce))
    return keyed.finalize().hex()


def is_sm2_signature(public_key: str, text: bytes, signature: str) -> bool:
    """Whether r and s (64 hexadecimal digits each) sign a text by SM2 with SM3 and the standard's
    usual identity (GB/T 35276), under a public key's x and y."""
    if not _SM2_SIGNATURE.fullmatch(signature):
        return False
    r, s = bytes.fromhex(signature[:64]), bytes.fromhex(signature[64:])
    key = bytes.fromhex("04" + public_key)
    try:
        return bool(gmalg.SM2(uid=_SM2_IDENTITY, pk=key).verify(text, r, s))
    except (gmalg.errors.GMError, ValueError):  # a point that is not on the curve, or no number
        return False


_CSB_SIGNED = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")


def _csb(digits: int) -> Callable[[HisProfile, Signed, datetime], str]:
    def check(profile: HisProfile, call: Signed, now: datetime) -> str:
        given = _demanded(call, (*_CSB_SIGNED, "_api_signature"))
        _in_time(given["_api_timestamp"], digits, now)
        _same_key(profile, given["_api_access_key"])
        _same(csb_signature(profile.secret, given), given["_api_signature"])
        return ""

    return check


def _x_tif(profile: HisProfile, call: Signed, now: datetime) -> str:
    given = _demanded(call, ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature"))
    timestamp, nonce = given["x-tif-timestamp"], given["x-tif-nonce"]
    _in_time(timestamp, _SECONDS_DIGITS, now)
    _same_key(profile, given["x-tif-paasid"])
    _same(x_tif_signature(profile.secret, timestamp, nonce), given["x-tif-signature"].lower())
    # Its clients send the same headers again when they try again: the nonce cannot be good once.
    return ""


def _signed_body(profile: HisProfile, call: Signed, now: datetime) -> str:
    given = _of_ours(profile, call, now)
    timestamp, nonce = given["x-his-timestamp"], given["x-his-nonce"]
    made = body_signature(profile.secret, call.path, call.body, timestamp, nonce)
    _same(made, given["x-his-signature"].lower())
    return nonce


def _signed_body_sm2(profile: HisProfile, call: Signed, now: datetime) -> str:
    given = _of_ours(profile, call, now)
    nonce = given["x-his-nonce"]
    text = signed_text(call.path, call.body, given["x-his-timestamp"], nonce)
    if not is_sm2_signature(profile.secret, text, given["x-his-signature"].lower()):
        raise Problem(SIGNATURE_WRONG)
    return nonce


def _of_ours(profile: HisProfile, call: Signed, now: datetime) -> dict[str, str]:
    """The headers of our own schemes, in time and of this key."""
    names = ("x-his-key", "x-his-timestamp", "x-his-nonce", "x-his-signature")
    given = _demanded(call, names)
    _in_time(given["x-his-timestamp"], _MILLISECONDS_DIGITS, now, OWN_WINDOW)
    _same_key(profile, given["x-his-key"])
    if not _NONCE.fullmatch(given["x-his-nonce"]):
        raise Problem(HEADERS_MISSING)
    return given


def _private_line(profile: HisProfile, _: Signed, __: datetime) -> str:
    if not profile.networks:
        raise Problem(KEY_UNKNOWN)
    return ""  # the network that the call comes from was looked at before


def _from_network(profile: HisProfile, call: Signed) -> None:
    try:
        client = ipaddress.ip_address(call.client)
    except ValueError:
        raise Problem(KEY_UNKNOWN) from None
    if not any(client in ipaddress.ip_network(network) for network in profile.networks):
        raise Problem(KEY_UNKNOWN)


_SCHEMES: Mapping[Scheme, Callable[[HisProfile, Signed, datetime], str]] = {
    Scheme.CSB_MS: _csb(_MILLISECONDS_DIGITS),
    Scheme.CSB_S: _csb(_SECONDS_DIGITS),
    Scheme.X_TIF: _x_tif,
    Scheme.SIGNED_BODY: _signed_body,
    Scheme.SIGNED_BODY_SM2: _signed_body_sm2,
    Scheme.PRIVATE_LINE: _private_line,
}


def _demanded(call: Signed, names: tuple[str, ...]) -> dict[str, str]:
    given = {name: call.headers.get(name, "") for name in names}
    if not all(given.values()):
        raise Problem(HEADERS_MISSING)
    return given


def _in_time(timestamp: str, digits: int, now: datetime, window: timedelta = _WINDOW) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) == digits):
        raise Problem(TIME_OUTSIDE)
    per_second = 10 ** (digits - _SECONDS_DIGITS)
    said = datetime.fromtimestamp(int(timestamp) // per_second, UTC)
    if abs(now - said) > window:
        raise Problem(TIME_OUTSIDE)


def _same_key(profile: HisProfile, access_key: str) -> None:
    if not hmac.compare_digest(profile.access_key.encode(), access_key.encode()):
        raise Problem(KEY_UNKNOWN)


def _same(made: str, given: str) -> None:
    if not hmac.compare_digest(made.encode(), given.encode()):
        raise Problem(SIGNATURE_WRONG)
