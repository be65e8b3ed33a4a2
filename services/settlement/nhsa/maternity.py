"""What a hospital's record says of a case, by the interface's fields and codes.

Real systems fill the maternity fields with constants: "1" for every birth, or a surgery's code for
each maternity stay. So what is coded of operations and diagnoses, and what was charged, says more
than matn_type, which only decides where they are silent, and is left to audit where it says
otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Literal

from services.settlement.domain.claimed import Medical
from services.settlement.domain.complication import Complication, months_since
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.loss import Loss
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settling import ENDINGS
from services.settlement.domain.stay import Outcome, Stay
from services.settlement.domain.surgery import Surgery
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import FIELD_WRONG, MODE_NOT_KNOWN, Wrong
from shared.plumbing.problems import Problem
from shared.policy.shapes import Benefit, DeliveryMode, Procedure

FACTS = (
    "insutype", "med_type", "mdtrt_cert_type", "matn_type", "birctrl_type", "geso_val", "fetus_cnt",
    "birctrl_matn_date", "oprn_oprt_code", "dscg_maindiag_code", "ipt_no", "ipt_otp_no",
)  # fmt: skip
"""What is kept of what is told: facts of the case, nothing that names the person."""

_NOT_VALID = "0"
"""vali_flag"""
_DIAGNOSIS = re.compile(r"[A-Z][0-9]{2}(\.[0-9x]{1,3}(x[0-9]{3})?)?[+*]?", re.ASCII)
_OPERATION = re.compile(r"[0-9]{2}\.[0-9]([0-9]|[0-9x][0-9]{2})?(x[0-9]{3})?", re.ASCII)
_CODES_MOST = 40

_LOSS = re.compile(r"O0[0-8]")
_CESAREAN = re.compile(r"74\.[0124]|74\.99|O82|O84\.2")
_ASSISTED = re.compile(r"72\.|O81|O83|O84\.1")
_VAGINAL = re.compile(r"73\.59|O80|O84\.0")
_HIGH_RISK = re.compile(r"O09|Z35")
_BY_MATN_TYPE = {
    "1": DeliveryMode.VAGINAL,
    "2": DeliveryMode.ASSISTED,
    "3": DeliveryMode.CESAREAN,
}
_GREATEST_FIRST = (DeliveryMode.CESAREAN, DeliveryMode.ASSISTED, DeliveryMode.VAGINAL)
_LOSSES = frozenset({"5", "6"})
_TWINS, _MORE = re.compile(r"O30\.0|Z37\.[2-4]"), re.compile(r"O30\.[1-9]|Z37\.[5-7]")
PROCEDURES = {
    "1": Procedure.IUD_INSERT,
    "2": Procedure.IUD_REMOVE,
    "5": Procedure.TUBAL_LIGATION,
    "6": Procedure.TUBAL_REVERSAL,
    "7": Procedure.VASECTOMY,
    "8": Procedure.VAS_REVERSAL,
}
"""Surgeries by birctrl_type."""
_TERM_WEEKS = 40
_SURGICAL_LOSS = re.compile(r"69\.[05]|74\.[39]")
_MEDICAL_LOSS = re.compile(r"73\.4|75\.0|96\.49")
_LOSS_OPERATIONS = frozenset({"3", "4"})
"""birctrl_type of an operated abortion or induction, which is all that a visit can say of it."""


def is_visit(told: Mapping[str, Any]) -> bool:
    """Whether what was told is of an outpatient visit: every admission tells its ipt_no."""
    return "ipt_no" not in told


def facts_of(row: Row, diagnoses: list[Row]) -> dict[str, Any]:
    """What a node and its diagnoses tell of the case; one that is not valid tells nothing."""
    told: dict[str, Any] = {code: row.text(code) for code in FACTS if row.filled(code)}
    if diagnoses:
        valid = [one for one in diagnoses if one.text("vali_flag") != _NOT_VALID]
        in_order = sorted(valid, key=lambda one: one.text("maindiag_flag") != "1")
        told["diagnoses"] = [one.text("diag_code") for one in in_order]
    return told


def benefit_told(benefit: Benefit, told: Mapping[str, Any]) -> Benefit:
    """What is claimed: what the med_type says, save that not every maternity stay ends in a
    birth."""
    if benefit is not Benefit.DELIVERY:
        return benefit
    principal = diagnoses_of(told)[:1]
    lost = any(_LOSS.match(code) for code in principal) or told.get("matn_type") in _LOSSES
    return Benefit.LOSS if lost else benefit


def ends_otherwise(benefit: Benefit, told: Mapping[str, Any]) -> bool:
    """Whether what is told by now says birth of a loss, or loss of a birth: more is told of a stay
    after it was opened. Where nothing is told of how it ended, nothing is said against it."""
    if benefit not in ENDINGS or not (diagnoses_of(told) or told.get("matn_type")):
        return False
    return benefit_told(Benefit.DELIVERY, told) is not benefit


def outcome_told(
    stay: Stay, pregnancy: Pregnancy | None, told: Mapping[str, Any], discharged_on: date, *,
    first_visit: bool = False, charged: Collection[DeliveryMode] = (),
) -> Outcome | Refusal:  # fmt: skip
    """The outcome of a stay as it was told, refused where it is another benefit's; `first_visit`
    where nothing of the pregnancy's checks was settled yet, `charged` what its lines say of the
    birth. Raises Problem where how the child was born cannot be known."""
    if ends_otherwise(stay.benefit, told):
        return Refusal.OUTCOME_OF_ANOTHER_BENEFIT
    stated = told.get("birctrl_matn_date")
    event_on = date.fromisoformat(stated) if stated else stay.admitted_on
    weeks = _weeks(pregnancy, told, event_on)
    claimed = (
        _delivery(told, weeks, charged)
        if stay.benefit is Benefit.DELIVERY
        else _claimed(stay.benefit, told, weeks, _months_after(pregnancy, event_on), first_visit)
    )
    return Outcome(
        event_on=event_on,
        discharged_on=discharged_on,
        claimed=claimed,
        bill=stay.cost.total,
        diagnoses=diagnoses_of(told),
        procedures=procedures_of(told),
    )


def _months_after(pregnancy: Pregnancy | None, event_on: date) -> int | None:
    """Whole months from the pregnancy's end to a day, None where the day comes before it: a visit
    before it may be told after it."""
    end = pregnancy.period.end if pregnancy is not None else None
    if pregnancy is None or end is None or event_on < end:
        return None
    return months_since(pregnancy.delivered_on or end - timedelta(days=1), event_on)


def _delivery(
    told: Mapping[str, Any], weeks: int | None, charged: Collection[DeliveryMode]
) -> Delivery:
    """The birth; what matn_type says of it is kept where it is something else."""
    mode, stated = delivery_mode(told, charged), _BY_MATN_TYPE.get(told.get("matn_type", ""))
    term = weeks if weeks is not None and 20 <= weeks <= 45 else _TERM_WEEKS
    otherwise = None if stated is mode else stated
    return Delivery(mode, _infants(told), term, mode_stated=otherwise)


def _claimed(
    benefit: Benefit, told: Mapping[str, Any], weeks: int | None, months_after: int | None,
    first_visit: bool,
) -> Medical:  # fmt: skip
    after = months_after is not None
    match benefit:
        case Benefit.LOSS:
            if weeks is None or not 1 <= weeks <= 45:
                raise Wrong(FIELD_WRONG, "required", "geso_val")
            manner = _manner(told)
            return Loss(weeks, manner, "outpatient" if is_visit(told) else "inpatient")
        case Benefit.FAMILY_PLANNING:
            procedure = PROCEDURES.get(told.get("birctrl_type", ""))
            if procedure is None:
                raise Problem(MODE_NOT_KNOWN)
            return Surgery(procedure)
        case Benefit.COMPLICATION:
            if months_after is not None:
                return Complication("after_birth", months_after)
            return Complication("before_birth")
    high_risk = any(_HIGH_RISK.match(code) for code in diagnoses_of(told))
    return Prenatal(weeks, None, high_risk, first_visit and not after, postnatal=after)


def _manner(told: Mapping[str, Any]) -> Literal["surgical", "medical"]:
    """How a pregnancy was ended. Where nothing says so: of a stay by surgery, the plain case; of a
    visit, whose surgery birctrl_type tells, by medicine."""
    coded = procedures_of(told)
    if any(_SURGICAL_LOSS.match(code) for code in coded):
        return "surgical"
    if any(_MEDICAL_LOSS.match(code) for code in coded):
        return "medical"
    operated = told.get("birctrl_type") in _LOSS_OPERATIONS
    return "surgical" if operated or not is_visit(told) else "medical"


def delivery_mode(told: Mapping[str, Any], charged: Collection[DeliveryMode] = ()) -> DeliveryMode:
    """How the child was born: by operations and diagnoses, else by the items charged, else by
    matn_type. Raises Problem."""
    mode = coded_mode(told) or charged_mode(charged)
    mode = mode or _BY_MATN_TYPE.get(told.get("matn_type", ""))
    if mode is None:
        raise Problem(MODE_NOT_KNOWN)
    return mode


def charged_mode(charged: Collection[DeliveryMode]) -> DeliveryMode | None:
    """How the child was born by what was charged: an operation says more than care."""
    return next((mode for mode in _GREATEST_FIRST if mode in charged), None)


def coded_mode(told: Mapping[str, Any]) -> DeliveryMode | None:
    """How the child was born by operations and diagnoses alone."""
    coded = (*procedures_of(told), *diagnoses_of(told))
    for pattern, mode in (
        (_CESAREAN, DeliveryMode.CESAREAN),
        (_ASSISTED, DeliveryMode.ASSISTED),
        (_VAGINAL, DeliveryMode.VAGINAL),
    ):
        if any(pattern.match(code) for code in coded):
            return mode
    return None


def _infants(told: Mapping[str, Any]) -> int:
    counted = told.get("fetus_cnt", "")
    if counted.isdigit() and 1 <= int(counted) <= 9:
        return int(counted)
    codes = diagnoses_of(told)
    if any(_MORE.match(code) for code in codes):
        return 3
    return 2 if any(_TWINS.match(code) for code in codes) else 1


def _weeks(pregnancy: Pregnancy | None, told: Mapping[str, Any], event_on: date) -> int | None:
    """Weeks of gestation: as told, else counted from the day the registered pregnancy began."""
    stated = told.get("geso_val", "")
    if stated.isdigit() and int(stated):
        return int(stated)
    if pregnancy is None:
        return None
    days = (event_on - pregnancy.period.start).days
    return days // 7 if 0 <= days <= 350 else None


def diagnoses_of(told: Mapping[str, Any]) -> tuple[str, ...]:
    """The diagnoses that are codes, the principal one first."""
    codes = list(told.get("diagnoses", ()))
    principal = told.get("dscg_maindiag_code")
    if not codes and principal:
        codes = [principal]
    return codes_among(codes)


def codes_among(texts: Iterable[str]) -> tuple[str, ...]:
    """What of texts are codes of diagnoses."""
    return tuple(text for text in texts if _DIAGNOSIS.fullmatch(text))[:_CODES_MOST]


def operations_among(texts: Iterable[str]) -> tuple[str, ...]:
    """What of texts are codes of operations."""
    return tuple(text for text in texts if _OPERATION.fullmatch(text))[:_CODES_MOST]


def procedures_of(told: Mapping[str, Any]) -> tuple[str, ...]:
    """The operations that are codes."""
    return operations_among(re.split(r"[,;，；]", told.get("oprn_oprt_code", "")))
