"""Returns of lines, drawn: no part of what is left falls below nothing, and the last takes all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as draw

from services.settlement.domain.cost import Cost
from services.settlement.domain.line import CatalogueItem, FeeLine, classed
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.undoing import KeptLine, left_of, returned, taken_off
from shared.money import NOTHING, Money

DAY = date(2024, 3, 20)
prices = draw.integers(0, 500_000).map(Money)
quantities = draw.decimals("0.0001", "500", places=4)
items = draw.builds(
    CatalogueItem,
    item_code=draw.just("item"),
    item_class=draw.sampled_from("abc"),
    first_copay_rate=draw.decimals("0", "1", places=4),
    limit=draw.none() | draw.integers(1, 400_000).map(Money),
)
lines = draw.builds(
    FeeLine, draw.just(1), draw.just("item"), draw.just(DAY), quantities, prices
)  # fmt: skip


def _parts(cost: Cost) -> list[int]:
    return [p.fen for p in (cost.in_scope, cost.out_of_scope, cost.over_limit, cost.first_copay)]


@given(lines, draw.none() | items, draw.lists(quantities, max_size=6))
def test_returns_never_pass_what_is_left(
    line: FeeLine, item: CatalogueItem | None, backs: list[Decimal]
) -> None:
    whole = classed(line, item)
    left, taken = {1: left_of(whole)}, []
    for number, quantity in enumerate(backs, 2):
        back = FeeLine(number, "item", DAY, quantity, line.price, returns=1)
        before = left[1]
        found = returned(back, left)
        if isinstance(found, Refusal):
            assert quantity > before.quantity or back.amount() > before.cost.total
            continue
        one, left[1] = found
        taken.append(one)
        assert one.cost.total == back.amount()
        assert all(
            0 <= cut <= had for cut, had in zip(_parts(one.cost), _parts(before.cost), strict=True)
        )
        assert left[1].cost == before.cost.less(one.cost)
    quantity = left[1].quantity
    assert quantity == line.quantity - sum(one.line.quantity for one in taken)
    assert quantity >= 0


@given(lines, draw.none() | items)
def test_a_line_returned_whole_leaves_nothing(line: FeeLine, item: CatalogueItem | None) -> None:
    left = {1: left_of(classed(line, item))}
    found = returned(FeeLine(2, "item", DAY, line.quantity, line.price, returns=1), left)
    assert not isinstance(found, Refusal)
    assert _parts(found[1].cost) == [0, 0, 0, 0]
    assert (found[1].quantity, found[1].cost.total) == (0, NOTHING)


@given(draw.data())
def test_what_is_taken_off_and_what_stays_make_the_bill(data: draw.DataObject) -> None:
    bill = [
        KeptLine(number, None, Cost(Money(fen), Money(fen)))
        for number, fen in enumerate(data.draw(draw.lists(draw.integers(0, 9999))), 1)
    ]
    for line in data.draw(
        draw.lists(draw.sampled_from(bill), unique=True) if bill else draw.just([])
    ):
        bill.append(KeptLine(len(bill) + 1, line.line_number, line.cost))
    numbers = [line.line_number for line in bill]
    named = data.draw(draw.none() | draw.frozensets(draw.sampled_from(numbers or [1])))
    gone = taken_off(bill, named)
    if gone is Refusal.LINE_UNKNOWN:
        assert not bill
        return
    going = set(numbers) if named is None else set(named)
    if gone is Refusal.LINE_RETURNED:
        assert any(o.returns in going and o.line_number not in going for o in bill)
        return
    assert not isinstance(gone, Refusal)

    def net(some: list[KeptLine]) -> int:
        return sum(o.cost.total.fen * (1 if o.returns is None else -1) for o in some)

    assert set(gone.line_numbers) == going
    assert gone.charged.total.fen - gone.returned.total.fen == net(
        [line for line in bill if line.line_number in going]
    )
