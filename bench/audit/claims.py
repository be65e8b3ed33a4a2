"""Claims as columns: one array a field, one row a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from bench.audit.world import A, Array, C

KINDS_OF_CHARGE = (
    "bed", "nursing", "exam", "lab", "surgery", "anesthesia", "drug", "consumable", "treatment",
    "other",
)  # fmt: skip
BED, NURSING, EXAM, LAB, SURGERY, ANESTHESIA, DRUG, CONSUMABLE, TREATMENT, OTHER = range(10)


@dataclass(frozen=True)
class Claims:
    """What hospitals ask for, and beside it what only the generator knows."""

    row: Array
    """A number of its own, by which others point here."""
    person: Array
    male: Array
    age: Array
    hospital: Array
    case: Array
    severity: Array
    discharged: Array
    """Days since 1970."""
    stay: Array
    """Days from admission to discharge; 0 for a visit."""
    weeks: Array
    """Weeks of pregnancy; 0 where there is none."""
    scans: Array
    tests: Array
    variant: Array
    """Which of the equally good codes the claim shows."""
    luck: Array
    """Standard normal: how dear the case is for reasons that nobody sees."""
    padded: Array
    """Log cost added by what was only written down."""
    without_anesthesia: Array
    kind: Array
    """What is wrong with it, a number of `KINDS`; 0 for nothing."""
    excess: Array
    """Fen asked for without reason."""
    partner: Array
    """The row that contradicts it, -1 for none."""
    true_case: Array
    true_severity: Array
    true_stay: Array
    true_scans: Array
    true_tests: Array

    @property
    def admitted(self) -> Array:
        day: Array = self.discharged - self.stay
        return day

    @property
    def is_birth(self) -> Array:
        born: Array = self.case <= C
        return born

    @property
    def is_stay(self) -> Array:
        lain: Array = self.case <= A
        return lain

    def __len__(self) -> int:
        return len(self.row)


def claims(n: int, first_row: int, **known: Array | int) -> Claims:
    """`n` honest claims, rows numbered from `first_row`; what is not told is zero, what is true
    is what is shown."""
    given = {name: np.broadcast_to(np.asarray(value), (n,)) for name, value in known.items()}
    for shown in ("case", "severity", "stay", "scans", "tests"):
        given.setdefault(f"true_{shown}", given.get(shown, np.zeros(n, dtype=np.int64)))
    given["row"] = np.arange(first_row, first_row + n)
    given.setdefault("partner", np.full(n, -1))
    columns: dict[str, Array] = {
        field.name: np.array(given.get(field.name, np.zeros(n)), dtype=_type_of(field.name))
        for field in fields(Claims)
    }
    return Claims(**columns)


def joined(parts: Sequence[Claims]) -> Claims:
    """One below the other."""
    return Claims(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Claims)
        }
    )


def taken(some: Claims, which: Array) -> Claims:
    """The rows of a mask or of positions, copied."""
    return Claims(**{field.name: getattr(some, field.name)[which] for field in fields(Claims)})


def copies(some: Claims, which: Array, first_row: int) -> Claims:
    """The rows once more, under new numbers."""
    again = taken(some, which)
    return replace(again, row=np.arange(first_row, first_row + len(again)))


def next_row(some: Claims) -> int:
    return int(some.row.max()) + 1 if len(some) else 0


def without_visits_in_stays(some: Claims) -> Claims:
    """Nobody visits the outpatient clinic while she lies in the ward."""
    lying = some.case <= A
    order = np.lexsort((some.admitted[lying], some.person[lying]))
    person, since = some.person[lying][order], some.admitted[lying][order]
    until = some.discharged[lying][order]
    span = 100_000
    last = np.searchsorted(person * span + since, some.person * span + some.discharged, "right") - 1
    at = np.maximum(last, 0)
    inside = (last >= 0) & (person[at] == some.person) & (some.discharged <= until[at])
    return taken(some, lying | ~inside)


def _type_of(name: str) -> type:
    if name in ("luck", "padded"):
        return np.float32
    return np.bool_ if name in ("male", "without_anesthesia") else np.int64
