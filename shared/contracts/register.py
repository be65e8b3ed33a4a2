"""All contracts, by type; and the command that writes their schemas."""

from __future__ import annotations

import json
from pathlib import Path

from shared.contracts.allowance import (
    AllowanceFixed,
    AllowanceOpened,
    AllowanceRevised,
    AllowanceWithdrawn,
)
from shared.contracts.claim import (
    ClaimAdjusted,
    ClaimReversed,
    ClaimSettled,
    DeductionRefused,
    DeductionReleased,
    DeductionTaken,
)
from shared.contracts.contract import Contract
from shared.contracts.flag import FlagDecided, FlagRaised, FlagReopened
from shared.contracts.person import ContributionPosted, PersonStateChanged

CONTRACTS: tuple[type[Contract], ...] = (
    PersonStateChanged,
    ContributionPosted,
    ClaimSettled,
    ClaimAdjusted,
    ClaimReversed,
    DeductionTaken,
    DeductionRefused,
    DeductionReleased,
    AllowanceOpened,
    AllowanceFixed,
    AllowanceRevised,
    AllowanceWithdrawn,
    FlagRaised,
    FlagDecided,
    FlagReopened,
)

SCHEMAS = Path(__file__).parent / "schemas"


def schema_text(contract: type[Contract]) -> str:
    """The JSON Schema of a contract, as its frozen file holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | contract.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def write_schemas() -> None:
    """Write each schema that is not frozen yet; a frozen one is never rewritten."""
    for contract in CONTRACTS:
        path = SCHEMAS / contract.schema_path()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(schema_text(contract), encoding="utf-8")
