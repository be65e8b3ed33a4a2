"""What crosses services is frozen: a schema on file for each contract, and a golden that parses."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pytest

from shared.contracts.contract import Contract
from shared.contracts.register import CONTRACTS, SCHEMAS, schema_text

GOLDENS = SCHEMAS.parent / "goldens"
FROZEN = SCHEMAS / "frozen.sha256"
# No event holds a person: names of fields that would.
PERSONAL = re.compile(r"(id_number|phone|mobile|bank|account_no|(?<!type_)name$|address)")


def golden_of(contract: type[Contract]) -> Path:
    """The example that consumers build against."""
    return GOLDENS / contract.schema_path()


def frozen() -> dict[str, str]:
    """Path -> hash of each released schema, in the form of sha256sum."""
    lines = FROZEN.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split(maxsplit=1) for line in lines)}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.type)
def test_the_schema_on_file_is_the_contract(contract: type[Contract]) -> None:
    on_file = (SCHEMAS / contract.schema_path()).read_text(encoding="utf-8")
    assert on_file == schema_text(contract), "a changed contract is a new version"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.type)
def test_the_golden_parses_and_comes_back_the_same(contract: type[Contract]) -> None:
    data = golden_of(contract).read_bytes()
    golden = json.loads(data)
    schema = json.loads((SCHEMAS / contract.schema_path()).read_text(encoding="utf-8"))
    jsonschema.validate(golden, schema)
    assert json.loads(contract.from_bytes(data).to_bytes()) == golden


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.type)
def test_what_an_earlier_version_wrote_is_read(contract: type[Contract]) -> None:
    for version in range(1, contract.version + 1):
        data = (GOLDENS / contract.type / f"v{version}.json").read_bytes()
        read = json.loads(contract.from_bytes(data).to_bytes())
        assert read.items() >= json.loads(data).items()


def test_a_frozen_schema_never_changes() -> None:
    files = {
        str(path.relative_to(SCHEMAS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SCHEMAS.rglob("*.json")
    }
    assert files == frozen()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.type)
def test_no_event_holds_a_person(contract: type[Contract]) -> None:
    assert not [name for name in contract.model_fields if PERSONAL.search(name)]
