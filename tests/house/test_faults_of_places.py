"""What may be amiss at a place of a request has words in both languages, and each code is used."""

from __future__ import annotations

import re
from pathlib import Path

from shared.plumbing.amiss import FAULTS

ROOT = Path(__file__).parents[2]
# The library's own kinds: those that a request of ours met, and some that it may meet.
OF_PYDANTIC = re.compile(r"[a-z_]+")


def codes_of_ours() -> set[str]:
    said = re.compile(r'(?:amiss\(|Fault\(f?"[^"]*", |    code = |^FRACTION = )"([a-z-]+)"', re.M)
    files = [*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/**/*.py")]
    return {code for file in files for code in said.findall(file.read_text(encoding="utf-8"))}


def test_every_code_has_words_and_every_word_a_code() -> None:
    ours = {code for code in FAULTS if not OF_PYDANTIC.fullmatch(code) or code in codes_of_ours()}
    assert ours == codes_of_ours()


def test_no_words_are_of_one_language() -> None:
    for words in FAULTS.values():
        assert re.search(r"[\u4e00-\u9fff]", words.zh)
        assert words.en.isascii()
