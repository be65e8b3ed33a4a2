"""The shipped book: every day answered once, the same bytes for ever, every article present."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.policy.book import Book, Day, NoRule, in_force
from shared.policy.cells import (
    DELIVERY,
    EMPLOYER_RATE,
    INDIVIDUAL_RATE,
    STATE_AGE_DAYS_MAX,
    WAITING,
)
from shared.policy.compiler import BUILT_IN, PRODUCTION, compile_book, demo_allowance
from shared.policy.faults import PolicyFaults
from shared.policy.rules import key_name
from shared.policy.shapes import MemberKind
from tests.policy.cases import BEIJING, KIZILSU, NANJING, TODAY, URUMQI

SUPPORTED_UNTIL = date(2027, 12, 31)


def test_each_supported_day_is_answered_exactly_once(book: Book) -> None:
    sheets = {sheet.pool: sheet for sheet in book.pools()}
    for key, versions in book.parameters().items():
        sheet = sheets[key[0]]
        late = key_name(key) in sheet.begins_later
        day = versions[0].sourced.since if late else sheet.first_date
        while day <= SUPPORTED_UNTIL:
            speaking = [
                rule
                for rule, after in zip(versions, [*versions[1:], None], strict=True)
                if rule.sourced.since <= day and (after is None or day < after.sourced.since)
            ]
            assert len(speaking) == 1, (key, day)
            assert in_force(versions, day, TODAY) is speaking[0], (key, day)
            day += timedelta(days=1)


def test_what_begins_later_is_named_for_a_reason(book: Book) -> None:
    for sheet in book.pools():
        first = {
            key_name(key): versions[0].sourced.since
            for key, versions in book.parameters().items()
            if key[0] == sheet.pool
        }
        for name in sheet.begins_later:
            assert first[name] > sheet.first_date, (sheet.pool, name)


def test_bytes_make_the_same_book(book: Book) -> None:
    _survives_its_bytes(book)


def test_so_do_the_bytes_of_forms_that_no_shipped_pool_uses() -> None:
    folders = (BUILT_IN, Path(__file__).parent / "made_up")
    _survives_its_bytes(compile_book(folders, demo_allowance(folders)))


def test_bytes_that_are_no_book_are_refused_as_such(book: Book) -> None:
    spoilt = book.to_bytes().replace(b'"medical":"0.08"', b'"medical":"eight"')
    assert spoilt != book.to_bytes()
    with pytest.raises(ValueError, match="bare decimal"):
        Book.from_bytes(spoilt)


def _survives_its_bytes(book: Book) -> None:
    again = Book.from_bytes(book.to_bytes())
    assert again.to_bytes() == book.to_bytes()
    assert again.hash == book.hash
    assert len(book.hash) == 64
    versions = [rule.sourced for rules in book.parameters().values() for rule in rules]
    assert [rule.sourced for rules in again.parameters().values() for rule in rules] == versions


def test_rate_ids_are_unique(book: Book) -> None:
    ids = [rule.sourced.rate_id for rules in book.parameters().values() for rule in rules]
    assert len(set(ids)) == len(ids)


def test_before_the_first_rule_there_is_no_answer(book: Book) -> None:
    def ask(pool: str, kind: MemberKind, on: date) -> None:
        book.ask(pool, DELIVERY, on=on, known_on=TODAY, kind=kind)

    for pool, kind, on, why in [
        (KIZILSU, MemberKind.EMPLOYEE, date(2019, 12, 31), "not_yet"),
        (NANJING, MemberKind.FLEXIBLE, date(2016, 12, 31), "not_yet"),
        (NANJING, MemberKind.RETIREE, date(2024, 1, 1), "never"),
        ("999999", MemberKind.EMPLOYEE, date(2024, 1, 1), "pool_unknown"),
    ]:
        with pytest.raises(NoRule) as none:
            ask(pool, kind, on)
        assert none.value.why == why


def test_an_inherited_rule_does_not_make_a_pool_older(book: Book) -> None:
    day = date(2019, 12, 31)  # the inherited parameter itself is older
    with pytest.raises(NoRule):
        book.ask(KIZILSU, STATE_AGE_DAYS_MAX, on=day, known_on=TODAY)


def test_a_cell_by_kind_is_not_asked_without_one(book: Book) -> None:
    with pytest.raises(ValueError, match="kind"):
        book.ask(NANJING, WAITING, on=TODAY, known_on=TODAY)


@pytest.mark.parametrize(
    ("pool", "kind", "on", "employer", "individual"),
    [
        (KIZILSU, MemberKind.EMPLOYEE, date(2020, 1, 1), "0.085", "0.02"),
        (KIZILSU, MemberKind.EARLY_RETIREE, date(2020, 1, 1), "0", "0"),
        (NANJING, MemberKind.EMPLOYEE, date(2024, 3, 12), "0.085", "0.02"),
        (NANJING, MemberKind.EMPLOYEE, date(2024, 3, 13), "0.088", "0.02"),
        (NANJING, MemberKind.FLEXIBLE, date(2024, 3, 13), "0", "0.08"),
    ],
)
def test_contribution_rates(
    book: Book, pool: str, kind: MemberKind, on: date, employer: str, individual: str
) -> None:
    def rate_of_employer() -> Decimal:
        return book.ask(pool, EMPLOYER_RATE, on=on, known_on=TODAY, kind=kind).value.total

    assert rate_of_employer() == Decimal(employer)
    asked = book.ask(pool, INDIVIDUAL_RATE, on=on, known_on=TODAY, kind=kind)
    assert asked.value == Decimal(individual)


def test_our_own_parameters_say_that_they_are_ours(book: Book) -> None:
    for pool in (KIZILSU, NANJING, URUMQI, BEIJING):
        age = book.ask(pool, STATE_AGE_DAYS_MAX, on=TODAY, known_on=TODAY)
        assert (age.value, age.citation.label) == (45, "operational")


def test_production_admits_no_open_cell_and_no_single_page() -> None:
    with pytest.raises(PolicyFaults) as refused:
        compile_book(allow=PRODUCTION)
    faults = refused.value.faults
    assert all("open conflict" in fault.what or "has grade D" in fault.what for fault in faults)
    # Where it stands in the pool's own document, and on the page that inherits it.
    assert {fault.file.split("/")[0] for fault in faults} >= {
        "110000-beijing",
        "320100-nanjing",
        "650000-xinjiang",
        "650100-urumqi",
        "653000-kizilsu",
    }
    assert "653000-kizilsu/pool.toml" in {fault.file for fault in faults}


def test_every_article_of_the_two_founding_documents_appears(book: Book) -> None:
    policies = [f"二({n})" for n in "一二三四五六"]
    expected = {
        "kizilsu-merger-2019": [
            "一",
            *policies,
            *(f"三({n})" for n in "一二三四五六"),
            *(f"四({n})" for n in "一二三四"),
        ],
        "nanjing-merger-2019": ["一", *policies, *(f"三({n})" for n in "一二三")],
    }
    for document in book.documents:
        if document.id in expected:
            articles = list(dict.fromkeys(clause.article for clause in document.clause))
            assert articles == expected.pop(document.id)
    assert not expected


class Counted:
    """Something that is derived, and how often it was."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


