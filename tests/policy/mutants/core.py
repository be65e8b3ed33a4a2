"""Which files are the core, and which of their mutants are known to change nothing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_DOMAIN = [
    "pricing", "entitlement", "cash", "allowance", "leave", "exclusion", "checks", "treatment",
    "standard", "methods", "shares", "cost", "owed", "loss", "surgery", "parts", "prenatal",
    "member", "case", "claimed", "delivery", "complication", "institution",
]  # fmt: skip
_POLICY = ["book", "rules", "shapes", "payments", "prenatal", "leave", "contributions"]

SHARED = (
    "shared/money.py",
    "shared/period.py",
    *(f"shared/policy/{name}.py" for name in _POLICY),
)
"""Below the book: a mutant here is there when the book is compiled."""
PRICING = tuple(f"services/settlement/domain/{name}.py" for name in _DOMAIN)
"""Above the book."""
FORMS = frozenset(
    f"shared/policy/{name}.py" for name in ("shapes", "payments", "prenatal", "leave")
)
"""Of these only the functions: the bounds of a field are the compiler's matter."""


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant that no test can tell from the original, and why not."""

    file: str
    function: str
    old: str
    new: str
    because: str


def equivalents() -> list[Equivalent]:
    """Those that were reviewed by hand."""
    text = (Path(__file__).parent / "equivalent.toml").read_text(encoding="utf-8")
    return [Equivalent(**each) for each in tomllib.loads(text).get("mutant", [])]
