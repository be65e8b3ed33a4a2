"""What the demo's data files say: its pools, hospitals, employers and planted irregularities."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Hospital:
    """A hospital and its habits; `cesarean` of a thousand births."""

    pool_code: str
    institution_code: str
    name: str
    county_code: str
    level: int
    births: int
    cesarean: int
    nights: tuple[int, int]

    @property
    def client_id(self) -> str:
        """Who acts for it in the demo."""
        return f"his-{self.institution_code}"


@dataclass(frozen=True, slots=True)
class Employer:
    """Who registers and pays for employees."""

    ref: str
    name: str
    county_code: str
    kind: str


@dataclass(frozen=True, slots=True)
class Fund:
    """A pool: its share of the births, and how its members pay; `base` in yuan, lowest, highest.

    `visited` of a thousand births have their visits claimed, `by_heads` where the pool pays per
    capita. Losses and complications are claimed
    only where the pool pays them, complications up to a day; `procedures` are its surgeries.
    """

    pool_code: str
    births: int
    months_paid: int
    months_in_full: int
    in_full: int
    flexible: int
    visited: int
    base: tuple[int, int]
    employers: tuple[Employer, ...]
    procedures: tuple[str, ...] = ()
    by_heads: bool = False
    losses: bool = False
    complications_until: date | None = None


@dataclass(frozen=True, slots=True)
class Irregularity:
    """One planted pattern at one hospital, over `[start, until)` months of the demo.

    Shares are of a thousand births; `count` is for a full demo.
    """

    id: str
    kind: str
    pool_code: str
    institution_code: str
    start: int
    until: int
    count: int = 0
    share: int = 0
    first: int = 0
    last: int = 0

    def runs_in(self, month: int) -> bool:
        """Whether it goes on in a month of the demo."""
        return self.start <= month < self.until


@dataclass(frozen=True, slots=True)
class Town:
    """All that the files say; losses, surgeries, complications and who moved in are of a thousand
    births."""

    funds: tuple[Fund, ...]
    hospitals: tuple[Hospital, ...]
    irregularities: tuple[Irregularity, ...]
    surnames: str
    given: str
    losses: int
    surgeries: int
    complications: int
    moved_in: int

    def hospitals_of(self, pool_code: str) -> list[Hospital]:
        """A pool's hospitals."""
        return [h for h in self.hospitals if h.pool_code == pool_code]

    def planted(self, institution_code: str, kind: str, month: int) -> Irregularity | None:
        """What of a kind goes on at a hospital in a month of the demo."""
        for one in self.irregularities:
            if (one.institution_code, one.kind) == (institution_code, kind) and one.runs_in(month):
                return one
        return None


def read_town() -> Town:
    """The demo's data files."""
    people = _read("people")
    return Town(
        funds=tuple(_fund(entry) for entry in people["pool"]),
        hospitals=tuple(
            Hospital(**{**entry, "nights": tuple(entry["nights"])})
            for entry in _read("hospitals")["hospital"]
        ),
        irregularities=tuple(
            Irregularity(**{"start": entry.pop("from"), **entry})
            for entry in _read("irregularities")["irregularity"]
        ),
        **{name: people[name] for name in _OF_ALL},
    )


_OF_ALL = ("surnames", "given", "losses", "surgeries", "complications", "moved_in")


def _fund(entry: dict[str, Any]) -> Fund:
    employers = tuple(Employer(**employer) for employer in entry["employers"])
    lists = {name: tuple(entry.get(name, ())) for name in ("base", "procedures")}
    return Fund(**{**entry, **lists, "employers": employers})


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
