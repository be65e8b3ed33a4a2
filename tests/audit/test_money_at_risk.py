"""What a flag puts at stake is what settlement's re-pricing says, part by part."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from services.audit.domain.rule import read_rules
from services.audit.work.money_at_risk import MoneyAtRisk
from services.settlement.api.prices import PricesBody
from shared.plumbing.peer import Peer
from tests.audit.conftest import Audit, FixedClock
from tests.audit.events import Telling
from tests.audit.test_clinical_facts import as_event, golden
from tests.contracts.rest.calls import FOLDER

FROZEN: dict[str, Any] = json.loads(
    (FOLDER / "settlement" / "settlements-prices.json").read_text(encoding="utf-8")
)["answer"]["body"]
NOTHING_OF_THE_FUNDS, A_PART, ANOTHER_MODE, UNKNOWN = FROZEN["items"]


@dataclass
class Settlement:
    """Settlement's edge as far as it is asked: what it was sent, and the answer that it gives."""

    answer: dict[str, Any] = field(default_factory=lambda: NOTHING_OF_THE_FUNDS)
    answers: bool = True
    unreadable: Callable[[dict[str, Any]], bool] = lambda item: False
    hangs_on: Callable[[dict[str, Any]], bool] = lambda item: False
    hangs_oddly: bool = False
    quick: int = 1000
    calls: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not self.answers:
            raise httpx.ConnectError("gone")
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "t"})
        self.calls += 1
        if len(json.loads(request.content)["items"]) > self.quick:
            raise httpx.ReadTimeout("too much at once")
        if any(self.hangs_on(item) for item in json.loads(request.content)["items"]):
            if self.hangs_oddly:
                return httpx.Response(200, json={"something": "else"})
            raise httpx.ReadTimeout("for ever")
        body = PricesBody.model_validate_json(request.content)  # the form that settlement takes
        if any(self.unreadable(item) for item in json.loads(request.content)["items"]):
            return httpx.Response(400, json={"code": "1-malformed"})
        self.asked += json.loads(request.content)["items"]
        items = [
            copy.deepcopy(self.answer) | {"settlement_id": str(one.settlement_id)}
            for one in body.items
        ]
        return httpx.Response(200, json={"items": items})


@pytest.fixture
def settlement() -> Settlement:
    return Settlement()


@pytest.fixture
def worker(audit: Audit, settlement: Settlement) -> MoneyAtRisk:
    peer = Peer(
        "settlement", "http://settlement", "service-audit:s", httpx.MockTransport(settlement)
    )
    return MoneyAtRisk(audit.pool, FixedClock(), read_rules(), peer)


def billed_twice() -> dict[str, Any]:
    """A cesarean with its operation, of which two are on the bill."""
    told = golden(3)
    operation = told["items"][0] | {
        "code": "cesarean-section", "quantity": "2", "amount": "1800.00", "in_scope": "1800.00",
    }  # fmt: skip
    proof = operation | {"code": "anaesthesia", "quantity": "1", "amount": "500.00",
                         "in_scope": "500.00"}  # fmt: skip
    return told | {"mode": "cesarean", "items": [operation, proof], "procedures": ["74.1x01"]}


async def of_family(audit: Audit, family: str) -> dict[str, Any]:
    (found,) = [flag for flag in await audit.flags() if flag["rule_family"] == family]
    return await audit.flag(found["flag_id"])


