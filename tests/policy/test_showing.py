"""`show` and `diff`: every rule of a day, every change between two, in the reader's words."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from shared.policy.book import Book
from shared.policy.cells import CELLS
from shared.policy.rules import key_name
from shared.policy.shapes import MemberKind
from shared.policy.showing import changes, rules_of_day
from shared.policy.speech import LANGUAGES, Language, spoken, words
from tests.policy.drafts import FIRST, draft, run
from tests.policy.reflection import fields, values

LATER = """\
pool = "990000"
id = "later"
title = "第二号文件"
checked_on = 2026-11-21
grade = "B"
source = { id = "s", citation = "全文" }

[[clause]]
article = "甲"
gist = "等待期"
from = 2022-01-01
kinds = ["employee"]
label = "reading"
sets.waiting = { months = 6, medical_if_short = "paid" }

[[clause]]
article = "乙"
gist = "重申"
from = 2022-01-01
sets.state_age_days_max = 45

[[clause]]
article = "丙"
gist = "个人费率"
from = 2020-01-01
kinds = ["employee"]
sets.individual_rate = 0.02
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_cell_field_and_value_has_words(language: Language) -> None:
    said = words(language)
    assert set(said["cells"]) == set(CELLS)
    assert not fields() - set(said["fields"])
    kinds = {kind.value for kind in MemberKind}
    assert not (values() | kinds | {"true", "false"}) - set(said["values"])


def test_both_languages_have_the_same_words() -> None:
    zh, en = words("zh"), words("en")
    assert {part: set(named) for part, named in zh.items()} == {
        part: set(named) for part, named in en.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_of_the_shipped_pools_can_be_said(book: Book, language: Language) -> None:
    for key, versions in book.parameters().items():
        for rule in versions:
            assert spoken(rule.sourced.value, language), key_name(key)


def test_the_rules_of_a_day_are_all_there(book: Book) -> None:
    day = date(2024, 3, 25)
    for sheet in book.pools():
        for kind in MemberKind:
            shown = rules_of_day(book, sheet.pool, day, kind, "en").rows
            held = book.on(sheet.pool, kind, on=day, known_on=date.max)
            found = {name for name, cell in CELLS.items() if held.ask_if_any(cell)}
            assert {row[0].split(" ")[-1] for row in shown} == found
            assert len(shown) == len(found)


def test_a_rule_is_shown_with_its_source(tmp_path: Path) -> None:
    folder = draft(tmp_path, later=LATER)
    said = ("show", "--pool", "990000", "--on", "2022-01-01", "--kind", "employee")
    shown = run(*said, "--policy", folder)
    assert shown.exit_code == 0, shown.output
    [row] = [line for line in shown.output.splitlines() if " waiting " in line]
    for part in ("职工", "月数 6，不足时医疗费用 支付", "2022-01-01", "甲", "later", "B", "解读"):
        assert part in row
    assert "later: 第二号文件" in shown.output
    before = run(*said[:4], "2021-12-31", *said[5:], "--policy", folder, "--lang", "en")
    assert "months 10, medical if short paid" in before.output


def test_labels_are_joined_as_their_language_joins(book: Book) -> None:
    of_employees = ("110000", date(2020, 1, 1), MemberKind.EMPLOYEE)
    for language, said in (("zh", "解读，起始日不详"), ("en", "reading, start unknown")):
        [labels] = {
            row[-1]
            for row in rules_of_day(book, *of_employees, language).rows
            if row[0].endswith(" allowance")
        }
        assert labels == said


def test_neighbours_of_one_value_share_it(tmp_path: Path) -> None:
    shown = run("show", "--pool", "990000", "--on", "2022-01-01", "--policy", draft(tmp_path))
    assert "一级/二级 顺产/助娩产/剖宫产 比例 0.0" in shown.output
    assert "剖宫产（至 4500.00元，比例 0.0；比例 0.1）" in shown.output


def test_no_amount_is_cut_off_or_broken(book: Book) -> None:
    for sheet in book.pools():
        said = ("--pool", sheet.pool, "--on", "2024-03-25")
        shown = run("show", *said).output
        assert "…" not in shown
        day = rules_of_day(book, sheet.pool, date(2024, 3, 25), None, "zh")
        amounts = re.findall(r"[0-9]+\.[0-9]{2}元", "\n".join(row[2] for row in day.rows))
        assert sorted(re.findall(r"[0-9]+\.[0-9]{2}元", shown)) == sorted(amounts)


def test_the_changes_between_two_days(tmp_path: Path) -> None:
    folder = draft(tmp_path, later=LATER)
    days = ("--from", "2021-12-31", "--to", "2022-01-01")
    told = run("diff", "--pool", "990000", *days, "--policy", folder)
    assert told.exit_code == 0, told.output
    assert told.output.count("→") == 2
    rows = told.output.splitlines()
    [waiting] = [row for row in rows if " waiting " in row]
    for part in ("改变", "月数 10", "月数 6", "first 二 (2020-01-01)"):
        assert part in waiting
    assert "→ later 甲 (2022-01-01)" in rows[rows.index(waiting) + 1]
    [restated] = [row for row in rows if "state_age_days_max" in row]
    assert "依据改变" in restated
    same = run("diff", "--pool", "990000", "--from", "2022-01-01", "--to", "2022-01-01",
               "--policy", folder)  # fmt: skip
    assert "2020" not in same.output


def test_what_begins_later_is_told_as_new(book: Book) -> None:
    spouse = [
        sheet.pool for sheet in book.pools() if "delivery.spouse_unemployed" in sheet.begins_later
    ]
    assert spouse
    for pool in spouse:
        [first] = [s.first_date for s in book.pools() if s.pool == pool]
        kind = MemberKind.SPOUSE_UNEMPLOYED
        told = changes(book, pool, (first, date(2026, 1, 1)), kind, "en").rows
        assert any("delivery" in row[0] and row[2] == "begins" and not row[3] for row in told)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (("show", "--pool", "999999", "--on", "2024-01-01"), "no such pool"),
        (("show", "--pool", "000000", "--on", "1990-01-01"), "first_date is later"),
        (("diff", "--pool", "000000", "--from", "1990-01-01", "--to", "2024-01-01"), "first_date"),
    ],
)
def test_what_cannot_be_shown_is_said(said: tuple[str, ...], what: str) -> None:
    refused = run(*said)
    assert refused.exit_code == 1
    assert what in refused.output


def test_days_in_the_wrong_order_are_refused() -> None:
    days = ("--from", "2024-01-02", "--to", "2024-01-01")
    assert run("diff", "--pool", "000000", *days).exit_code == 2


def test_a_faulty_folder_is_told_by_show_too(tmp_path: Path) -> None:
    folder = draft(tmp_path, FIRST.replace("months = 10", "months = 10.0"))
    told = run("show", "--pool", "990000", "--on", "2022-01-01", "--policy", folder)
    assert told.exit_code == 1
    assert "first.toml:" in told.output
