"""The money laws of the interface's receipt, over many random settlements and their reversals."""

from __future__ import annotations

import json
import random
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.settlement.domain.cost import Cost
from services.settlement.domain.his_profile import HisProfile, Scheme
from services.settlement.domain.person import PersonState
from services.settlement.domain.settlement import Settlement, Shares
from services.settlement.domain.steps import Step, StepKind, stored_steps
from services.settlement.nhsa.receipt import receipt
from services.settlement.nhsa.replies import reply_bytes, with_names
from services.settlement.nhsa.tables import ours
from shared.money import Money
from shared.period import Month
from shared.policy.rules import Citation
from tests.support.his import holds

NOW = datetime(2024, 3, 28, 2, 0, tzinfo=UTC)
PROFILE = HisProfile("000001", "H1", Scheme.X_TIF, "", "", (), False, -1, {}, frozenset(), {})

HER = PersonState("P", 1, (), (), NOW, "female", Month.parse("1993-03"))


def _split(draw: random.Random, total: int, parts: int) -> list[Money]:
    """A total in parts that may be nothing."""
    cuts = sorted(draw.randint(0, total) for _ in range(parts - 1))
    return [Money(b - a) for a, b in zip([0, *cuts], [*cuts, total], strict=True)]


def _drawn(draw: random.Random) -> tuple[Settlement, Cost]:
    total = draw.choice((1, 2, 99, 100, 10**9, draw.randint(1, 10**7)))
    desk_fund, desk_member, other = _split(draw, total, 3)
    institution = Money(draw.randint(-(10**5), 10**5))
    account = Money(draw.randint(0, desk_member.fen))
    shares = Shares(
        total=Money(total), fund=desk_fund - institution, member=desk_member,
        member_account=account, member_cash=desk_member - account, institution=institution,
        other_fund=other, desk_fund=desk_fund, desk_member=desk_member,
    )  # fmt: skip
    in_scope, out_of_scope, over_limit, first_copay = _split(draw, total, 4)
    cost = Cost(Money(total), in_scope, out_of_scope, over_limit, first_copay)
    return _settlement(shares, draw), cost


def _settlement(shares: Shares, draw: random.Random) -> Settlement:
    kinds = ("employee", "flexible", "retiree", "early_retiree", "spouse_unemployed",
             "unemployment_benefit")  # fmt: skip
    day = date(2024, 3, 21)
    return Settlement(
        pool_code="000001", settlement_id=uuid4(), reverses=None, institution_code="H1",
        institution_level=3, stay_id=uuid4(), stay_version=3, pregnancy_id=uuid4(),
        person_ref=uuid4().hex, state_version=1, county_code="000001",
        member_kind=draw.choice(kinds),
        benefit=draw.choice(("delivery", "prenatal", "loss", "family_planning", "complication")),
        insurance_type="510", expenditure_item=draw.choice(("maternity", "medical")), mode=None,
        infants=None, admitted_on=day, event_on=day, discharged_on=day, rule_on=day,
        shares=shares, line_count=1, steps="[]", rates=(), book="b", engine="1", settled_at=NOW,
        account_month=day.replace(day=1), actor="his",
    )  # fmt: skip


def _read(made: dict[str, Any]) -> dict[str, Any]:
    """The receipt as a client reads it: through the bytes."""
    body = reply_bytes(made, PROFILE, "000001", NOW, NOW)
    output: dict[str, Any] = json.loads(body, parse_float=Decimal)["output"]
    return output


