"""What may stand in the repository: file names, sizes, no pool in code, nothing of a machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import services
import shared
from tests.support.source import ROOT, python_files

FORBIDDEN_NAMES = {"service", "utils", "util", "helpers", "manager", "common", "flows"}
LINES_MOST = 400
POOLS = ROOT / "shared" / "policy" / "pools"
# Split, so that this file does not find itself.
OF_A_MACHINE = re.compile(
    "|".join(("/wor" + "k/", "/roo" + "t/", "pypi" + r"\.org", "/maven" + "2/"))
)


def committed() -> Iterator[Path]:
    """Every text file under version control."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            yield ROOT / name


def pool_words() -> set[str]:
    """Codes and names of the pools, as their folders say them: `<code>-<name>`.

    000000 is no pool: it holds the national documents that pools inherit.
    """
    folders = [path.name for path in POOLS.iterdir() if path.is_dir()] if POOLS.exists() else []
    return {
        word.lower()
        for folder in folders
        if re.match(r"(?!000000)\d{6}-", folder)
        for word in folder.split("-", 1)
    }


def pools_in(text: str, words: set[str]) -> list[str]:
    """The pools that a text names; the country's time zone is named after a city, not a pool."""
    return sorted(word for word in words if word in text.lower().replace("asia/shanghai", ""))


def test_a_planted_pool_is_seen() -> None:
    words = {"123456", "somewhere"}
    assert pools_in("if pool == '123456':  # Somewhere", words) == ["123456", "somewhere"]
    assert pools_in('ZoneInfo("Asia/Shanghai")', {"shanghai"}) == []
    assert pools_in("SHANGHAI = Asia/Shanghai", {"shanghai"}) == ["shanghai"]


def test_no_code_knows_a_pool() -> None:
    words = pool_words()
    named = {
        str(path.relative_to(ROOT)): found
        for path in python_files("services", "shared")
        if (found := pools_in(path.read_text(encoding="utf-8"), words))
    }
    assert not named


def test_no_file_is_named_after_a_layer() -> None:
    assert not [
        p for p in python_files("services", "shared", "deploy") if p.stem in FORBIDDEN_NAMES
    ]


def test_no_file_grows_without_end() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files("services", "shared", "deploy")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MOST
    }
    assert not long


def test_nothing_of_a_machine_is_committed() -> None:
    found = []
    for path in committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {m.group()}" for m in OF_A_MACHINE.finditer(text)]
    assert not found


def test_services_and_shared_are_ours() -> None:
    # Without their __init__.py a foreign package of the same name wins.
    assert Path(str(services.__file__)).parent == ROOT / "services"
    assert Path(str(shared.__file__)).parent == ROOT / "shared"
