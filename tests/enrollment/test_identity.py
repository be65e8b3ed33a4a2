"""ID numbers and names: what is taken, what is refused, what is shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from services.enrollment.domain.id_number import IdNumber, check_character, read_id_number
from services.enrollment.domain.person_name import PersonName, read_name
from services.enrollment.domain.refusals import Refusal
from shared.plumbing.sealed import Vault
from tests.enrollment.conftest import Enrollment, id_number, registration

TODAY = date(2026, 11, 21)
VALID = "653001199003150006"

REFUSED_NUMBERS = {
    "wrong check digit": "653001199003150005",
    "two neighbours swapped": "653001190903150006",
    "17 digits": "65300119900315000",
    "19 digits": "6530011990031500060",
    "birth on 30 February": "653001199002300009",
    "birth in the future": "653001209901010001",
    "area 000000": "000000199003150006",
    "full-width digits": "".join(chr(ord(d) + 0xFEE0) for d in VALID),
    "Arabic-Indic digits": "".join(chr(int(d) + 0x660) for d in VALID),
    "trailing newline": VALID + "\n",
    "leading space": " " + VALID,
    "Cyrillic X": "32010219850102000\u0425",
    "all zeros": "0" * 18,
    "empty": "",
}
TAKEN_NAMES = {
    "张\U00020bb7": "张\U00020bb7",
    "李\U0002c9da"[:2]: "李\U0002c9da"[:2],
    "阿依古丽·买买提": "阿依古丽·买买提",
    "阿依古丽•买买提": "阿依古丽·买买提",
    "阿依古丽・买买提": "阿依古丽·买买提",
    "ئايگۈل مەمەت": "ئايگۈل مەمەت",
    "Айгүл": "Айгүл",
    "李　娜": "李 娜",
    "{{7*7}}${7*7}": "{{7*7}}${7*7}",
    "' UNION SELECT NULL--": "' UNION SELECT NULL--",
}
REFUSED_NAMES = {
    "only spaces": "   ",
    "tab": "李\t娜",
    "NUL": "李\x00娜",
    "right-to-left override": "李\u202e娜",
    "zero-width joiner": "李\u200d娜",
    "private use": "李\ue000",
    "lone surrogate": "\ud83d",
    "too long": "李" * 101,
}


def test_valid_numbers_also_with_x() -> None:
    for text in (VALID, "32010219850102000X"):
        number = read_id_number(text, TODAY)
        assert isinstance(number, IdNumber)
        assert number.text == text
    assert read_id_number(VALID, TODAY) == IdNumber(VALID, date(1990, 3, 15))


def test_the_seventeenth_digit_tells_the_sex() -> None:
    for sequence, sex in (("001", "male"), ("002", "female"), ("180", "female"), ("999", "male")):
        first_17 = f"32010219850102{sequence}"
        number = read_id_number(first_17 + check_character(first_17), TODAY)
        assert isinstance(number, IdNumber)
        assert number.sex.value == sex


@pytest.mark.parametrize("text", REFUSED_NUMBERS.values(), ids=REFUSED_NUMBERS.keys())
def test_refused_numbers(text: str) -> None:
    assert read_id_number(text, TODAY) is Refusal.ID_NUMBER_INVALID


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(place: int, by: int) -> None:
    wrong = VALID[:place] + str((int(VALID[place]) + by) % 10) + VALID[place + 1 :]
    assert check_character(wrong[:17]) != VALID[17]
    assert read_id_number(wrong, TODAY) is Refusal.ID_NUMBER_INVALID


def test_born_today_is_taken_born_tomorrow_is_not() -> None:
    today, tomorrow = id_number(born="20261121"), id_number(born="20261122")
    assert isinstance(read_id_number(today, TODAY), IdNumber)
    assert read_id_number(tomorrow, TODAY) is Refusal.ID_NUMBER_INVALID


@pytest.mark.parametrize(("text", "kept"), TAKEN_NAMES.items())
def test_names_of_many_scripts(text: str, kept: str) -> None:
    assert read_name(text) == PersonName(kept)


@pytest.mark.parametrize("text", REFUSED_NAMES.values(), ids=REFUSED_NAMES.keys())
def test_refused_names(text: str) -> None:
    assert read_name(text) is Refusal.NAME_INVALID


def test_what_is_shown() -> None:
    number = IdNumber(VALID, date(1990, 3, 15))
    assert number.masked() == "653001********0006"
    assert PersonName("Айгүл").masked() == "А**"
    assert PersonName("李娜").masked() == PersonName("李小娜").masked() == "李**"
    assert "900315" not in repr(number)
    assert "娜" not in repr(PersonName("李娜"))


def test_a_sealed_field_opens_in_its_place_alone() -> None:
    vault = Vault("0123456789abcdef" * 2)
    sealed = vault.seal(VALID, "p1/id_number")
    assert VALID.encode() not in sealed
    assert sealed != vault.seal(VALID, "p1/id_number")
    assert vault.open(sealed, "p1/id_number") == VALID
    for changed, place in (
        (sealed, "p2/id_number"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), "p1/id_number"),
    ):
        with pytest.raises(InvalidTag):
            vault.open(changed, place)
    assert vault.index(VALID) == vault.index(VALID)
    assert vault.index(VALID) != Vault("f" * 32).index(VALID)


async def test_hostile_bodies_are_refused_without_an_echo(enrollment: Enrollment) -> None:
    await enrollment.employer()
    fields: list[tuple[str, Any]] = [
        *(("id_number", text) for text in REFUSED_NUMBERS.values()),
        *(("name", text) for name, text in REFUSED_NAMES.items() if name != "lone surrogate"),
        ("id_number", 653001199003150000),
        ("id_number", [VALID]),
        ("id_number", {"$ne": ""}),
        ("name", 12345),
        ("start", "2024-02-30"),
        ("start", "2024-1-1"),
        ("county_code", "65300x"),
        ("kind", "spouse_unemployed"),
        ("nickname", "娜娜"),
    ]
    for name, value in fields:
        answer = await enrollment.post("/persons", registration(**{name: value}))
        assert answer.status_code in (400, 422), (name, value, answer.text)
        if isinstance(value, str) and value.strip():
            assert value not in answer.text
    token = enrollment.tokens["kizilsu-clerk"]
    answer = await enrollment.http.post(
        "/enrollment/v1/persons",
        content=b'{"name": "\\ud83d"}',
        headers={
            "authorization": f"Bearer {token}", "idempotency-key": "k",
            "content-type": "application/json",
        },
    )  # fmt: skip
    assert answer.status_code == 400
    assert await enrollment.owner.fetchval("select count(*) from person") == 0
