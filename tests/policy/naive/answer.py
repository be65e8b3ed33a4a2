"""The naive answer to a case of `price`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tests.policy.naive.allowance import allow
from tests.policy.naive.delivery import deliver
from tests.policy.naive.law import Law, No, load


class Naive:
    """All pools under some folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.sheets, self.documents = load(folders)
        self.laws: dict[tuple[str, str, date], Law] = {}

    def answer(self, case: dict[str, Any]) -> dict[str, Any]:
        """Parts in fen, days, `deferred` until; or `refused` with the slug."""
        try:
            return self._answer(case)
        except No as no:
            return {"refused": str(no)}

    def law(self, pool: str, kind: str, known_on: date) -> Law:
        if pool not in self.sheets:
            raise No("pool_unknown")
        asked = (pool, kind, known_on)
        if asked not in self.laws:
            self.laws[asked] = Law(self.sheets[pool], self.documents, kind, known_on)
        return self.laws[asked]

    def _answer(self, case: dict[str, Any]) -> dict[str, Any]:
        law = self.law(case["pool"], case["member"]["kind"], date.fromisoformat(case["known_on"]))
        counties = law.sheet.get("counties", {})
        if counties and "county" in case and case["county"] not in counties:
            raise No("county_not_of_pool")
        event = date.fromisoformat(case.get("dates", {}).get("event", case["on"]))
        which = law.need("deciding_date", event)
        if case["benefit"] == "allowance":
            return allow(case, law, event)
        on = date.fromisoformat(case.get("dates", {}).get(which, case["on"]))
        return deliver(case, law, on)
