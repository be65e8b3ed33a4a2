"""A pool in the making, for the tests of its author's tools."""

# ruff: noqa: E501 (a row of the table, a line of a document, is read as one)
from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from shared.policy.__main__ import commands

FOLDER = "990000-trial"
SHEET = """\
pool = "990000"
name = "试点"
first_date = 2020-01-01

[[inherits]]
pool = "000000"
cells = ["rounding"]
"""
FIRST = """\
pool = "990000"
id = "first"
title = "第一号文件"
checked_on = 2026-11-21
grade = "A"
source = { id = "s", citation = "全文" }

[[clause]]
article = "一"
gist = "单位费率"
from = 2020-01-01
kinds = ["employee"]
sets.employer_rate = { medical = 0.08, maternity = 0.005 }

# A header within a text is no header.
[[clause]]
article = "二"
gist = '''
等待期
[[clause]]
'''
from = 2020-01-01
kinds = ["employee"]
sets.waiting = { months = 10, medical_if_short = "paid" }

[[clause]]
article = "三"
gist = "个人负担"
from = 2020-01-01
[clause.sets.member_share]
level_1 = { vaginal = [{ share = 0.0 }], assisted = [{ share = 0.0 }], cesarean = [{ share = 0.0 }] }
level_2 = { vaginal = [{ share = 0.0 }], assisted = [{ share = 0.0 }], cesarean = [{ share = 0.0 }] }
[clause.sets.member_share.level_3]
vaginal = [{ up_to = "3000.00", share = 0.0 }, { up_to = "5000.00", share = 0.05 }, { share = 0.15 }]
assisted = [{ share = 0.0 }]
cesarean = [
  { up_to = "4500.00", share = 0.0 },
  { share = 0.1 },
]

[[clause]]
article = "四"
gist = "住院分娩"
from = 2020-01-01
kinds = ["employee", "flexible"]
[clause.sets.delivery]
method = "cap"
amounts = { vaginal = "4000.00", assisted = "4200.00", cesarean = "6000.00" }
extra_infant = "500.00"

[[clause]]
article = "五"
gist = "记录的期限"
from = 2020-01-01
sets.state_age_days_max = 45
"""


def run(*said: str | Path) -> Result:
    """`python -m shared.policy` with these words."""
    return CliRunner().invoke(commands, [str(word) for word in said])


def draft(folder: Path, first: str = FIRST, sheet: str = SHEET, **others: str) -> Path:
    """A folder with one pool of these files."""
    pool = folder / FOLDER
    pool.mkdir(parents=True)
    (pool / "pool.toml").write_text(sheet, encoding="utf-8")
    for name, text in {"first": first, **others}.items():
        (pool / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder
