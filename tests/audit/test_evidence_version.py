"""The version that a score names stands for the data that it was made with."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import services.audit.scoring
from services.audit.scoring import thresholds
from services.audit.scoring.evidence import EVIDENCE_VERSION

SCORING = Path(services.audit.scoring.__file__).parent
KEPT = Path(__file__).with_name("evidence_versions.toml")
_WORDS = {"reason", "source"}


def hash_of(text: str) -> str:
    """The hash of what a file of data says, without its words for people."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(one) for name, one in value.items() if name not in _WORDS}
        return value

    told = json.dumps(bare(tomllib.loads(text)), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def test_a_version_of_evidence_has_the_data_that_it_was_released_with() -> None:
    """Changed data need another EVIDENCE_VERSION, with their hashes under it; what an earlier
    version was made of stays, as scores of it are kept."""
    kept = tomllib.loads(KEPT.read_text(encoding="utf-8"))
    now = {file.name: hash_of(file.read_text(encoding="utf-8")) for file in SCORING.glob("*.toml")}
    assert now, "no data found"
    assert kept[EVIDENCE_VERSION] == now
    assert list(kept)[-1] == EVIDENCE_VERSION
    of_each = [tuple(sorted(hashes.items())) for hashes in kept.values()]
    assert len(set(of_each)) == len(of_each), "two versions of the same data"


@pytest.mark.parametrize(
    ("was", "becomes", "same"),
    [("nights = 2", "nights = 3", False), ("nights = 2", "nights = 2  # two", True)],
)
def test_a_number_changes_the_hash_and_a_remark_does_not(
    was: str, becomes: str, same: bool
) -> None:
    text = (SCORING / "mechanisms.toml").read_text(encoding="utf-8")
    assert was in text
    assert (hash_of(text.replace(was, becomes)) == hash_of(text)) is same


def test_what_is_likely_stands_in_one_place() -> None:
    """Red while code has a number of its own beside `thresholds.toml`."""
    assert thresholds.THRESHOLDS["likely"]["chance"] == thresholds.LIKELY
    own = re.compile(r"LIKELY\b.*= [\d.]+$|chance\w* >= [\d.]+", re.MULTILINE)
    for file in SCORING.glob("*.py"):
        assert not own.search(file.read_text(encoding="utf-8")), file.name
