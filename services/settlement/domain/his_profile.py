"""How an institution's HIS speaks the national interface, where hospitals differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

from shared.policy.shapes import Benefit


class MotherState(StrEnum):
    """What a matn_stas says of her."""

    UNKNOWN = "unknown"
    NEITHER = "neither"
    PLANNING = "planning"
    PREGNANT = "pregnant"
    NURSING = "nursing"


NATIONAL_MATN_STAS: Mapping[str, MotherState] = {
    str(code): state for code, state in enumerate(MotherState)
}
"""The codes of the specification, in its order."""

NATIONAL_ELSEWHERE = frozenset({"1"})


class Scheme(StrEnum):
    """How a call shows who calls.

    `csb_ms` and `csb_s` sign four headers, with the time in milliseconds or in seconds; `x_tif` a
    time and a nonce: neither signs the body. `signed_body` is ours, by a shared secret, and
    `signed_body_sm2` the same by a key pair: what is agreed on is the public key. On a private line
    nothing is signed: the network that the call comes from stands for the institution.
    """

    CSB_MS = "csb_ms"
    CSB_S = "csb_s"
    X_TIF = "x_tif"
    SIGNED_BODY = "signed_body"
    SIGNED_BODY_SM2 = "signed_body_sm2"
    PRIVATE_LINE = "private_line"


@dataclass(frozen=True, slots=True)
class HisProfile:
    """What an institution and the agency agreed on.

    Where `networks` are named, calls come from them alone. `refused_as` is the infcode of a
    refusal; `infcode_text` writes infcodes as strings. `med_types` say which benefit a med_type
    claims; `insurance_types` are accepted, and echoed. `demanded` names fields, as node.code by
    transaction, that this institution has to fill beyond those that every one has to. `matn_stas`
    says what its codes of a mother's state mean, `elsewhere` which out_setl_flags stand for a case
    that another area settles.
    """

    pool_code: str
    institution_code: str
    scheme: Scheme
    access_key: str
    secret: str
    networks: tuple[str, ...]
    infcode_text: bool
    refused_as: int
    med_types: Mapping[str, Benefit]
    insurance_types: frozenset[str]
    demanded: Mapping[str, tuple[str, ...]]
    matn_stas: Mapping[str, MotherState] = field(default_factory=lambda: NATIONAL_MATN_STAS)
    elsewhere: frozenset[str] = NATIONAL_ELSEWHERE

    def line_meets(self, others: Iterable[str]) -> bool:
        """Whether a private line shares an address with `others`, the networks of other lines: who
        calls from there could speak as either. A signature tells callers of one network apart."""
        if self.scheme is not Scheme.PRIVATE_LINE:
            return False
        own = [ip_network(text, strict=False) for text in self.networks]
        return any(_meet(one, ip_network(text, strict=False)) for one in own for text in others)


def _meet(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)
