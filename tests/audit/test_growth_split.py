"""Growth told apart into price, volume and mix, to the fen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.domain.growth_split import Spent, split_growth
from shared.money import Money


def spent(cases: int, fen: int) -> Spent:
    return Spent(cases, Money(fen))


SPENDING = st.dictionaries(
    st.sampled_from(["V1", "V2", "C1", "C2"]),
    st.tuples(st.integers(0, 500), st.integers(0, 10**9)).map(
        lambda both: spent(both[0], both[1] if both[0] else 0)
    ),
)


@given(before=SPENDING, after=SPENDING)
def test_the_parts_are_the_whole(before: dict[str, Spent], after: dict[str, Spent]) -> None:
    cost = sum(s.amount.fen for s in before.values())
    cost_now = sum(s.amount.fen for s in after.values())
    assert split_growth(before, after).change == Money(cost_now - cost)


def test_each_part_alone() -> None:
    before = {"V": spent(60, 60_000), "C": spent(40, 80_000)}
    dearer = split_growth(before, {"V": spent(60, 66_000), "C": spent(40, 88_000)})
    assert (dearer.price.fen, dearer.volume.fen, dearer.mix.fen) == (14_000, 0, 0)
    more = split_growth(before, {"V": spent(120, 120_000), "C": spent(80, 160_000)})
    assert (more.price.fen, more.volume.fen, more.mix.fen) == (0, 140_000, 0)
    other = split_growth(before, {"V": spent(40, 40_000), "C": spent(60, 120_000)})
    assert (other.price.fen, other.volume.fen, other.mix.fen) == (0, 0, 20_000)


def test_thirds_of_a_fen_are_given_out_once() -> None:
    split = split_growth({"V": spent(3, 100)}, {"V": spent(4, 150)})
    # 33.33 more by one case more, 16.67 by price
    assert (split.volume.fen, split.price.fen, split.mix.fen) == (33, 17, 0)


def test_a_new_kind_is_mix_and_a_new_hospital_volume() -> None:
    split = split_growth({"V": spent(10, 10_000)}, {"V": spent(5, 5_000), "C": spent(5, 10_000)})
    assert (split.price.fen, split.volume.fen, split.mix.fen) == (0, 0, 5_000)
    assert split_growth({}, {"V": spent(1, 700)}).volume == Money(700)


def test_money_without_a_case_is_refused() -> None:
    with pytest.raises(ValueError, match="spent on cases"):
        spent(0, 1)
