"""What a policy folder can get wrong, said so that whoever wrote the document can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One fault: in which file, at which clause (empty for the head), and what to write.

    `place` leads to it through the file's keys, `("clause", 2, "sets", "waiting")`, counted from 0.
    """

    file: str
    clause: str
    what: str
    place: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file}, {self.clause}" if self.clause else self.file
        return f"{place}: {self.what}"


class PolicyFaults(Exception):
    """No book was compiled; every fault that was found is in `faults`."""

    def __init__(self, faults: Sequence[PolicyFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
