"""Two pools that exist in tests alone: one pays checks per unit, the other per capita."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN, compile_book, demo_allowance
from tests.support.agency import Agency

UNITS, HEADS = "990001", "990002"
TRIAL = Path(__file__).with_name("trial")
TRIAL_POOLS = {UNITS: {"HU3": 3, "HU2": 2}, HEADS: {"HH3": 3, "HH2": 2}}


@cache
def trial_book() -> Book:
    """The built-in pools, and the two of the trial."""
    return book_of((BUILT_IN, TRIAL))


def book_of(folders: tuple[Path, ...]) -> Book:
    """The book of some folders, as a demo admits it."""
    return compile_book(folders, demo_allowance(folders))


def use_trial_book(whole: Agency) -> None:
    """Let the services of a test know the trial's pools, before the agency opens for business."""
    enrollment = whole.services["enrollment"].app.state
    enrollment.office = replace(enrollment.office, book=trial_book())
    whole.services["settlement"].app.state.office.compile_built_in = trial_book
