"""Why the law says no: one closed, numbered list.

A number is given once and never again, also when its refusal goes. 1001 and up: the state of
stays, pregnancies and settlements; 2001 and up: policy and entitlement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from shared.period import Month
from shared.policy.rules import Citation


class Refusal(Enum):
    """Each: number, slug, and whether the same call may succeed later."""

    STAY_UNKNOWN = (1001, "stay_unknown", False)
    STAY_NUMBER_USED = (1002, "stay_number_used", False)
    STAY_CLOSED = (1003, "stay_closed", False)
    STAY_CHANGED = (1004, "stay_changed", True)
    LINE_NUMBER_USED = (1005, "line_number_used", False)
    DATES_OUT_OF_ORDER = (1006, "dates_out_of_order", False)
    STAY_NOT_DISCHARGED = (1007, "stay_not_discharged", False)
    STAY_ALREADY_SETTLED = (1008, "stay_already_settled", False)
    LINES_DO_NOT_SUM = (1009, "lines_do_not_sum", False)
    NO_AGREEMENT = (1010, "no_agreement", False)
    AGREEMENT_OVERLAPS = (1011, "agreement_overlaps", False)
    PERSON_UNKNOWN = (1012, "person_unknown", False)
    PERSON_STATE_UNREACHABLE = (1013, "person_state_unreachable", True)
    PERSON_STATE_TOO_OLD = (1014, "person_state_too_old", True)
    PERSON_NOT_OF_POOL = (1015, "person_not_of_pool", False)
    PREGNANCY_UNKNOWN = (1016, "pregnancy_unknown", False)
    PREGNANCY_OF_ANOTHER_PERSON = (1017, "pregnancy_of_another_person", False)
    PREGNANCY_OPEN_ALREADY = (1018, "pregnancy_open_already", False)
    PREGNANCY_OVERLAPS = (1019, "pregnancy_overlaps", False)
    PREGNANCY_CHANGED = (1020, "pregnancy_changed", True)
    BIRTH_BEFORE_PREGNANCY = (1021, "birth_before_pregnancy", False)
    DELIVERY_ALREADY_SETTLED = (1022, "delivery_already_settled", False)
    SETTLEMENT_UNKNOWN = (1023, "settlement_unknown", False)
    ALREADY_REVERSED = (1024, "already_reversed", False)
    PERIOD_CLOSED = (1025, "period_closed", False)
    PERIOD_NOT_OVER = (1026, "period_not_over", False)
    BOOK_MISSING = (1027, "book_missing", True)
    BOOK_UNKNOWN = (1028, "book_unknown", False)
    SECOND_PERSON_NEEDED = (1029, "second_person_needed", False)
    ITEM_OVERLAPS = (1030, "item_overlaps", False)
    BOOK_NOT_ADMITTED = (1031, "book_not_admitted", False)
    ADJUSTMENT_UNKNOWN = (1032, "adjustment_unknown", False)
    ADJUSTMENT_DECIDED = (1033, "adjustment_decided", False)
    ADJUSTMENT_BELOW_DEDUCTIONS = (1034, "adjustment_below_deductions", False)
    EARLIER_PERIOD_OPEN = (1035, "earlier_period_open", False)
    OUTCOME_OF_ANOTHER_BENEFIT = (1040, "outcome_of_another_benefit", False)
    OUTSIDE_PREGNANCY = (1041, "outside_pregnancy", False)
    NOT_DESIGNATED = (1042, "not_designated", False)
    SERVICE_COVERED_TWICE = (1043, "service_covered_twice", False)
    LOSS_ALREADY_SETTLED = (1044, "loss_already_settled", False)
    ENTITLEMENT_UNKNOWN = (1045, "entitlement_unknown", False)
    ENTITLEMENT_NOT_OPEN = (1046, "entitlement_not_open", False)
    TRANSFER_OUT_OF_ORDER = (1047, "transfer_out_of_order", False)
    ENTITLEMENT_CHANGED = (1048, "entitlement_changed", True)
    ADJUSTMENT_OUTDATED = (1050, "adjustment_outdated", False)
    SURGERY_ALREADY_SETTLED = (1051, "surgery_already_settled", False)
    LINE_UNKNOWN = (1052, "line_unknown", False)
    NOTHING_LEFT = (1053, "nothing_left", False)
    FACTS_CHANGED = (1054, "facts_changed", False)
    AMOUNT_ABOVE_ITEM = (1055, "amount_above_item", False)
    STAY_CANCELLED = (1060, "stay_cancelled", False)
    STAY_HAS_LINES = (1061, "stay_has_lines", False)
    LINE_RETURNED = (1062, "line_returned", False)
    RETURN_UNLIKE_LINE = (1063, "return_unlike_line", False)
    RETURN_EXCEEDS_LINE = (1064, "return_exceeds_line", False)
    ITEM_UNKNOWN = (1065, "item_unknown", False)
    IMPORT_UNKNOWN = (1066, "import_unknown", False)
    ROWS_DO_NOT_SUM = (1067, "rows_do_not_sum", False)
    RECONCILIATION_UNKNOWN = (1068, "reconciliation_unknown", False)
    AGREEMENT_UNKNOWN = (1069, "agreement_unknown", False)
    MAPPING_UNKNOWN = (1070, "mapping_unknown", False)
    MAPPING_STANDS = (1071, "mapping_stands", False)
    MAPPING_DECIDED = (1072, "mapping_decided", False)
    PROFILE_UNKNOWN = (1073, "profile_unknown", False)
    INSTITUTION_OF_ANOTHER_POOL = (1074, "institution_of_another_pool", False)
    LINE_OF_ANOTHER = (1080, "line_of_another", False)
    PREGNANCY_SETTLED = (1090, "pregnancy_settled", False)
    PREGNANCY_HAS_STAYS = (1091, "pregnancy_has_stays", False)
    ADMITTED_BEFORE_PREGNANCY = (1092, "admitted_before_pregnancy", False)
    PREGNANCY_ENDED = (1093, "pregnancy_ended", False)
    INTERRUPTED = (2001, "interrupted", False)
    WAITING_PERIOD_NOT_MET = (2002, "waiting_period_not_met", False)
    NOT_INSURED_THEN = (2003, "not_insured_then", False)
    NO_RULE_ON_DATE = (2004, "no_rule_on_date", False)
    NOT_COVERED = (2005, "not_covered", False)
    POOL_UNKNOWN = (2006, "pool_unknown", False)
    LEVEL_NOT_STATED = (2007, "level_not_stated", False)
    COST_NOT_STATED = (2008, "cost_not_stated", False)
    CASE_MALFORMED = (2010, "case_malformed", False)
    EXCLUDED = (2011, "excluded", False)
    GAP_ON_EMPLOYER = (2012, "gap_on_employer", False)
    GAP_NOT_PAID = (2013, "gap_not_paid", False)
    WEEK_NOT_STATED = (2014, "week_not_stated", False)
    UNIT_UNKNOWN = (2015, "unit_unknown", False)
    DAYS_NOT_KNOWN = (2016, "days_not_known", False)
    BASE_NOT_STATED = (2017, "base_not_stated", False)
    WAGE_NOT_STATED = (2018, "wage_not_stated", False)
    NO_ALLOWANCE_FROM_THIS_EMPLOYER = (2019, "no_allowance_from_this_employer", False)
    COUNTY_NOT_OF_POOL = (2020, "county_not_of_pool", False)

    def __init__(self, number: int, slug: str, retryable: bool) -> None:
        self.number = number
        self.slug = slug
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal with the article behind it (None where no rule could be asked) and the values
    that led to it, by name."""

    refusal: Refusal
    citation: Citation | None = None
    values: tuple[tuple[str, str | int | Month], ...] = ()
