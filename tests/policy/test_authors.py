"""The page for authors works as pasted, and what it shows is what comes."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.support.source import ROOT

PAGE = ROOT / "docs" / "policy-authors.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the blocks print, pasted in order into one shell."""
    drafts = {"DRAFTS": str(tmp_path_factory.mktemp("drafts"))}
    done = subprocess.run(
        ["bash", "-e"], input="".join(blocks("bash")), cwd=ROOT, env=os.environ | drafts,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("shown", [line for block in blocks("text") for line in block.splitlines()])
def test_what_the_page_shows_comes(said: str, shown: str) -> None:
    assert shown in said


def test_only_the_planted_fault_is_one(said: str) -> None:
    assert said.count("有错，未通过") == 1
    assert len(re.findall(r"\.toml:\d+: ", said)) == 1


def test_the_page_shows_something_of_each_command() -> None:
    pasted = "".join(blocks("bash"))
    assert len(blocks("text")) == 5
    for command in ("new-pool", "check", "show", "diff", "price"):
        assert f" {command} " in pasted
