"""Laws of every priced delivery, whatever the facts."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cost import CatalogueClass, Cost, CostLine, of_lines
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import Institution
from services.settlement.domain.member import Member
from services.settlement.domain.pricing import Priced, price
from services.settlement.domain.steps import Step
from shared.money import NOTHING, Money, RoundingMode
from shared.period import Month
from shared.policy.book import Book
from shared.policy.shapes import DeliveryMode, MemberKind
from tests.policy.cases import KIZILSU, NANJING, TODAY, URUMQI

_money = st.integers(0, 8_000_000).map(Money)
_small = st.integers(0, 100_000).map(Money)


@st.composite
def _costs(draw: st.DrawFn) -> Cost:
    parts = (draw(_money), draw(_small), draw(_small), draw(_small))
    return Cost(Money.total(parts), *parts)


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    day = draw(st.dates(date(2020, 1, 1), date(2027, 12, 31)))
    kind = draw(st.sampled_from([MemberKind.EMPLOYEE, MemberKind.FLEXIBLE]))
    return Case(
        pool=draw(st.sampled_from([NANJING, KIZILSU, URUMQI])),
        member=Member(kind, draw(st.integers(24, 400)), Month.of(day)),
        claimed=Delivery(draw(st.sampled_from(DeliveryMode)), draw(st.integers(1, 4))),
        dates=Dates.all_on(day),
        known_on=TODAY,
        institution=Institution(draw(st.sampled_from([1, 2, 3]))),
        cost=draw(_costs()),
        account_available=draw(_small),
    )


def _priced(case: Case, book: Book) -> Priced:
    decided = price(case, book)
    assert isinstance(decided, Priced), decided
    return decided


_MODES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.UP: ROUND_UP,
    RoundingMode.DOWN: ROUND_DOWN,
}


@given(
    fen=st.integers(-(10**13), 10**13),
    rate=st.decimals(-100, 100, places=6),
    mode=st.sampled_from(RoundingMode),
    step=st.sampled_from([1, 10, 100, 1000]),
)
def test_a_rate_is_applied_as_decimal_arithmetic_does(
    fen: int, rate: Decimal, mode: RoundingMode, step: int
) -> None:
    exact = (Decimal(fen) * rate / step).quantize(Decimal(1), rounding=_MODES[mode])
    assert Money(fen).at_rate(rate, mode, step) == Money(int(exact) * step)


@settings(max_examples=400, deadline=None)
@given(case=_cases())
def test_parts_make_the_whole(book: Book, case: Case) -> None:
    answer, cost = _priced(case, book), case.cost
    assert cost is not None
    assert answer.total == cost.total
    parts = (answer.fund, answer.member, answer.institution, answer.other_fund)
    assert Money.total(parts) == answer.total
    assert answer.member_account + answer.member_cash == answer.member
    assert answer.desk.fund + answer.desk.member == answer.total
    never_negative = (
        answer.fund,
        answer.member,
        answer.member_account,
        answer.member_cash,
        answer.other_fund,
        answer.desk.fund,
        answer.desk.member,
    )
    assert min(never_negative) >= NOTHING
    assert answer.member <= answer.total
    if case.pool == NANJING:
        assert cost.outside() <= answer.member
    assert answer.member_account <= case.account_available


@settings(max_examples=200, deadline=None)
@given(case=_cases())
def test_every_step_is_cited_and_survives_storage(book: Book, case: Case) -> None:
    answer = _priced(case, book)
    assert answer.steps
    assert all(step.citation.article and step.citation.document for step in answer.steps)
    stored = [step.to_stored() for step in answer.steps]
    assert [Step.from_stored(each).to_stored() for each in stored] == stored


@settings(max_examples=200, deadline=None)
@given(case=_cases())
def test_each_rate_used_was_in_force_once(book: Book, case: Case) -> None:
    answer = _priced(case, book)
    assert len(set(answer.rate_ids)) == len(answer.rate_ids)
    known = {
        rule.sourced.rate_id: (key, rule)
        for key, versions in book.parameters().items()
        for rule in versions
    }
    for rate_id in answer.rate_ids:
        (pool, _, kind), rule = known[rate_id]
        assert pool == case.pool
        assert kind in (None, case.member.kind)
        assert rule.sourced.since <= answer.decided_on
        assert rule.known_on <= case.known_on


@settings(max_examples=300, deadline=None)
@given(
    in_scope=_money,
    more=_small,
    mode=st.sampled_from(DeliveryMode),
    level=st.sampled_from([1, 2, 3]),
    on=st.dates(date(2014, 10, 1), date(2027, 12, 31)),
)
def test_more_in_scope_never_lowers_what_the_receipt_grants(
    book: Book, in_scope: Money, more: Money, mode: DeliveryMode, level: int, on: date
) -> None:
    def receipt(amount: Money) -> Money:
        member = Member(MemberKind.EMPLOYEE, 36, Month.of(on))
        case = Case(
            NANJING,
            member,
            Delivery(mode),
            Dates.all_on(on),
            TODAY,
            Institution(level),
            Cost(amount, amount),
        )
        return _priced(case, book).desk.fund

    assert receipt(in_scope) <= receipt(in_scope + more) <= receipt(in_scope) + more


@settings(max_examples=100, deadline=None)
@given(cases=st.lists(_cases(), min_size=2, max_size=6), order=st.randoms(use_true_random=False))
def test_an_answer_does_not_depend_on_what_was_priced_before(
    book: Book, cases: list[Case], order: object
) -> None:
    fresh = Book.from_bytes(book.to_bytes())
    shuffled = list(enumerate(cases))
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    answers = {position: price(case, fresh) for position, case in shuffled}
    assert [answers[position] for position in range(len(cases))] == [
        price(case, book) for case in cases
    ]


_lines = st.lists(
    st.tuples(_small, st.sampled_from(CatalogueClass), st.integers(0, 100)), min_size=1
)


@given(drawn=_lines, order=st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(
    drawn: list[tuple[Money, CatalogueClass, int]], order: object
) -> None:
    lines = [
        CostLine(
            amount,
            of_class,
            first_copay=Money(amount.fen * percent // 100)
            if of_class is CatalogueClass.CLASS_B
            else NOTHING,
        )
        for amount, of_class, percent in drawn
    ]
    shuffled = list(lines)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of_lines(shuffled) == of_lines(lines)
