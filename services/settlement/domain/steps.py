"""The steps of a decision: stored with it, and enough to explain it by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, Self

import orjson

from shared.money import Money
from shared.period import Month
from shared.policy.rules import Citation

Value = str | int | Money | Month | date


class StepKind(StrEnum):
    """What a step says. Each kind has a sentence in every language of the words."""

    DATE_DECIDES = "date_decides"
    SETTLED_UNDER = "settled_under"
    CHARGED_TO = "charged_to"
    CONTRIBUTIONS_CURRENT = "contributions_current"
    CONTRIBUTIONS_NOT_STATED = "contributions_not_stated"
    INTERRUPTION_SPARES_MEDICAL = "interruption_spares_medical"
    WAITING_MET = "waiting_met"
    WAITING_SHORT_BUT_PAID = "waiting_short_but_paid"
    WAITING_NOT_STATED = "waiting_not_stated"
    OUTSIDE_SCOPE = "outside_scope"
    BAND_SHARE = "band_share"
    NO_SHARE = "no_share"
    SHARE_ROUNDED = "share_rounded"
    QUOTA = "quota"
    QUOTA_LESS_SHARE = "quota_less_share"
    QUOTA_BESIDE_SHARE = "quota_beside_share"
    NO_QUOTA_KNOWN = "no_quota_known"
    APPLIED_AT_CLEARING = "applied_at_clearing"
    APPLIED_AT_DESK = "applied_at_desk"
    LUMP_SUM = "lump_sum"
    CAP = "cap"
    EXTRA_INFANTS = "extra_infants"
    LIMITED_TO_BILL = "limited_to_bill"
    NO_BILL_GIVEN = "no_bill_given"
    IN_SCOPE_LESS_SHARE = "in_scope_less_share"
    FUND_PAYS = "fund_pays"
    MEMBER_PAYS = "member_pays"
    FROM_ACCOUNT = "from_account"
    HOSPITAL_BEARS = "hospital_bears"
    HOSPITAL_KEEPS = "hospital_keeps"
    NOT_BOOKED_YET = "not_booked_yet"
    GAP_MADE_UP = "gap_made_up"
    TRANSFER_NO_WAITING = "transfer_no_waiting"
    FUND_PAYS_FIRST = "fund_pays_first"
    BED_CAP = "bed_cap"
    STANDARD_AMOUNT = "standard_amount"
    SUBSIDY = "subsidy"
    POINTS = "points"
    EXTRA = "extra"
    PORTION = "portion"
    PAID_ABOVE_BILL = "paid_above_bill"
    HANDED_OVER = "handed_over"
    CONDITION_CAP = "condition_cap"
    ITEMISED_FOR_COMPLICATION = "itemised_for_complication"
    ITEMISED_FOR_COST = "itemised_for_cost"
    UNIT_LIMIT = "unit_limit"
    STAGE_LIMIT = "stage_limit"
    PREGNANCY_LIMIT = "pregnancy_limit"
    FIRST_VISIT_LIMIT = "first_visit_limit"
    LIMIT_LEFT = "limit_left"
    FIXED_SUM = "fixed_sum"
    EXCESS_HANDED_OVER = "excess_handed_over"
    EXCESS_BY_MEMBER = "excess_by_member"
    HEAD = "head"
    HEAD_SLICE = "head_slice"
    LEAVE = "leave"
    LEAVE_DYSTOCIA = "leave_dystocia"
    LEAVE_INFANTS = "leave_infants"
    STILL_ON_LEAVE = "still_on_leave"
    BASE_STATED = "base_stated"
    BASE_OF_POOL = "base_of_pool"
    BASE_AVERAGED = "base_averaged"
    BASE_WEIGHTED = "base_weighted"
    BASE_RAISED = "base_raised"
    BASE_LOWERED = "base_lowered"
    BASE_AT_MINIMUM = "base_at_minimum"
    ALLOWANCE = "allowance"
    INSTALMENTS = "instalments"
    EMPLOYER_TOPS_UP = "employer_tops_up"
    PRO_RATA = "pro_rata"
    WAITING_REACHED = "waiting_reached"
    DEFERRED_UNTIL_WAITED = "deferred_until_waited"
    EMPLOYER_PAYS_FIRST = "employer_pays_first"
    PAID_TO = "paid_to"
    DUE_WITHIN = "due_within"
    DUE_IN_MONTH = "due_in_month"
    SUBSIDY_AMOUNT = "subsidy_amount"
    SUBSIDY_SHARE = "subsidy_share"
    EMPLOYER_OWES = "employer_owes"
    INDIVIDUAL_OWES = "individual_owes"
    LATE_FEE = "late_fee"
    PAID_NO_MORE = "paid_no_more"


class Step(NamedTuple):
    """One step: its amount where it has one, its values by name, and who says so.

    A value is written out, by `str`, when the step is stored: most priced cases never are.
    """

    kind: StepKind
    citation: Citation
    amount: Money | None = None
    values: tuple[tuple[str, Value], ...] = ()

    def to_stored(self) -> dict[str, Any]:
        """The form in which a step is stored beside the settlement: plain JSON values."""
        cited = self.citation
        return {
            "what": self.kind,
            "amount": None if self.amount is None else self.amount.to_wire(),
            "values": {name: str(value) for name, value in self.values},
            "article": cited.article,
            "document": cited.document,
            "document_title": cited.document_title,
            "grade": cited.grade,
            "label": cited.label,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """The step that `to_stored` wrote. Raises KeyError or ValueError for anything else."""
        amount = stored["amount"]
        return cls(
            StepKind(stored["what"]),
            Citation(
                stored["article"],
                stored["document"],
                stored["document_title"],
                stored["grade"],
                stored["label"],
            ),
            None if amount is None else Money.from_wire(amount),
            tuple(stored["values"].items()),
        )


def stored_steps(steps: Iterable[Step]) -> str:
    """The JSON in which steps are stored beside what they decided."""
    return f"[{','.join(map(_stored, steps))}]"


@lru_cache(maxsize=20_000)
def _stored(step: Step) -> str:
    """A step's stored JSON. Most steps say of thousands of mothers the very same."""
    return orjson.dumps(step.to_stored()).decode()
