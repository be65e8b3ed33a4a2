"""An employer (参保单位), as its pool's agency knows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EmployerKind(StrEnum):
    """How an employer is financed; some pools' rates and allowances depend on it."""

    ENTERPRISE = "enterprise"
    PUBLIC_INSTITUTION = "public_institution"
    SELF_FINANCED = "self_financed"


@dataclass(frozen=True, slots=True)
class Employer:
    """An employer under the agency's own number."""

    pool_code: str
    employer_ref: str
    name: str
    county_code: str
    kind: EmployerKind
