"""Calls of a HIS whose time is none, or signed by another algorithm (HDR-025 to 029)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from services.settlement.domain.his_profile import Scheme
from services.settlement.nhsa.signatures import Signed, verify
from shared.plumbing.problems import Problem
from tests.settlement.test_gateway_reading import NOW, _call

OWN_SCHEMES = (Scheme.SIGNED_BODY, Scheme.SIGNED_BODY_SM2)
SIGNED = [scheme for scheme in Scheme if scheme is not Scheme.PRIVATE_LINE]


def number(scheme: Scheme, part: str, value: str) -> int:
    """What a call hears of which one header is replaced."""
    profile, call = _call(scheme, NOW)
    (name,) = [name for name in call.headers if name.endswith(part)]
    changed = Signed({**call.headers, name: value}, call.path, call.body, call.client)
    with pytest.raises(Problem) as refused:
        verify(profile, changed, NOW)
    assert refused.value.kind.status == 401
    return refused.value.kind.number


@pytest.mark.parametrize("scheme", SIGNED)
@pytest.mark.parametrize(
    "value",
    ["0", "nan", "NaN", "-1", "inf", "1e9", "１７０００００００００００", "9" * 40, " 1700000000"],
)
def test_a_time_that_is_none_is_never_within_the_window(scheme: Scheme, value: str) -> None:
    assert number(scheme, "timestamp", value) == 5002


@pytest.mark.parametrize("scheme", SIGNED)
@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
def test_a_signature_by_another_algorithm_is_none(scheme: Scheme, digest: str) -> None:
    _, call = _call(scheme, NOW)
    made = hashlib.new(digest, call.body).hexdigest()
    assert number(scheme, "signature", made) in (5003, 5004)


@pytest.mark.parametrize("scheme", SIGNED)
def test_a_true_time_beyond_the_window_is_refused_either_way(scheme: Scheme) -> None:
    """Our own schemes have a window of five minutes, csb and x_tif half an hour."""
    least = 6 if scheme in OWN_SCHEMES else 31
    for minutes in (-least, least):
        profile, call = _call(scheme, NOW + timedelta(minutes=minutes))
        with pytest.raises(Problem) as refused:
            verify(profile, call, NOW)
        assert refused.value.kind.number == 5002