async def test_a_duplicated_item_costs_the_fund_nothing_where_re_pricing_says_so(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    await audit.hear(as_event(billed_twice()))
    before = await of_family(audit, "duplicate-charge")
    assert (before["amount_at_risk"], before["money_at_risk"]) == ("900.00", None)
    await worker.ask()
    half = {"item_code": "cesarean-section", "amount": "900.00"}
    assert half in [one for item in settlement.asked for one in item["less"]]
    after = await of_family(audit, "duplicate-charge")
    money = after["money_at_risk"]
    assert (money["fund"], money["member"], money["institution"]) == ("0.00", "300.00", "0.00")
    assert after["amount_at_risk"] == "0.00"
    assert after["version"] == before["version"]  # nothing that a reviewer decided on has changed
    asked = len(settlement.asked)
    await worker.ask()
    assert len(settlement.asked) == asked


async def test_a_mode_that_nothing_proves_is_asked_for_as_a_plain_birth(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    settlement.answer = ANOTHER_MODE
    await audit.hear(as_event(billed_twice() | {"procedures": ["75.4x00x002"]}))
    await worker.ask()
    unproven = await of_family(audit, "caesarean-unproven")
    assert unproven["amount_at_risk"] == ANOTHER_MODE["difference"]["fund"] == "2275.00"
    assert unproven["money_at_risk"]["member"] == "-475.00"
    assert {"mode": "vaginal"} in [item.get("corrected") for item in settlement.asked]


async def test_a_claim_that_is_questioned_whole_needs_no_price(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    await audit.hear(Telling(born="2026-02-01").settled(), Telling(born="2026-02-03").settled())
    before = await of_family(audit, "duplicate-claim")
    await worker.ask()
    after = await of_family(audit, "duplicate-claim")
    assert after["amount_at_risk"] == before["amount_at_risk"] == "7000.00"
    assert settlement.asked == []
    assert after["money_at_risk"]["fund"] is after["money_at_risk"]["refused"] is None


async def test_what_settlement_cannot_say_leaves_the_rules_word(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    await audit.hear(as_event(billed_twice()))
    settlement.answers = False
    await worker.ask()
    assert (await of_family(audit, "duplicate-charge"))["money_at_risk"] is None
    settlement.answers, settlement.answer = True, UNKNOWN
    await worker.ask()
    flag = await of_family(audit, "duplicate-charge")
    assert flag["money_at_risk"]["refused"] == "1052-line-unknown"
    assert (flag["amount_at_risk"], flag["money_at_risk"]["fund"]) == ("900.00", None)
    settlement.answer = UNKNOWN | {"settled": A_PART["settled"], "book": "b" * 64}
    await audit.owner.execute("delete from money_at_risk")
    await worker.ask()
    flag = await of_family(audit, "duplicate-charge")
    assert flag["amount_at_risk"] == A_PART["settled"]["fund"]  # the law would pay none of it


async def test_a_later_finding_is_asked_for_again(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    await audit.hear(as_event(billed_twice()))
    await worker.ask()
    asked = len(settlement.asked)
    await audit.owner.execute("update money_at_risk set asked_at = asked_at - interval '1 second'")
    await worker.ask()
    assert len(settlement.asked) == 2 * asked > 0


async def test_a_rule_that_was_taken_away_is_told_and_stops_no_other(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    await audit.hear(as_event(billed_twice() | {"procedures": ["75.4x00x002"]}))
    await audit.owner.execute(
        "update finding n set rule_version = 1000 from flag f"
        " where f.flag_id = n.flag_id and f.rule_family = 'caesarean-unproven'"
    )
    before = await audit.owner.fetchval(
        "select at_risk_fen from flag where rule_family = 'caesarean-unproven'"
    )
    with capture_logs() as logs:
        await worker.ask()
        await worker.ask()
    told = [one["rules"] for one in logs if one["event"] == "no such rule any more"]
    assert [rule.rpartition(".")[2] for (rule, *_) in told] == ["1000"]  # once, not for ever
    good = await of_family(audit, "duplicate-charge")
    assert good["money_at_risk"]["fund"] == "0.00"
    after = await audit.owner.fetchrow(
        "select f.at_risk_fen, m.fund_fen, m.refused from flag f join money_at_risk m"
        " using (pool_code, flag_id) where f.rule_family = 'caesarean-unproven'"
    )
    assert tuple(after) == (before, None, None)  # the word of the rule stands


async def test_one_claim_that_settlement_cannot_read_stops_no_other(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    settlement.unreadable = lambda item: "corrected" in item
    await audit.hear(as_event(billed_twice() | {"procedures": ["75.4x00x002"]}))
    await worker.ask()
    good = await of_family(audit, "duplicate-charge")
    assert good["money_at_risk"]["fund"] == "0.00"
    bad = await of_family(audit, "caesarean-unproven")
    assert (bad["money_at_risk"]["refused"], bad["money_at_risk"]["fund"]) == ("1-malformed", None)
    asked = settlement.calls
    assert asked > 1
    await worker.ask()
    assert settlement.calls == asked  # not for ever


async def test_what_gets_no_answer_in_time_is_asked_for_in_smaller_batches(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement
) -> None:
    settlement.quick = 1
    await audit.hear(as_event(billed_twice() | {"procedures": ["75.4x00x002"]}))
    for _ in range(3):
        await worker.ask()
    flags = [await audit.flag(flag["flag_id"]) for flag in await audit.flags()]
    assert len(flags) > 1
    assert all(flag["money_at_risk"] for flag in flags)
    settlement.quick = 1000
    await audit.owner.execute("update money_at_risk set asked_at = asked_at - interval '1 second'")
    settlement.asked.clear()
    calls = settlement.calls
    await worker.ask()
    assert len(settlement.asked) == len(flags)
    assert settlement.calls - calls < len(flags)  # and in larger ones again


@pytest.mark.parametrize("wrong", ["silent", "odd"])
async def test_a_flag_without_an_answer_lets_the_others_go_before(
    audit: Audit, worker: MoneyAtRisk, settlement: Settlement, wrong: str
) -> None:
    """Red while the flag with the most money comes first again and again."""
    settlement.hangs_on = lambda item: "corrected" in item
    settlement.hangs_oddly = wrong == "odd"
    await audit.hear(as_event(billed_twice() | {"procedures": ["75.4x00x002"]}))
    for _ in range(3):
        with suppress(KeyError):
            await worker.ask()
    assert (await of_family(audit, "duplicate-charge"))["money_at_risk"]["fund"] == "0.00"
    assert (await of_family(audit, "caesarean-unproven"))["money_at_risk"] is None
    settlement.hangs_on = lambda item: False
    await worker.ask()
    assert (await of_family(audit, "caesarean-unproven"))["money_at_risk"]["fund"] == "0.00"
