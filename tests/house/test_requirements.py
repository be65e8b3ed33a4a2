"""What is installed: every version pinned, every file checked by its hash, one resolution."""

from __future__ import annotations

import re

import pytest

from tests.support.source import ROOT

FOLDER = ROOT / "requirements"
GROUPS = sorted(path.stem for path in FOLDER.glob("*.in"))


def pins(group: str) -> dict[str, str]:
    """Name -> version of a compiled group."""
    text = (FOLDER / f"{group}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.M))


@pytest.mark.parametrize("group", GROUPS)
def test_every_requirement_is_pinned_and_hashed(group: str) -> None:
    text = (FOLDER / f"{group}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M | re.I)[1:]
    loose = [e.split()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e]
    assert entries
    assert not loose


def test_one_version_of_each_library_for_all_groups() -> None:
    whole = pins("dev")
    for group in GROUPS:
        differing = {n: v for n, v in pins(group).items() if whole.get(n, v) != v}
        assert not differing, group
    assert pins("service").keys() <= pins("run").keys() <= whole.keys()
