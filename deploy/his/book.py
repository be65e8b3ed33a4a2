"""The hospital's own book: what each receipt said, and how it travels to be held against ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from shared.plumbing.zipped_rows import read_rows, write_rows

ROWS_MOST = 20_000

RESULT_COLUMNS = (
    "psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo",
    "medfee_sumamt", "fund_pay_sumamt", "acct_pay",
)  # fmt: skip
NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Entry:
    """A settlement, or its undoing, in yuan as the receipt wrote them."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    total: Decimal
    fund: Decimal
    account: Decimal
    refund: bool
    what: str = ""

    @property
    def key(self) -> tuple[str, bool]:
        """What makes the row one of a kind in either book."""
        return self.setl_id, self.refund


def of_receipt(info: Mapping[str, Any], what: str, *, refund: bool = False) -> Entry:
    """The entry that a receipt's setlinfo makes."""
    return Entry(
        info["setl_id"], info["mdtrt_id"], info["psn_no"], info["medfee_sumamt"],
        info["fund_pay_sumamt"], info["acct_pay"], refund, what,
    )  # fmt: skip


def as_file(book: Sequence[Entry]) -> bytes:
    """The book as 9101 sends it for 3202."""
    return write_rows(
        "book.txt",
        (
            [
                one.setl_id, one.mdtrt_id, one.psn_no, f"{one.total:.2f}", f"{one.fund:.2f}",
                f"{one.account:.2f}", "1" if one.refund else "0",
            ]
            for one in book
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the agency says of a row: its own amounts where it has the row, the message that made it
    there, and why it is not level."""

    entry: Entry
    msgid: str
    level: bool
    memo: str


def verdicts(result: bytes) -> list[Verdict]:
    """What a result file of 3202 says, row by row."""
    found = []
    for row in read_rows(result, len(RESULT_COLUMNS), ROWS_MOST):
        named = dict(zip(RESULT_COLUMNS, row, strict=True))
        entry = Entry(
            named["setl_id"], named["mdtrt_id"], named["psn_no"], Decimal(named["medfee_sumamt"]),
            Decimal(named["fund_pay_sumamt"]), Decimal(named["acct_pay"]),
            named["refd_setl_flag"] == "1",
        )  # fmt: skip
        found.append(Verdict(entry, named["msgid"], named["stmt_rslt"] == "0", named["memo"]))
    return found


def totals(book: Sequence[Entry]) -> dict[str, Any]:
    """What 3201 and 3202 name of a book."""
    total = sum((one.total for one in book), NOTHING)
    fund = sum((one.fund for one in book), NOTHING)
    account = sum((one.account for one in book), NOTHING)
    return {
        "medfee_sumamt": f"{total:.2f}", "fund_pay_sumamt": f"{fund:.2f}",
        "acct_pay": f"{account:.2f}", "cash_payamt": f"{total - fund - account:.2f}",
        "fixmedins_setl_cnt": len(book),
    }  # fmt: skip


def carried(verdict: Verdict) -> Entry:
    """A row that the agency had before the day began, taken into the hospital's book."""
    return replace(verdict.entry, what="carried forward")
