"""Each fault that a folder can have is refused at load, with its place and the remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shared.policy.book import Book, NoRule
from shared.policy.cells import WAITING
from shared.policy.compiler import Allow, compile_book
from shared.policy.faults import PolicyFaults
from shared.policy.shapes import MemberKind

SHEET = 'pool = "990000"\nname = "试点"\nfirst_date = 2020-01-01\n'
HEAD = """
pool = "990000"
id = "first"
title = "第一号文件"
checked_on = 2026-11-21
grade = "A"
source = { id = "s", citation = "全文" }
"""
CLAUSE = """
[[clause]]
article = "一"
gist = "单位费率"
from = 2020-01-01
kinds = ["employee"]
sets.employer_rate = { medical = 0.08, maternity = 0.005 }
"""
WAIT = """
[[clause]]
article = "二"
gist = "等待期"
from = 2020-01-01
kinds = ["employee"]
sets.waiting = { months = 10, medical_if_short = "paid" }
"""
DELIVERY = """
[[clause]]
article = "三"
gist = "住院分娩"
from = 2020-01-01
kinds = ["employee"]
sets.delivery.method = "cap"
sets.delivery.amounts = { vaginal = "1.00", assisted = "2.00", cesarean = "3.00" }
sets.delivery.extra_infant = "0.50"
"""


def write(folder: Path, sheet: str = SHEET, **documents: str) -> Path:
    pool = folder / "990000-trial"
    pool.mkdir(parents=True)
    (pool / "pool.toml").write_text(sheet, encoding="utf-8")
    for name, text in documents.items():
        (pool / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_plain_documents_compile(tmp_path: Path) -> None:
    book = compile_book([write(tmp_path, first=HEAD + CLAUSE + WAIT + DELIVERY)])
    assert isinstance(book, Book)


@pytest.mark.parametrize(
    ("was", "now", "clause", "what"),
    [
        ("sets.waiting", "sets.wating", "clause 2 (二)", "unknown key; the cells are"),
        ("months = 10", "months = 10, moths = 1", "clause 2 (二)", "unknown key"),
        ('article = "二"', 'article = "二"\narticle = "二"', "", "written twice"),
        ("medical = 0.08", "medical = 8.5", "clause 1 (一)", "8.5 % is 0.085"),
        ("medical = 0.08", 'medical = "0.08"', "clause 1 (一)", "bare decimal"),
        ("medical = 0.08", "medical = nan", "clause 1 (一)", "from 0 to 1"),
        ('"3.00"', '"3.005"', "clause 3 (三)", "exactly two decimals"),
        ('"3.00"', "3.00", "clause 3 (三)", "exactly two decimals"),
        ('"3.00"', '"-3.00"', "clause 3 (三)", "not negative"),
        ("months = 10", "months = 10.0", "clause 2 (二)", "integer"),
        ("from = 2020-01-01", 'from = "2020-01-01"', "clause 1 (一)", "date"),
        ('kinds = ["employee"]', "", "clause 1 (一)", "kinds"),
        (
            'sets.waiting = { months = 10, medical_if_short = "paid" }',
            "",
            "clause 2 (二)",
            "silent",
        ),
        ('pool = "990000"', "pool = 990000", "", "string of six digits"),
        (', citation = "全文"', "", "", "source.citation: missing"),
        ('source = { id = "s", citation = "全文" }', "", "", "source: missing"),
        ('method = "cap"', 'method = "capped"', "clause 3 (三)", "cap"),
        ('article = "二"', "", "clause 2", "article: missing"),
        (
            'gist = "等待期"\nfrom = 2020-01-01',
            'gist = "等待期"\nfrom = 2020-01-02',
            "clause 2",
            "gap",
        ),
        ('pool = "990000"', 'pool = "990001"', "", "in the folder of"),
        ('grade = "A"', 'grade = "D"', "clause 1", "grade D"),
        (
            'sets.delivery.extra_infant = "0.50"',
            'sets.delivery.extra_infant = "0.50"\n'
            'conflict = { state = "open", other_reading = "定额" }',
            "clause 3",
            "open conflict",
        ),
        (
            'sets.delivery.extra_infant = "0.50"',
            'sets.delivery.extra_infant = "0.50"\n'
            'conflict = { state = "resolved", other_reading = "定额" }',
            "clause 3",
            "resolved_by",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, was: str, now: str, clause: str, what: str
) -> None:
    text = HEAD + CLAUSE + WAIT + DELIVERY
    assert was in text
    write(tmp_path, first=text.replace(was, now, 1))
    with pytest.raises(PolicyFaults) as refused:
        compile_book([tmp_path])
    faults = refused.value.faults
    assert any(
        fault.file == "990000-trial/first.toml" and clause in fault.clause and what in fault.what
        for fault in faults
    ), [str(fault) for fault in faults]


@pytest.mark.parametrize(
    "bands",
    [
        '[{ up_to = "10.00", share = 0.0 }]',
        '[{ up_to = "10.00", share = 0.0 }, { up_to = "5.00", share = 0.1 }, { share = 0.2 }]',
        "[{ share = 0.0 }, { share = 0.1 }]",
        "[]",
    ],
)
def test_bands_that_leave_a_hole_are_refused(tmp_path: Path, bands: str) -> None:
    plain = "vaginal = [{ share = 0.0 }]\nassisted = [{ share = 0.0 }]\n"
    clause = '\n[[clause]]\narticle = "四"\ngist = "分段"\nfrom = 2020-01-01\n'
    for level in (1, 2, 3):
        clause += f"[clause.sets.member_share.level_{level}]\n{plain}cesarean = {bands}\n"
    write(tmp_path, first=HEAD + clause)
    with pytest.raises(PolicyFaults, match="bands"):
        compile_book([tmp_path])


def test_two_rules_for_one_day_are_an_overlap(tmp_path: Path) -> None:
    second = HEAD.replace('"first"', '"second"') + WAIT
    write(tmp_path, first=HEAD + WAIT, second=second)
    with pytest.raises(PolicyFaults, match="overlap"):
        compile_book([tmp_path])


def test_a_later_document_may_not_reach_behind_an_earlier_one(tmp_path: Path) -> None:
    early = HEAD + WAIT + WAIT.replace("2020-01-01", "2022-01-01")
    late = HEAD.replace('"first"', '"second"') + "published = 2023-01-01\n" + WAIT
    write(tmp_path, first=early, second=late.replace("from = 2020-01-01", "from = 2021-01-01"))
    with pytest.raises(PolicyFaults, match="overlap"):
        compile_book([tmp_path])


def test_the_same_document_twice_is_a_duplicate(tmp_path: Path) -> None:
    write(tmp_path, first=HEAD + WAIT, second=HEAD + WAIT)
    with pytest.raises(PolicyFaults, match="duplicate"):
        compile_book([tmp_path])


def test_a_pool_is_inherited_only_if_it_is_loaded(tmp_path: Path) -> None:
    sheet = SHEET + '[[inherits]]\npool = "980000"\ncells = ["waiting"]\n'
    write(tmp_path, sheet, first=HEAD + WAIT)
    with pytest.raises(PolicyFaults, match="not loaded"):
        compile_book([tmp_path])


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(PolicyFaults, match="no pool here"):
        compile_book([tmp_path])


def test_grade_d_and_open_cells_are_admitted_by_name(tmp_path: Path) -> None:
    opened = WAIT + 'grade = "D"\nconflict = { state = "open", other_reading = "12 个月" }\n'
    write(tmp_path, first=HEAD + opened)
    named = Allow(frozenset({("990000", "D")}), frozenset({("990000", "waiting")}))
    book = compile_book([tmp_path], named)
    day = date(2024, 1, 1)
    asked = book.ask("990000", WAITING, on=day, known_on=day, kind=MemberKind.EMPLOYEE)
    assert asked.citation.label == "open,grade_d"


def test_a_later_document_supersedes_from_its_own_day_once_known(tmp_path: Path) -> None:
    later = HEAD.replace('"first"', '"second"') + "published = 2022-06-01\n" + WAIT
    later = later.replace("from = 2020-01-01", "from = 2022-01-01").replace("= 10", "= 6")
    book = compile_book([write(tmp_path, first=HEAD + WAIT, second=later)])

    def months(on: date, known_on: date) -> int:
        kind = MemberKind.EMPLOYEE
        return book.ask("990000", WAITING, on=on, known_on=known_on, kind=kind).value.months

    today = date(2026, 1, 1)
    assert months(date(2021, 12, 31), today) == 10
    assert months(date(2022, 1, 1), today) == 6
    assert months(date(2022, 1, 1), date(2022, 5, 31)) == 10
    assert months(date(2022, 1, 1), date(2022, 6, 1)) == 6
    with pytest.raises(NoRule):
        months(date(2020, 1, 1), date(2019, 12, 31))
