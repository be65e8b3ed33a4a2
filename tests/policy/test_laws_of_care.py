"""Laws of every priced case: of each benefit of each pool, shipped and made up, over drawn cases.

Each was seen red. The whole: what `_up_to` hands over left with the member, too; the account not
taken off the cash; a receipt without the hospital's part. Dearer: only the last band counted.
Caps: what was used before forgotten, the stage after the reached one opened, a condition's cap not
held, a subsidy above the bill.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.api.price_command import priced_line
from services.settlement.domain.cash import instalments
from shared.money import Money
from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN
from tests.policy.drawn_care import MEDICAL, CareDrawer
from tests.policy.naive import Naive
from tests.policy.naive.law import fen
from tests.policy.naive.most import most
from tests.policy.test_differential import bearing_on
from tests.support.trial_pools import TRIAL, book_of

FOLDERS = (BUILT_IN, Path(__file__).parent / "made_up", TRIAL)
TODAY = date(2026, 11, 21)
EXAMPLES, CASES = 25, 20
"""Seeds of each law and pool, and cases of each seed: the drawer's own luck finds the borders far
oftener than one that hypothesis plays for it."""

SWITCHES = {
    ("990103", "rest-second", "一"): ("1501.50", "spouse_unemployed", {"mode": "vaginal"}),
    ("990104", "care-first", "十三"): ("3750.00", "employee", {"weeks": 20, "high_risk": True}),
}
"""Clauses that turn a dear case to itemised payment and so lower what its mother pays: by pool,
document and article; with the last cost that is not itemised, and whose. No shipped pool has one:
there the share of an itemised case is that of the quota, and a cap is never lifted by the cost."""


@cache
def _book() -> Book:
    return book_of(FOLDERS)


@cache
def _naive() -> Naive:
    return Naive(FOLDERS)


@cache
def _drawers() -> dict[str, CareDrawer]:
    naive = _naive()
    made = (
        CareDrawer(Random(0), sheet, list(bearing_on(sheet, naive.documents)))  # noqa: S311
        for sheet in naive.sheets.values()
    )
    # a page that only lends its cells pays no bill
    return {drawer.pool: drawer for drawer in made if set(drawer.benefits()) & set(MEDICAL)}


def _answer(case: dict[str, Any]) -> dict[str, Any]:
    answer = priced_line(json.dumps(case), _book(), TODAY)
    slug = answer.get("refused", {}).get("slug")
    assert slug != "case_malformed", answer
    return answer


def _drawn(pool: str, seed: int, benefits: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    drawer = _drawers()[pool]
    drawer.random = Random(seed)  # noqa: S311
    among = [benefit for benefit in drawer.benefits() if not benefits or benefit in benefits]
    for _ in range(CASES):
        yield drawer.care(drawer.random.choice(among))


pools = pytest.mark.parametrize("pool", sorted(_drawers()))
drawing = given(seed=st.integers(0, 2**32))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pools
@many
@drawing
def test_the_parts_make_the_whole(pool: str, seed: int) -> None:
    for case in _drawn(pool, seed):
        answer = _answer(case)
        if "refused" not in answer:
            _adds_up(case, answer)


def _adds_up(case: dict[str, Any], answer: dict[str, Any]) -> None:
    sums = {name: fen(answer[name]) for name in ("total", "fund", "member", "other_fund")}
    borne = sums["fund"] + sums["member"] + fen(answer["institution"]) + sums["other_fund"]
    assert borne == sums["total"], (case, answer)
    account, cash = fen(answer["member_account"]), fen(answer["member_cash"])
    assert account + cash == sums["member"], (case, answer)
    desk = {name: fen(amount) for name, amount in answer["desk"].items()}
    assert desk["fund"] + desk["member"] + sums["other_fund"] == sums["total"], (case, answer)
    assert min(*sums.values(), account, cash, *desk.values()) >= 0, (case, answer)
    if case["benefit"] not in MEDICAL:
        assert sums["total"] == sums["fund"], (case, answer)
    elif "cost" in case:
        stated = fen(answer["total"]) - _billed(case["cost"])
        above = [fen(s["amount"]) for s in answer["steps"] if s["what"] == "paid_above_bill"]
        assert stated == sum(above), (case, answer)


def _billed(cost: dict[str, Any]) -> int:
    if "lines" in cost:
        return sum(fen(line["amount"]) for line in cost["lines"])
    return fen(cost.get("total", cost["in_scope"]))


@pools
@many
@drawing
def test_a_dearer_case_is_never_cheaper_for_her(pool: str, seed: int) -> None:
    for case in _drawn(pool, seed, MEDICAL):
        if "cost" in case:
            _not_cheaper(case, _drawers()[pool].random.choice([1, 100, 10_000, 500_000]))


@pools
def test_nor_across_a_border_that_a_document_draws(pool: str) -> None:
    for case in _drawers()[pool].at_edges():
        _not_cheaper(case, 2)
        _not_cheaper(case, 10_000)


def _not_cheaper(case: dict[str, Any], by: int) -> None:
    less, more = _answer(case), _answer(_dearer(case, by))
    if "refused" in less or "refused" in more or fen(more["member"]) >= fen(less["member"]):
        return
    assert _switched(case["pool"], less, more) in SWITCHES, (case, less, more)


def _dearer(case: dict[str, Any], fen_more: int) -> dict[str, Any]:
    """The same case with so much more in scope."""
    cost = dict(case["cost"])
    if "lines" in cost:
        cost["lines"] = [*cost["lines"], {"amount": _yuan(fen_more), "class": "A"}]
    else:
        for name in {"in_scope", "total"} & set(cost):
            cost[name] = _yuan(fen(cost[name]) + fen_more)
    return {**case, "cost": cost}


def _switched(pool: str, less: dict[str, Any], more: dict[str, Any]) -> tuple[str, str, str] | None:
    """The clause by which the dearer case alone is itemised for its cost."""
    if any(step["what"] == "itemised_for_cost" for step in less["steps"]):
        return None
    found = [step for step in more["steps"] if step["what"] == "itemised_for_cost"]
    return (pool, found[0]["document"], found[0]["article"]) if found else None


@pytest.mark.parametrize("clause", SWITCHES)
def test_each_switch_that_is_named_is_one(clause: tuple[str, str, str]) -> None:
    """An exception that no case needs would be a hole in the law."""
    edge, kind, facts = SWITCHES[clause]
    benefit = "delivery" if "mode" in facts else "loss"
    case = {
        "id": "switch", "pool": clause[0], "benefit": benefit, "on": "2024-06-01",
        "member": {"kind": kind}, "institution": {"level": 1}, "cost": {"in_scope": edge},
        benefit: facts,
    }  # fmt: skip
    less, more = _answer(case), _answer(_dearer(case, 1))
    assert fen(more["member"]) < fen(less["member"])
    assert _switched(clause[0], less, more) == clause


@pools
@many
@drawing
def test_the_fund_never_pays_above_what_caps_it(pool: str, seed: int) -> None:
    for case in _drawn(pool, seed):
        answer = _answer(case)
        if "refused" in answer:
            continue
        law = _naive().law(pool, case["member"]["kind"], date.fromisoformat(case["known_on"]))
        on = date.fromisoformat(case["on"])
        which = law.need("deciding_date", on)
        if case["benefit"] in MEDICAL:
            on = date.fromisoformat(case.get("dates", {}).get(which, case["on"]))
        end = most(case, law, on)
        assert end is None or fen(answer["fund"]) <= end, (case, answer, end)


@given(fen=st.integers(0, 10**9), count=st.integers(1, 12))
def test_instalments_sum_to_the_entitlement(fen: int, count: int) -> None:
    parts = instalments(Money(fen), count)
    assert len(parts) == count
    assert Money.total(parts) == Money(fen)
    assert list(parts) == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= Money(1)


@settings(deadline=None)
@given(months=st.integers(1, 24), base=st.integers(1, 3_000_000), wage=st.integers(1, 3_000_000))
def test_what_is_said_of_an_allowance_is_of_the_sum_that_is_paid(
    months: int, base: int, wage: int
) -> None:
    """Instalments and the employer's part, also where a short waiting period lowers the sum. Red
    when they were counted before it was lowered."""
    for kind, on in (("flexible", "2018-05-04"), ("employee", "2024-05-06")):
        member = {"kind": kind, "months_paid": months, "paid_until": on[:7]}
        stated = {"event": "birth", "mode": "vaginal", "base_monthly": _yuan(base),
                  "wage_monthly": _yuan(wage)}  # fmt: skip
        answer = _answer({"id": "sum", "pool": "990101", "benefit": "allowance", "on": on,
                          "member": member, "allowance": stated})  # fmt: skip
        said = {step["what"]: step for step in answer["steps"]}
        paid = fen(answer["fund"])
        if kind == "flexible":
            values = said["instalments"]["values"]
            whole = instalments(Money(paid), int(values["count"]))
            assert values["first"] == whole[0].to_wire()
            assert ("pro_rata" in said) == (months < 12)
        else:
            of_leave = (
                -(-wage * answer["days"] // 3_000) * 100
            )  # up to the yuan, as the clause says
            tops_up = fen(said["employer_tops_up"]["amount"]) if "employer_tops_up" in said else 0
            assert paid + tops_up == max(paid, of_leave)


def test_each_benefit_of_each_pool_is_paid_in_many_cases() -> None:
    """Laws over refusals alone would prove nothing."""
    paid: Counter[tuple[str, str]] = Counter()
    for pool, drawer in _drawers().items():
        drawer.random = Random(11)  # noqa: S311
        for benefit in drawer.benefits():
            answers = (_answer(drawer.care(benefit)) for _ in range(80))
            paid[pool, benefit] = sum("refused" not in answer for answer in answers)
    assert min(paid.values()) >= 8, paid
    assert {benefit for _, benefit in paid} >= {*MEDICAL, "allowance", "nutrition"}


def _yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"
