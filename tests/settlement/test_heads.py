"""A head is paid once and whole, whatever the order of visits, transfers and reversals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.settlement.domain.checks import HEAD, head_slice
from services.settlement.domain.course import (
    Course,
    Designation,
    designated_on,
    returned,
    used_next,
    weeks_due,
)
from services.settlement.domain.prenatal import HeadSlice, Prenatal
from shared.money import NOTHING, Money
from shared.policy.prenatal import PerCapita

SINCE = date(2023, 7, 3)
METHOD = PerCapita(method="per_capita", transfer="pro_rata_weeks", includes_postnatal=True)
HOSPITALS = ("a", "b", "c")

days = st.integers(0, 300).map(lambda n: SINCE + timedelta(days=n))
acts = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), st.sampled_from(HOSPITALS), days),
        st.tuples(st.just("transfer"), st.sampled_from(HOSPITALS), days),
        st.tuples(st.just("reverse"), st.integers(0, 30), days),
    ),
    max_size=25,
)


def paid(course: Course, head: Money, institution: str, on: date, *, end: bool) -> Course:
    """The course after a visit is paid, as the judgement and the pricing count it."""
    done, until = weeks_due(
        course, HEAD, institution, since=SINCE, on=on, of_weeks=METHOD.weeks, to_the_end=end
    )
    part = HeadSlice() if until == METHOD.weeks else HeadSlice(done, until)
    due = head_slice(head, Prenatal(head=part), METHOD)
    amount = max(NOTHING, min(due, head - course.used(HEAD)))
    if not amount:
        return course
    entry = used_next(course.last(HEAD), HEAD, institution, amount, head, until - done)
    return replace(course, entries=(*course.entries, entry))


@given(acts=acts, fen=st.integers(1, 200_000))
def test_a_head_is_paid_once_and_whole(acts: list[tuple[str, str | int, date]], fen: int) -> None:
    head = Money(fen)
    course = Course(designations=(Designation("a", SINCE),))
    live = []
    for act, who, on in acts:
        if act == "transfer":
            if on >= course.designations[-1].since:
                chosen = Designation(str(who), on)
                course = replace(course, designations=(*course.designations, chosen))
        elif act == "visit":
            if designated_on(course.designations, on) == who:
                before = len(course.entries)
                course = paid(course, head, str(who), on, end=False)
                live += course.entries[before:]
        elif live:
            undone = live.pop(int(who) % len(live))
            course = replace(course, entries=(*course.entries, *returned(course, [undone])))
        assert NOTHING <= course.used(HEAD) <= head
    keeper = course.designations[-1]
    course = paid(course, head, keeper.institution_code, SINCE + timedelta(days=320), end=True)
    assert course.used(HEAD) == head
    assert sum(entry.weeks for entry in course.entries) <= METHOD.weeks
    assert paid(course, head, "b", SINCE + timedelta(days=330), end=True) == course


def test_the_weeks_before_a_transfer_belong_to_the_first() -> None:
    moved = Course(designations=(Designation("a", SINCE), Designation("b", date(2023, 11, 20))))
    for institution, on, due in (("a", date(2023, 11, 14), 19), ("b", date(2023, 11, 27), 1)):
        assert weeks_due(
            moved, HEAD, institution, since=SINCE, on=on, of_weeks=40, to_the_end=False
        ) == (0, due)
