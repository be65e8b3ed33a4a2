"""One compiled book of the shipped pools for all tests of policy and pricing."""

from __future__ import annotations

import pytest

from shared.policy.book import Book
from shared.policy.compiler import compile_book, demo_allowance


@pytest.fixture(scope="session")
def book() -> Book:
    return compile_book(allow=demo_allowance())
