"""Books held against each other: every seeded difference is found and classed, none is invented."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as draw

from services.settlement.domain.reconciling import (
    BookRow,
    Difference,
    DifferenceKind,
    difference_of,
    held_against,
    stands_for,
    sums_of,
)
from shared.money import NOTHING, Money

K = DifferenceKind
amounts = draw.integers(1, 10**8).map(Money)


@draw.composite
def settled(pull: draw.DrawFn, claim: int) -> list[BookRow]:
    """A settlement of ours; now and then with its reversal."""
    total, account = pull(amounts), pull(amounts)
    row = BookRow(f"claim-{claim}", False, f"stay-{claim}", "person", total, total, account)
    if not pull(draw.booleans()):
        return [row]
    return [row, _refund(row)]


def _refund(row: BookRow) -> BookRow:
    return row._replace(refund=True, total=-row.total, fund=-row.fund, account=-row.account)


@draw.composite
def books(pull: draw.DrawFn) -> tuple[list[BookRow], list[BookRow], Counter[DifferenceKind]]:
    """Theirs, ours, and the differences that were made between them."""
    theirs, ours, made = [], [], Counter[DifferenceKind]()
    for claim in range(pull(draw.integers(0, 12))):
        mine = pull(settled(claim))
        ours += mine
        kind = pull(draw.none() | draw.sampled_from(list(K)))
        refunded = len(mine) == 2
        told = list(mine)
        if kind is K.MISSING_HERE:
            ours = ours[: -len(mine)]
            made[kind] += len(mine)
        elif kind is K.MISSING_THERE:
            told = []
            made[kind] += len(mine)
        elif kind is K.AMOUNT:
            place = pull(draw.integers(0, len(mine) - 1))
            name = pull(draw.sampled_from(["total", "fund", "account"]))
            told[place] = told[place]._replace(**{name: Money(getattr(told[place], name).fen + 1)})
            made[kind] += 1
        elif kind is K.STATE:
            if refunded or pull(draw.booleans()):
                place = pull(draw.integers(0, len(mine) - 1))
                told[place] = told[place]._replace(stay="another")
            else:
                told.append(_refund(mine[0]))
            made[kind] += 1
        elif kind is K.REFUND_UNPAIRED and refunded:
            del told[pull(draw.integers(0, 1))]
            made[kind] += 1
        theirs += told
    return pull(draw.permutations(theirs)), ours, made


@given(books())
def test_what_was_seeded_is_found_and_nothing_else(
    drawn: tuple[list[BookRow], list[BookRow], Counter[DifferenceKind]],
) -> None:
    theirs, ours, made = drawn
    held = held_against(theirs, ours)
    assert Counter(one.kind for one in held.differences) == made


@given(books())
def test_level_rows_and_differences_are_all_rows_and_their_sums(
    drawn: tuple[list[BookRow], list[BookRow], Counter[DifferenceKind]],
) -> None:
    theirs, ours, _ = drawn
    held = held_against(theirs, ours)
    one_sided = sum(one.theirs is None or one.ours is None for one in held.differences)
    both = len(held.differences) - one_sided
    assert 2 * (len(held.level) + both) + one_sided == len(theirs) + len(ours)
    told = sums_of(one.theirs for one in held.differences if one.theirs)
    mine = sums_of(one.ours for one in held.differences if one.ours)
    assert difference_of(told, mine) == difference_of(sums_of(theirs), sums_of(ours))


def _row(claim: str, *, refund: bool = False, fen: int = 100) -> BookRow:
    return BookRow(claim, refund, "", "", Money(fen), Money(fen), NOTHING)


def _kinds(theirs: list[BookRow], ours: list[BookRow]) -> list[Difference]:
    return held_against(theirs, ours).differences


def test_a_row_told_twice_is_missing_here_the_second_time() -> None:
    row = _row("a")
    assert _kinds([row, row], [row]) == [Difference(K.MISSING_HERE, row, None)]


def test_settled_on_one_side_and_refunded_on_the_other() -> None:
    row, back = _row("a"), _row("a", refund=True, fen=-100)
    for theirs, ours in (([row], [back]), ([back], [row])):
        found = _kinds(theirs, ours)
        assert {one.kind for one in found} == {K.STATE}
        assert len(found) == 2


def test_a_refund_of_what_was_settled_before_the_period() -> None:
    back = _row("a", refund=True, fen=-100)
    assert _kinds([back], [back]) == []
    assert _kinds([], [back]) == [Difference(K.MISSING_THERE, None, back)]
    # The interface wants its positive row beside it, which lies before the period here.
    assert _kinds([_row("a"), back], [back]) == [Difference(K.MISSING_HERE, _row("a"), None)]


@pytest.mark.parametrize(
    ("code", "counties", "stands"),
    [("653000", (), True), ("653022", (), True), ("653122", (), False), ("65302", (), False),
     ("65302x", (), False), ("653022", ("653001", "653022"), True),
     ("653099", ("653001", "653022"), False), ("653000", ("653001", "653022"), True)],
)  # fmt: skip
def test_a_county_stands_for_its_pool(code: str, counties: tuple[str, ...], stands: bool) -> None:
    assert stands_for(code, "653000", counties) is stands