def test_the_laws_hold_for_settlements_reversals_and_quotes() -> None:
    draw = random.Random(6)  # noqa: S311
    for _ in range(10_000):
        settlement, cost = _drawn(draw)
        told = {"insutype": "310", "med_type": "52"}
        settled = _read(receipt(settlement, cost, draw.choice((None, HER)), told, "m"))
        holds(settled)
        reversal = replace(
            settlement, settlement_id=uuid4(), reverses=settlement.settlement_id,
            shares=settlement.shares.negated(),
        )  # fmt: skip
        undone = _read(receipt(reversal, cost, HER, told, "m2"))
        holds(undone)
        amounts = {k for k, v in settled["setlinfo"].items() if isinstance(v, Decimal)} - {"age"}
        for key in amounts:
            assert undone["setlinfo"][key] == -settled["setlinfo"][key], key
        quoted = _read(
            receipt(replace(settlement, settlement_id=UUID(int=0)), cost, HER, told, "m")
        )
        assert (quoted["setlinfo"]["setl_id"], quoted["setlinfo"]["setl_time"]) == ("", "")
        assert {key: quoted["setlinfo"][key] for key in amounts} == {
            key: settled["setlinfo"][key] for key in amounts
        }


def test_every_amount_is_a_number_with_two_places_and_nothing_is_null() -> None:
    draw = random.Random(7)  # noqa: S311
    settlement, cost = _drawn(draw)
    made = receipt(settlement, cost, None, {}, "m")
    body = reply_bytes(made, PROFILE, "000001", NOW, NOW)
    assert b"null" not in body
    total = settlement.shares.total.to_wire().encode()
    assert b'"medfee_sumamt":' + total + b"," in body
    info = _read(made)["setlinfo"]
    assert info["setl_time"] == "2024-03-28 10:00:00"
    assert all(info[key] is not None for key in ("age", "balc", "act_pay_dedc", "hifdm_pay"))


def test_names_are_the_callers_own_and_not_kept() -> None:
    settlement, cost = _drawn(random.Random(8))  # noqa: S311
    stored = reply_bytes(receipt(settlement, cost, HER, {}, "m"), PROFILE, "000001", NOW, NOW)
    named = with_names(stored, {"psn_name": '例"某', "certno": "1"})
    info = json.loads(named)["output"]["setlinfo"]
    assert (info["psn_name"], info["certno"]) == ('例"某', "1")
    assert "例".encode() not in stored
    assert with_names(stored, {"psn_name": '例"某', "certno": "1"}) == named


def test_every_part_of_the_shares_shows() -> None:
    """Whatever part is changed, the receipt changes: none of what a desk sees is left out."""
    settlement, cost = _drawn(random.Random(9))  # noqa: S311
    plain = receipt(settlement, cost, HER, {}, "m")
    for field in fields(Shares):
        if field.name in ("fund", "member", "member_cash", "institution"):
            continue  # what the month's clearing settles, and what follows from the others
        more = replace(
            settlement.shares, **{field.name: getattr(settlement.shares, field.name) + Money(7)}
        )
        assert receipt(replace(settlement, shares=more), cost, HER, {}, "m") != plain, field.name


@pytest.mark.parametrize(
    ("kinds", "way"),
    [(("head", "head_slice"), "4"), (("points",), "50"), (("quota", "quota_less_share"), "904"),
     (("lump_sum", "limited_to_bill"), "904"), (("fixed_sum",), "904"),
     (("band_share", "in_scope_less_share"), "1"), (("quota", "itemised_for_cost"), "1"),
     (("unit_limit",), "9"), ((), "9")],
)  # fmt: skip
def test_the_way_of_clearing_is_that_of_the_price(kinds: tuple[str, ...], way: str) -> None:
    settlement, cost = _drawn(random.Random(10))  # noqa: S311
    cited = Citation("1", "d", "D", "A", "")
    steps = stored_steps(Step(StepKind(kind), cited) for kind in (*kinds, "fund_pays"))
    made = receipt(replace(settlement, steps=steps), cost, HER, {}, "m")
    assert made["setlinfo"]["clr_way"] == way
    assert set(ours("clr_ways")) <= {kind.value for kind in StepKind}


def test_the_sex_on_a_receipt_is_what_enrollment_told() -> None:
    settlement, cost = _drawn(random.Random(11))  # noqa: S311
    for person, code in ((HER, "2"), (replace(HER, sex="male"), "1"), (None, "9"),
                         (replace(HER, sex=None), "9")):  # fmt: skip
        assert receipt(settlement, cost, person, {}, "m")["setlinfo"]["gend"] == code
