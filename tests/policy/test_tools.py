"""`check` names file, line and clause of every fault that an author can plant."""

# ruff: noqa: E501 (a row of the table, a line of a document, is read as one)
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.policy.lines import line_of
from shared.policy.speech import advice
from tests.policy.drafts import FIRST, FOLDER, SHEET, draft, run
from tests.support.source import ROOT

RATE = "medical = 0.08,"
MONTHS = "months = 10,"
AMOUNT = '"4200.00"'
EARLY = 'gist = "记录的期限"\nfrom = 2020-01-01'
BAND = '{ up_to = "5000.00", share = 0.05 }'
LAST = "sets.state_age_days_max = 45"
SECOND = FIRST.split("[[clause]]\n")[0].replace('"first"', '"second"')

# what was written, what the author writes, the clause, text of the line named, part of the advice
FAULTS = [
    ("a rate in per cent", RATE, "medical = 8.0,", "1 (一)", "sets.employer_rate", "8.5 % is 0.085"),
    ("a rate as text", RATE, 'medical = "0.08",', "1 (一)", "sets.employer_rate", "bare decimal"),
    ("a rate not a number", RATE, "medical = nan,", "1 (一)", "sets.employer_rate", "0 to 1"),
    ("a share as text", "share = 0.15", 'share = "0.15"', "3 (三)", "vaginal = [{ up", "bare decimal"),
    ("a share in a long list", "share = 0.1 ", "share = 10 ", "3 (三)", "cesarean = [", "bare"),
    ("an amount as a number", AMOUNT, "4200.00", "4 (四)", "amounts", "exactly two decimals"),
    ("a fraction of a fen", AMOUNT, '"4200.005"', "4 (四)", "amounts", "exactly two decimals"),
    ("yuan without fen", AMOUNT, '"4200"', "4 (四)", "amounts", "exactly two decimals"),
    ("an amount below nothing", AMOUNT, '"-4200.00"', "4 (四)", "amounts", "not negative"),
    ("a mode without amount", f"assisted = {AMOUNT}, ", "", "4 (四)", "amounts", "missing"),
    ("an unknown method", '"cap"', '"capped"', "4 (四)", "sets.delivery]", "'cap'"),
    ("an unknown cell", "sets.waiting", "sets.wating", "2 (二)", "sets.wating", "the cells are"),
    ("an unknown key", MONTHS, "months = 10, moths = 1,", "2 (二)", "sets.waiting", "unknown key"),
    ("months with a point", MONTHS, "months = 10.0,", "2 (二)", "sets.waiting", "integer"),
    ("bands that fall", BAND, BAND.replace("5000", "2000"), "3 (三)", "vaginal = [", "rising"),
    ("an open band within", BAND, "{ share = 0.05 }", "3 (三)", "vaginal = [", "save the last"),
    ("a band with a hole", ", { share = 0.15 }", "", "3 (三)", "vaginal = [", "save the last"),
    ("no article", 'article = "四"\n', "", "4 (without", "[[clause]]", "article: missing"),
    ("a silent clause", LAST, "", "5 (五)", "[[clause]]", "never silent"),
    ("kinds for a pool's cell", EARLY, EARLY + '\nkinds = ["employee"]', "5 (五)", "[[clause]]", "kinds"),
    ("no kinds", 'kinds = ["employee", "flexible"]\n', "", "4 (四)", "[[clause]]", "kinds"),
    ("a kind twice", ', "flexible"]', ', "employee"]', "4 (四)", "[[clause]]", "each kind once"),
    ("an unknown kind", ', "flexible"]', ', "farmer"]', "4 (四)", 'kinds = ["employee", "f', "'flexible'"),
    ("two sorts of cell", LAST, LAST + "\nsets.individual_rate = 0.02", "5 (五)", "[[clause]]", "two clauses"),
    ("a day as text", EARLY, EARLY.replace("2020-01-01", '"2020-01-01"'), "5 (五)", 'from = "', "date"),
    ("a gap", EARLY, EARLY.replace("01-01", "01-02"), "5 (五)", "from = 2020-01-02", "gap"),
    ("an overlap", LAST, LAST + "\n\n[[clause]]\n" + 'article = "六"\n' + EARLY + "\n" + LAST, "6 (六)", "from = 2020", "overlap"),
    ("grade D", LAST, LAST + '\ngrade = "D"', "5 (五)", 'grade = "D"', "admit it by name"),
    ("an open conflict", LAST, LAST + '\nconflict = { state = "open", other_reading = "30 天" }', "5 (五)", "conflict = ", "admit the cell"),
    ("resolved by nobody", LAST, LAST + '\nconflict = { state = "resolved", other_reading = "30 天" }', "5 (五)", "conflict = ", "resolved_by"),
    ("a key twice", 'article = "四"', 'article = "四"\narticle = "五"', "", 'article = "五"', "twice"),
    ("no TOML", 'gist = "住院分娩"', "gist = 住院分娩", "", "gist = 住", "not TOML"),
    ("no source", 'source = { id = "s", citation = "全文" }\n', "", "", "pool = ", "source: missing"),
    ("no citation", ', citation = "全文"', "", "", "source = ", "citation: missing"),
    ("a code as a number", 'pool = "990000"', "pool = 990000", "", "pool = 990000", "six digits"),
    ("another's folder", 'pool = "990000"', 'pool = "990001"', "", 'pool = "990001"', "in the folder"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("was", "now", "clause", "line", "what"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_planted_fault_is_named_with_its_line(
    tmp_path: Path, was: str, now: str, clause: str, line: str, what: str
) -> None:
    assert FIRST.count(was) == 1 or was in (RATE, 'pool = "990000"'), "plants in one place"
    _named(tmp_path, FIRST.replace(was, now, 1), clause, line, what)


def _named(tmp_path: Path, first: str, clause: str, line: str, what: str) -> None:
    done = run("check", draft(tmp_path, first))
    assert done.exit_code == 1
    lines = first.split("\n")
    told = re.findall(
        r"^.*/first\.toml:(\d+): (?:clause (\d+ \([^)]*\)): )?(.*)$", done.output, re.M
    )
    assert told, done.output
    assert any(
        line in lines[int(number) - 1] and clause in of_clause and what in advice
        for number, of_clause, advice in told
    ), done.output


def test_of_two_clauses_alike_the_second_is_named(tmp_path: Path) -> None:
    twice = FIRST + "\n[[clause]]\n" + FIRST.split("[[clause]]\n")[-1]
    told = run("check", draft(tmp_path, twice)).output
    assert re.search(r"clause 6 \(五\): overlap", told), told


def test_one_fault_is_told_once(tmp_path: Path) -> None:
    only = SECOND + '[[clause]]\narticle = "七"\n' + EARLY + "\nsets.state_age_days_max = 0\n"
    told = run("check", draft(tmp_path, only)).output
    assert len(told.splitlines()) == 1, told


def test_a_second_document_at_fault_is_named_itself(tmp_path: Path) -> None:
    again = SECOND + "[[clause]]\n" + 'article = "七"\n' + EARLY + "\n" + LAST + "\n"
    done = run("check", draft(tmp_path, second=again))
    assert done.exit_code == 1
    assert re.search(r"/second\.toml:11: clause 1 \(七\): overlap", done.output), done.output


def test_two_documents_of_one_id_are_named(tmp_path: Path) -> None:
    done = run(
        "check", draft(tmp_path, second=SECOND.replace('"second"', '"first"') + "clause = []")
    )
    assert done.exit_code == 1
    assert "second.toml" in done.output


@pytest.mark.parametrize(
    ("sheet", "line", "what"),
    [
        (SHEET.replace("000000", "980000"), 6, "not loaded"),
        (SHEET.replace("rounding", "roundings"), 5, "no such cell"),
        (SHEET.replace("first_date", "first_day"), 3, "unknown key"),
        (SHEET + "[demo]\ngrades = ['E']\n", 9, "grades"),
        (SHEET + "[demo]\nopen_cells = ['deliver']\n", 8, "no such cell: deliver"),
        ("begins_later = ['waiting.farmer']\n" + SHEET, 1, "no such parameter: waiting.farmer"),
        ("begins_later = ['waiting']\n" + SHEET, 1, "no such parameter: waiting"),
        ("begins_later = ['rounding.farmer']\n" + SHEET, 1, "no such parameter: rounding"),
        ("begins_later = ['rounding.employee']\n" + SHEET, 1, "no such parameter: rounding"),
        ("begins_earlier = ['wating']\n" + SHEET, 1, "no such cell: wating"),
    ],
)
def test_a_fault_of_the_pools_page_has_its_line(
    tmp_path: Path, sheet: str, line: int, what: str
) -> None:
    done = run("check", draft(tmp_path, sheet=sheet))
    assert done.exit_code == 1
    assert re.search(rf"/pool\.toml:{line}: .*{what}", done.output), done.output


ROUNDING = """
[[clause]]
article = "七"
gist = "取整"
from = 2014-10-01
sets.rounding = { place = "once", step = "0.01", mode = "half_up" }
"""


@pytest.mark.parametrize("published", ["", "published = 2013-01-01\n"])
def test_what_is_also_inherited_is_told_to_the_pool_that_inherits(
    tmp_path: Path, published: str
) -> None:
    again = SECOND.replace("checked_on", published + "checked_on") + ROUNDING
    told = run("check", draft(tmp_path, second=again))
    assert told.exit_code == 1
    [line] = told.output.splitlines()
    assert re.search(r"/second\.toml:\d+: clause 1 \(七\): overlap: rounding of 990000 .*", line)
    assert "also by system-defaults" in line
    assert "take rounding out of `inherits`" in line


def test_a_gap_in_what_is_inherited_is_told_on_the_page(tmp_path: Path) -> None:
    told = run("check", draft(tmp_path, sheet=SHEET.replace("2020-01-01", "2014-09-30")))
    assert re.search(r"/pool\.toml:7: gap: rounding .*inherited: system-defaults", told.output)


def test_anothers_open_cell_is_told_on_the_page(tmp_path: Path) -> None:
    opened = FIRST.replace(LAST, LAST + '\nconflict = { state = "open", other_reading = "30 天" }')
    folder = draft(tmp_path, opened, SHEET + '[demo]\nopen_cells = ["state_age_days_max"]\n')
    (folder / "990001-other").mkdir()
    taken = SHEET.replace("990000", "990001").replace("000000", "990000")
    taken = taken.replace("rounding", "state_age_days_max")
    (folder / "990001-other" / "pool.toml").write_text(taken, encoding="utf-8")
    [line] = run("check", folder).output.splitlines()
    assert "990001-other/pool.toml:7: state_age_days_max of 990001 is an open conflict" in line


@pytest.mark.parametrize(
    ("was", "now"), [fault[1:3] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_each_fault_has_its_remedy_in_chinese(tmp_path: Path, was: str, now: str) -> None:
    folder = draft(tmp_path, FIRST.replace(was, now, 1))
    in_english = run("check", folder, "--lang", "en").output.splitlines()
    for english, chinese in zip(in_english, run("check", folder).output.splitlines(), strict=True):
        assert chinese.startswith(f"{english} (")
        assert re.search(r"[\u4e00-\u9fff]", chinese[len(english) :])


def test_whatever_the_forms_object_to_has_its_remedy_in_chinese() -> None:
    named = ("shapes", "payments", "prenatal", "leave", "contributions", "document", "compiler")
    said = (message for name in named for message in objections(name))
    messages = [message for message in said if re.search("[a-z]", message)]
    assert len(messages) > 30
    without = [message for message in messages if not advice(message)]
    assert not without, "write its remedy in words/advice.zh.toml"


def objections(name: str) -> Iterator[str]:
    """What a module of the policy book raises, or tells as a fault, as far as it is fixed text."""
    tree = ast.parse((ROOT / "shared" / "policy" / f"{name}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="ValueError"), args=[said]):
                yield fixed(said)
            case ast.Call(func=ast.Name(id="PolicyFault"), args=[_, _, said, *_]):
                if not isinstance(said, ast.Name):
                    yield fixed(said)


def fixed(said: ast.expr) -> str:
    parts = said.values if isinstance(said, ast.JoinedStr) else [said]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    wrong = FIRST.replace(RATE, "medical = 8.0,").replace(AMOUNT, "1.00").replace(MONTHS, "")
    assert len(run("check", draft(tmp_path, wrong)).output.splitlines()) == 3


def test_a_place_is_told_by_the_files_own_keys(tmp_path: Path) -> None:
    told = run("check", draft(tmp_path, FIRST.replace(AMOUNT, "1.00"))).output
    assert ": sets.delivery.amounts.assisted: write" in told


def test_lines_end_as_they_do_on_a_clerks_machine(tmp_path: Path) -> None:
    folder = draft(tmp_path)
    path = folder / FOLDER / "first.toml"
    path.write_bytes(FIRST.replace(AMOUNT, "1.00").replace("\n", "\r\n").encode())
    amounts = FIRST[: FIRST.index("amounts =")].count("\n") + 1
    assert f"first.toml:{amounts}: clause 4" in run("check", folder).output


def test_what_is_right_is_told_with_what_production_admits(tmp_path: Path) -> None:
    opened = FIRST.replace(LAST, LAST + '\nconflict = { state = "open", other_reading = "30 天" }')
    sheet = SHEET + '[demo]\nopen_cells = ["state_age_days_max"]\n'
    done = run("check", draft(tmp_path, opened, sheet), "--lang", "en")
    assert done.exit_code == 0, done.output
    assert "production would have to admit by name: 990000:state_age_days_max" in done.output
    assert re.search(r"says nothing of.*\bdeciding_date\b", done.output)


def test_a_folder_without_pools_is_a_fault(tmp_path: Path) -> None:
    done = run("check", tmp_path / "nowhere")
    assert done.exit_code == 1
    assert "no pool here" in done.output


def test_a_pools_own_folder_is_not_the_folder_of_pools(tmp_path: Path) -> None:
    told = run("check", draft(tmp_path) / FOLDER)
    assert told.exit_code == 1
    assert "name the folder that holds it" in told.output


def test_a_statement_begins_where_it_begins() -> None:
    first = "[[clause]]\narticle = 'a'\n\n# of the list\nlist = [\n  1,\n  2,\n]\n[clause.sets.x]\ny = 1\n"
    assert line_of(first, ("clause", 0, "list", 1)) == 5
    assert line_of(first, ("clause", 0, "sets", "x", "variant", "y")) == 10
    assert line_of(first, ("clause", 0, "sets", "x", "absent")) == 9
    assert line_of(first, ("absent",)) == 1
