"""The books that tests of policy and pricing ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.policy.book import Book
from shared.policy.compiler import compile_book, demo_allowance
from tests.policy.new_pool import FIRST, LATER, SHEET
from tests.policy.test_compiler import write

Made = Callable[..., Book]


@pytest.fixture(scope="session")
def book() -> Book:
    """One compiled book of the shipped pools for all tests."""
    return compile_book(allow=demo_allowance())


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The book of the new pool in which each text was replaced by another."""

    def make(*replaced: tuple[str, str]) -> Book:
        text = FIRST
        for old, new in replaced:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return compile_book([write(tmp_path, SHEET, first=text, later=LATER)])

    return make
