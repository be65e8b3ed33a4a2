"""A document that comes late, and the people who make the book with it current."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN
from tests.support.agency import Agency, made, until
from tests.support.running import Client
from tests.support.trial_pools import TRIAL, book_of

POOL = "320100"


def _late(
    pool: str, document: str, title: str, clauses: str, *, published: str = "2024-03-28"
) -> str:
    """A document, by default published on the first day of the tests' clock."""
    return f"""
pool = "{pool}"
id = "{document}"
title = "{title}"
published = {published}
checked_on = 2026-11-21
grade = "C"
source = {{ id = "late", citation = "test" }}
{clauses}"""


LATE = _late(
    "320100",
    "late-quota",
    "关于提高分娩结算定额的通知",
    """
[[clause]]
article = "第一条"
gist = "三级医院顺产 3400 元"
from = 2024-03-01
[clause.sets.settlement_quota]
level_1 = { vaginal = "2200.00", assisted = "2400.00", cesarean = "3600.00" }
level_2 = { vaginal = "2700.00", assisted = "2900.00", cesarean = "4400.00" }
level_3 = { vaginal = "3400.00", assisted = "3400.00", cesarean = "4900.00" }
""",
    published="2024-05-01",
)
"""Raises the quota of a vaginal birth at level 3 by 300 yuan, from before it was published."""

LATE_AT_ONCE = LATE.replace("2024-05-01", "2024-03-28").replace(
    'cesarean = "4900.00"', 'cesarean = "5200.00"'
)
"""The same, published on the first day of the tests' clock, and for a caesarean too."""


LATE_UNITS = _late(
    "990001",
    "late-units",
    "关于调整产前检查限额的通知",
    """
[[clause]]
article = "第一条"
gist = "第一单元 800 元"
from = 2023-01-01
kinds = ["employee"]
[clause.sets.prenatal]
method = "per_unit"
excess = "member"
units = [
  { id = "U1", below_week = 14, limit = "800.00" },
  { id = "U2", from_week = 14, below_week = 28, limit = "500.00" },
  { id = "U3", from_week = 28, limit = "400.00" },
]
""",
)
"""Raises the first unit of the trial pool from 600 yuan, from before it was published."""

LOWER_UNITS = LATE_UNITS.replace('"400.00"', '"350.00"').replace("800.00", "400.00")
"""Lowers the first unit to 400 yuan, and the last from 400 to 350."""

LATE_CAP = _late(
    "990001",
    "late-cap",
    "关于提高分娩限额的通知",
    """
[[clause]]
article = "第一条"
gist = "限额提高"
from = 2023-01-01
kinds = ["employee"]
[clause.sets.delivery]
method = "cap"
amounts = { vaginal = "4400.00", assisted = "4400.00", cesarean = "6600.00" }
""",
    published="2024-05-01",
)
"""Raises what the trial pool pays at most for a birth."""

LATE_SUMS = _late(
    "990001",
    "late-sums",
    "关于生育津贴和营养补助的通知",
    """
[[clause]]
article = "第一条"
gist = "产假一百二十八天"
from = 2024-03-01
[clause.sets.leave_days]
birth = 128
dystocia = 15
extra_infant = 15
losses = [{ below_week = 16, days = 15 }, { days = 42 }]
family_planning = { iud_insert = 2 }

[[clause]]
article = "第二条"
gist = "营养补助两千元"
from = 2024-03-01
kinds = ["employee"]
sets.nutrition = { amount = "2000.00", loss_from_week = 28 }
""",
)
"""Lengthens the leave by thirty days and raises the subsidy by 500 yuan."""

LATE_WAIT = _late(
    "990001",
    "late-wait",
    "关于等待期的通知",
    """
[[clause]]
article = "第一条"
gist = "十一月须连续缴费三十六个月"
from = 2023-11-01
kinds = ["employee"]
sets.waiting = { months = 36, medical_if_short = "refused" }

[[clause]]
article = "第二条"
gist = "十二月起恢复"
from = 2023-12-01
kinds = ["employee"]
sets.waiting = { months = 0, medical_if_short = "paid" }
""",
)
"""Refuses, for one month that is over, whoever has not paid for three years."""

LATE_HEAD = _late(
    "990002",
    "late-head",
    "关于提高人头费的通知",
    """
[[clause]]
article = "第一条"
gist = "人头费 1200 元"
from = 2023-01-01
kinds = ["employee"]
sets.prenatal_amount = "1200.00"
""",
)
"""Raises the head of the other trial pool from 1000.01 yuan."""


def book_with(folder: Path, *documents: str) -> Book:
    """The built-in book and the trial's with some documents more, each in its pool."""
    pools = folder / "pools"
    for from_ in (BUILT_IN, TRIAL):
        shutil.copytree(from_, pools, dirs_exist_ok=True)
    for document in documents:
        read = tomllib.loads(document)
        (place,) = pools.glob(f"{read['pool']}-*")
        (place / f"{read['id']}.toml").write_text(document, encoding="utf-8")
    return book_of((pools,))


async def make_current(whole: Agency, first: Client, second: Client, book: Book) -> None:
    """Two people appoint a book."""
    office = whole.services["settlement"].app.state.office
    office.compile_built_in = lambda: book
    proposal = (await made(first.post("/books")))["proposal"]
    await made(second.post(f"/books/{proposal}/approve"))
    whole.clock.move(seconds=3)

    async def current() -> bool:
        return bool(office.book().hash == book.hash)

    await until(current)