def test_what_was_derived_is_remembered_until_there_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.policy.book._MEMO_KEYS_MAX", 2)
    day, derive = Day(NANJING, {}, {}, {}), Counted()
    assert [day.remember(key, derive) for key in ("a", "b", "a", "b")] == [1, 2, 1, 2]
    assert day.remember("c", derive) == 3  # and what came before is forgotten
    assert [day.remember(key, derive) for key in ("c", "a")] == [3, 4]


def test_days_are_kept_until_there_are_too_many(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.policy.book._MEMO_DAYS_MAX", 2)
    fresh = Book.from_bytes(book.to_bytes())

    def on(day: int) -> Day:
        return fresh.on(NANJING, MemberKind.EMPLOYEE, on=date(2024, 3, day), known_on=TODAY)

    first, second = on(1), on(2)
    assert (on(1), on(2)) == (first, second)
    third = on(3)
    assert on(3) is third
    assert on(1) is not first


def test_no_rule_says_which_and_why(book: Book) -> None:
    with pytest.raises(NoRule, match="no rule: pool of 999999: pool_unknown") as none:
        book.on("999999", None, on=TODAY, known_on=TODAY)
    assert (none.value.pool, none.value.cell) == ("999999", "pool")
    day = book.on(NANJING, MemberKind.RETIREE, on=TODAY, known_on=TODAY)
    with pytest.raises(NoRule) as none:
        day.ask(DELIVERY)
    assert (none.value.pool, none.value.cell, none.value.why) == (NANJING, "delivery", "never")


def test_a_following_version_counts_from_the_day_it_is_known(book: Book) -> None:
    key = next(k for k in book.parameters() if k[:2] == (URUMQI, "delivery"))
    before, after = book.parameters()[key][-2:]
    eve = after.sourced.since - timedelta(days=1)

    def following(on: date, known_on: date) -> object:
        return book.on(URUMQI, key[2], on=on, known_on=known_on).following(DELIVERY)

    assert before.sourced.since <= eve
    assert following(eve, after.known_on) is after.sourced
    assert following(eve, after.known_on - timedelta(days=1)) is None
    assert following(after.sourced.since, after.known_on) is None


def test_counties_of_a_pool_and_of_none(book: Book) -> None:
    assert book.counties(KIZILSU)
    assert book.counties("999999") == {}


@pytest.mark.parametrize("archived", [b"[]", b"{}", b'{"pools": []}', b'{"pools":[],"x":[]}'])
def test_other_bytes_make_no_book(archived: bytes) -> None:
    with pytest.raises(ValueError, match="not a policy book"):
        Book.from_bytes(archived)


def test_the_bytes_are_archived_as_canonical_json(book: Book) -> None:
    text = book.to_bytes().decode()
    assert text == json.dumps(
        json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert "\\u" not in text
    assert hashlib.sha256(book.to_bytes()).hexdigest() == book.hash
