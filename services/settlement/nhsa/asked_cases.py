"""The cases that 3101 and 3102 ask about, as audit reads them: no name, no number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from services.settlement.domain.his_profile import MotherState
from services.settlement.nhsa import ids
from services.settlement.nhsa.counter import Call
from services.settlement.nhsa.envelope import is_empty
from services.settlement.nhsa.maternity import benefit_told, coded_mode, diagnoses_of, procedures_of
from services.settlement.nhsa.reading import Row
from shared.money import Money
from shared.plumbing.written import EARLIEST, LATEST
from shared.policy.shapes import Benefit

CASES_MOST, ORDERS_MOST = 20, 500
"""As many as audit takes at once: of more cases those named last are left out, of more orders
none is told."""

_PERSON = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_CASE_REF = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_ITEM = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_RULE = re.compile(r"[a-z][a-z0-9-]{1,60}", re.ASCII)
_RULES_MOST = 100
_SEX = {"1": "male", "2": "female"}
_INPATIENT = re.compile(r"2|52|5302", re.ASCII)
_AGE_MOST = 130
_AMOUNT_MOST, _QUANTITY_MOST = Decimal(10**10), Decimal(10**5)


class Order(NamedTuple):
    """An order as it was sent, so far as a finding may name it."""

    rx_id: str
    item_code: str
    amount: Money


@dataclass(frozen=True, slots=True)
class AskedCase:
    """A case under the hospital's own ids, and as audit is asked about it."""

    patn_id: str
    mdtrt_id: str
    orders: tuple[Order, ...]
    body: dict[str, Any]


def asked_cases(call: Call) -> dict[str, AskedCase]:
    """The cases by the names under which audit is asked, the patients' current ones first. Cases of
    other institutions, and such as another area settles, are not this hospital's to ask about; of a
    day before all that audit knows, one alone would have all of them refused."""
    found: dict[str, AskedCase] = {}
    patients = call.input.one("data").rows("patient_dtos")
    pairs = [(patient, one) for patient in patients for one in patient.rows("fsi_encounter_dtos")]
    pairs.sort(key=lambda pair: pair[0].text("curr_mdtrt_id") != pair[1].text("mdtrt_id"))
    for patient, encounter in pairs:
        if encounter.text("medins_id") not in ("", call.profile.institution_code):
            continue
        if encounter.text("out_setl_flag") in call.profile.elsewhere:
            continue
        if not _within(encounter.day("adm_date")):
            continue
        case = _case(call, patient, encounter)
        found.setdefault(case.body["case_ref"], case)
        if len(found) == CASES_MOST:
            break
    return found


def asked_rules(call: Call) -> list[str] | None:
    """The rules that are asked, None for all. What is written otherwise than rules are is no rule:
    where nothing else is named, none is asked."""
    data = call.envelope.input["data"]
    given = (data[0] if isinstance(data, list) else data).get("rule_ids")
    named = given if isinstance(given, list) else [] if is_empty(given) else str(given).split(",")
    texts = [str(one).strip() for one in named if not is_empty(one)]
    if not texts:
        return None
    return [text for text in dict.fromkeys(texts) if _RULE.fullmatch(text)][:_RULES_MOST]


def _case(call: Call, patient: Row, encounter: Row) -> AskedCase:
    person = ids.person_from_wire(patient.text("patn_id"))
    if not _PERSON.fullmatch(person):
        raise patient.wrong("patn_id", "identifier")
    admitted = encounter.day("adm_date")
    assert admitted is not None  # noqa: S101 - demanded
    told = _told(encounter)
    orders = list(_orders(encounter, admitted))
    body: dict[str, Any] = {
        "case_ref": _case_ref(encounter),
        "person_ref": person,
        "benefit": _benefit(call, encounter, told),
        "insurance_type": encounter.text("insutype") if _of_ours(encounter) else "310",
        "admitted_on": admitted.isoformat(),
        "total": _amount(encounter, "medfee_sumamt").to_wire(),
    }
    if encounter.filled("hifp_payamt"):
        body["fund"] = _amount(encounter, "hifp_payamt").to_wire()
    left = encounter.day("dscg_date")
    if left is not None and left >= admitted:
        body["discharged_on"] = left.isoformat()
    if sex := _SEX.get(patient.text("gend")):
        body["sex"] = sex
    age = _age(patient.day("brdy"), admitted)
    if age is not None:
        body["age"] = age
    mode = coded_mode(told) if body["benefit"] == Benefit.DELIVERY else None
    if mode is not None:
        body["mode"] = mode.value
    if codes := diagnoses_of(told):
        body["diagnoses"] = [code.rstrip("+*") for code in codes]
    if codes := procedures_of(told):
        body["procedures"] = list(codes)
    if orders and all(line for _, line in orders) and len(orders) <= ORDERS_MOST:
        body["orders"] = [line for _, line in orders]
    named = tuple(order for order, line in orders if line)
    return AskedCase(patient.text("patn_id"), encounter.text("mdtrt_id"), named, body)


