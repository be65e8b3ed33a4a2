"""A hospital's book as the file of 3202 writes it, and what came of each row as its result does.

In: setl_id, mdtrt_id, psn_no, medfee_sumamt, fund_pay_sumamt, acct_pay, refd_setl_flag.
Out: psn_no, mdtrt_id, setl_id, msgid, stmt_rslt, refd_setl_flag, memo, medfee_sumamt,
fund_pay_sumamt, acct_pay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from uuid import UUID

from services.settlement.actions.reconcile import Reconciled
from services.settlement.domain.reconciling import BookRow, Difference
from services.settlement.nhsa import ids
from services.settlement.nhsa.refusals import FILE_UNREADABLE, Wrong, words
from services.settlement.store.reconciliations import Written
from shared.money import Money
from shared.plumbing.zipped_rows import BadArchive, read_rows

ROWS_MOST = 20_000
"""Some years of a large hospital's births."""

_FIELDS = 7
_AMOUNT = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2}0*)?", re.ASCII)
_PERSON = re.compile(r"[A-Za-z0-9-]{0,64}", re.ASCII)
_FLAGS = {"0": False, "1": True, "": False}
_LEVEL, _NOT_LEVEL = "0", "1"


def read_book(content: bytes) -> list[BookRow]:
    """The rows of an uploaded book. Raises Wrong, which names the line."""
    try:
        rows = read_rows(content, _FIELDS, ROWS_MOST)
    except BadArchive as error:
        raise _unreadable(words()["file"][error.why], error.line) from None
    return [_row(number, row) for number, row in enumerate(rows, 1)]


def result_rows(
    made: Reconciled, written: Mapping[tuple[str, bool], Written]
) -> Iterator[list[str]]:
    """What came of each row: first those that differ, then those that are level."""
    for one in made.differences:
        row = one.ours or one.theirs
        assert row is not None  # noqa: S101 - a difference is of a row
        yield _told(row, _NOT_LEVEL, _memo(one), written)
    for row in made.level:
        yield _told(row, _LEVEL, "", written)


def _told(
    row: BookRow, result: str, memo: str, written: Mapping[tuple[str, bool], Written]
) -> list[str]:
    ours = written.get((row.claim, row.refund))
    settlement_id = ours.settlement_id if ours else UUID(row.claim)
    return [
        ids.person_to_wire(row.person),
        ids.to_wire(UUID(row.stay)) if row.stay else "",
        ids.to_wire(settlement_id),
        ours.msgid if ours else "",
        result,
        "1" if row.refund else "0",
        memo,
        *(amount.to_wire() for amount in (row.total, row.fund, row.account)),
    ]


def _memo(one: Difference) -> str:
    """The kind by its word, what it means, and the hospital's own amounts where ours stand."""
    said = words()["differing"]
    memo = f"{one.kind.value} {said[one.kind.value]}"
    if one.ours is not None and one.theirs is not None:
        theirs = one.theirs
        memo += said["theirs"].format(total=theirs.total, fund=theirs.fund, account=theirs.account)
    return memo


def _row(number: int, row: list[str]) -> BookRow:
    setl_id, mdtrt_id, psn_no, total, fund, account, flag = (text.strip() for text in row)
    if flag not in _FLAGS:
        raise _wrong(number, "refd_setl_flag", "code")
    person = ids.person_from_wire(psn_no)
    if not _PERSON.fullmatch(person) or ids.is_citizen_number(person):
        raise _wrong(number, "psn_no", "identifier")
    return BookRow(
        claim=_id(number, "setl_id", setl_id),
        refund=_FLAGS[flag],
        stay=_id(number, "mdtrt_id", mdtrt_id) if mdtrt_id else "",
        person=person,
        total=_amount(number, "medfee_sumamt", total),
        fund=_amount(number, "fund_pay_sumamt", fund),
        account=_amount(number, "acct_pay", account),
    )


def _id(number: int, code: str, text: str) -> str:
    try:
        return str(ids.from_wire(text))
    except ValueError:
        raise _wrong(number, code, "identifier") from None


def _amount(number: int, code: str, text: str) -> Money:
    if not _AMOUNT.fullmatch(text or "0"):
        raise _wrong(number, code, "number")
    return Money(int(Decimal(text or "0") * 100))


def _wrong(number: int, code: str, rule: str) -> Wrong:
    return _unreadable(f"{code} {words()['rules'][rule]}", number)


def _unreadable(rule: str, line: int = 0) -> Wrong:
    said = words()["file"]["row"].format(line=line, rule=rule) if line else rule
    return Wrong(FILE_UNREADABLE, "", told=said)
