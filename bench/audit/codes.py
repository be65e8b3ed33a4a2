"""The diagnosis and procedure codes that a claim shows."""

from __future__ import annotations

import numpy as np

from bench.audit.claims import Claims
from bench.audit.world import Array, P

_PRINCIPAL = {
    "V": ("O80.000", "O80.000", "O80.100", "O70.000", "O70.100", "O69.100"),
    "C": ("O34.201", "O82.000", "O64.100", "O33.900", "O68.000", "O36.300"),
    "A": ("O47.000", "O20.000", "O21.000", "O24.400", "O60.000", "O14.000"),
    "P": ("Z34.900", "Z34.000", "Z34.800", "Z35.900", "Z34.900", "Z34.900"),
    "F": ("O04.900", "Z30.100", "Z30.500", "O04.900", "O02.100", "Z30.200"),
}
_BESIDE = {
    1: ("", "", "", "O99.000", "", ""),
    2: ("O42.000", "O24.400", "O14.000", "O99.000", "O42.900", "O26.600"),
    3: ("O14.100", "O72.100", "O44.100", "O45.900", "O24.400;O14.000", "O72.100;O99.000"),
    4: ("O72.100;D65.x00", "O15.000", "O88.100", "O71.100;R57.100", "O14.100;O72.100", "O75.100"),
}
_DONE = {
    "V": ("73.5900", "73.5900", "73.6x01", "73.5900", "73.5900", "72.7100"),
    "C": ("74.1x01", "74.1x02", "74.1x01", "74.1x01", "74.1x02", "74.1x01"),
    "A": ("75.3400", "", "", "75.3400", "75.3400", ""),
    "P": ("", "", "75.3400", "", "", ""),
    "F": ("69.5101", "69.7x00", "97.7100", "69.5101", "69.5102", "66.3200"),
}
_OF_MEN = ("Z30.200", "63.7300")
_CASES = "VCAPF"


def diagnoses(some: Claims) -> Array:
    """ICD-10 codes, the principal first, then that of the child's birth, then complications."""
    known = np.array(
        [
            ";".join(
                code
                for code in (
                    _PRINCIPAL[case][variant],
                    "Z37.000" if case in "VC" else "",
                    _BESIDE[severity][variant] if case in "VCA" else "",
                )
                if code
            )
            for case in _CASES
            for severity in range(1, 5)
            for variant in range(6)
        ]
    )
    codes: Array = known[some.case * 24 + (some.severity - 1) * 6 + some.variant]
    return np.where(_of_a_man(some), _OF_MEN[0], codes)


def procedures(some: Claims) -> Array:
    """ICD-9-CM-3 codes of what was done, as coded."""
    known = np.array([_DONE[case][variant] for case in _CASES for variant in range(6)])
    codes: Array = known[some.case * 6 + some.variant]
    return np.where(_of_a_man(some), _OF_MEN[1], codes)


def _of_a_man(some: Claims) -> Array:
    """A man's own surgery is lawful; a man's birth keeps the codes that contradict him."""
    lawful: Array = some.male & (some.case > P)
    return lawful
