"""M07: what the fund paid, held against the amounts that the rules of the day set, case by case."""

from __future__ import annotations

from deploy.verify.priced_again import Facts, facts_of_live
from deploy.verify.rates import archived_books
from deploy.verify.stores import Stores, found
from services.settlement.domain.checks import HEAD, PREGNANCY
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.refusals import Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.standard import standard_of
from services.settlement.domain.treatment import treatment_of
from services.settlement.store.ledger import settlement_from_row
from shared.money import Money
from shared.plumbing.clock import business_day
from shared.policy.book import Book, Day, NoRule
from shared.policy.cells import ITEMISED, PRENATAL, PRENATAL_AMOUNT
from shared.policy.payments import Cap, LumpSum, Subsidy
from shared.policy.prenatal import PerUnit, Staged
from shared.policy.shapes import MemberKind

_USED = """
select settlement_id::text, unit, limit_fen from unit_entry
where amount_fen > 0 order by settlement_id
"""
_ABOVE = """
select 'unit ' || unit || ' of ' || pregnancy_id from unit_entry
group by pool_code, pregnancy_id, unit having sum(amount_fen) > max(limit_fen) order by 1
"""


async def m07(stores: Stores) -> list[str]:
    """No case is paid above its cap, no unit or head above the limit that the book sets for it."""
    books = await archived_books(stores)
    wrong = await found(stores.settlement, _ABOVE)
    used: dict[str, list[tuple[str, Money]]] = {}
    for row in await stores.settlement.fetch(_USED):
        limits = used.setdefault(row["settlement_id"], [])
        limits.append((row["unit"], Money(row["limit_fen"])))
    async for row, facts, beside in facts_of_live(stores):
        settlement = settlement_from_row(row)
        book = books.get(settlement.book)
        if book is None or facts.stay is None or facts.stay.outcome is None or beside:
            continue  # M08 tells of what is missing, and prices again what was adjusted
        claim = str(settlement.settlement_id)
        try:
            if not _within(settlement, facts, used.get(claim, []), book):
                wrong.append(claim)
        except NoRule:
            wrong.append(claim)
    return wrong


def _within(
    settlement: Settlement, facts: Facts, used: list[tuple[str, Money]], book: Book
) -> bool:
    """Whether a settlement keeps to the amounts of its day. Raises NoRule."""
    if facts.stay is None or facts.stay.outcome is None:
        return True
    rules = book.on(
        settlement.pool_code,
        MemberKind(settlement.member_kind),
        on=settlement.rule_on,
        known_on=business_day(settlement.settled_at),
    )
    claimed = facts.stay.outcome.claimed
    if isinstance(claimed, Prenatal):
        return all(limit in _limits(unit, rules) for unit, limit in used)
    treatment = treatment_of(claimed, settlement.institution_level, rules)
    if isinstance(treatment, Refused):
        return True
    method = treatment.payment
    if not isinstance(method, Cap | LumpSum | Subsidy):
        return True
    itemised = rules.ask_if_any(ITEMISED)
    by_cost = itemised is not None and (itemised.value.above or itemised.value.above_times)
    if treatment.complications or by_cost:
        return True  # it may have left its standard: M08 says what it is worth then
    standard = standard_of(treatment, method, rules)
    if standard is None or isinstance(standard, Refused):
        return True
    return settlement.shares.fund <= standard.amount


def _limits(unit: str, rules: Day) -> list[Money]:
    """The limits that the rules of a day set for a unit. Raises NoRule."""
    method = rules.ask(PRENATAL).value
    if isinstance(method, PerUnit):
        return [one.limit for one in method.units if one.id == unit]
    if isinstance(method, Staged):
        stages = [stage.limit for stage in method.stages]
        return [Money.total(stages[: n + 1]) for n in range(len(stages))]
    return [rules.ask(PRENATAL_AMOUNT).value] if unit in (HEAD, PREGNANCY) else []