def _case_ref(encounter: Row) -> str:
    """A stay of ours by its id, so that audit knows it again among the claims it has heard of."""
    text = encounter.text("mdtrt_id")
    try:
        return str(ids.from_wire(text))
    except ValueError:
        if not _CASE_REF.fullmatch(text):
            raise encounter.wrong("mdtrt_id", "identifier") from None
        return text


def _told(encounter: Row) -> dict[str, Any]:
    """Codes as the rest of the gateway reads them, the principal diagnosis first."""
    rows = sorted(
        encounter.rows("fsi_diagnose_dtos"), key=lambda row: row.text("maindise_flag") != "1"
    )
    return {
        "diagnoses": [row.text("dise_codg") for row in rows],
        "dscg_maindiag_code": encounter.text("dscg_main_dise_codg"),
        "oprn_oprt_code": ",".join(
            row.text("oprn_code") for row in encounter.rows("fsi_operation_dtos")
        ),
    }


def _benefit(call: Call, encounter: Row, told: dict[str, Any]) -> str:
    """What the case will be claimed as. A stay of a woman who is still pregnant is no birth yet."""
    med_type = encounter.text("med_type")
    meant = call.profile.med_types.get(med_type)
    if meant is not None:
        meant = benefit_told(meant, told)
    stay = meant is Benefit.DELIVERY or (meant is None and _INPATIENT.match(med_type) is not None)
    pregnant = call.profile.matn_stas.get(encounter.text("matn_stas")) is MotherState.PREGNANT
    if stay and pregnant and coded_mode(told) is None:
        return "antepartum"
    if meant is not None:
        return meant.value
    return "ordinary_inpatient" if stay else "ordinary_outpatient"


def _of_ours(encounter: Row) -> bool:
    return encounter.text("insutype") in ("310", "510")


def _amount(row: Row, code: str) -> Money:
    value = row.number(code) or Decimal(0)
    if not 0 <= value < _AMOUNT_MOST:
        raise row.wrong(code, "number")
    return Money(int(value * 100))


def _within(day: date | None) -> bool:
    """Whether audit knows such days."""
    return day is not None and EARLIEST <= day <= LATEST


def _age(born: date | None, on: date) -> int | None:
    if born is None or born > on:
        return None
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return years if years <= _AGE_MOST else None


def _orders(encounter: Row, admitted: date) -> Iterator[tuple[Order, dict[str, str] | None]]:
    """Each order, and as audit reads it, None where it cannot: a return, no code of an item, or
    a day before all that audit knows."""
    for row in encounter.rows("fsi_order_dtos"):
        item, quantity = row.text("hilist_code"), row.number("cnt") or Decimal(0)
        amount, listed = row.number("sumamt") or Decimal(0), row.number("hilist_pric")
        order = Order(row.text("rx_id"), item, Money(int(amount * 100)))
        charged_on = row.day("drord_begn_date") or admitted
        fit = _ITEM.fullmatch(item) and 0 < quantity < _QUANTITY_MOST and 0 <= amount < _AMOUNT_MOST
        if not (fit and _within(charged_on)):
            yield order, None
            continue
        line = {
            "item_code": item,
            "quantity": f"{quantity.normalize():f}",
            "amount": order.amount.to_wire(),
            "charged_on": charged_on.isoformat(),
        }
        if listed is not None and 0 < listed < _AMOUNT_MOST:
            line["list_price"] = Money(int(listed * 100)).to_wire()
        yield order, line
