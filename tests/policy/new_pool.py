"""The documents of a pool that does not exist: a first one with every cell, and a later one that
tells the final value of the year's points and lengthens the leave."""

from __future__ import annotations

SHEET = """
pool = "990000"
name = "试点"
first_date = 2022-01-01
counties = { 990001 = "甲县" }
"""
_HEAD = """
pool = "990000"
id = "ID"
title = "试点文件"
published = DAY
checked_on = 2026-11-22
grade = "A"
source = { id = "s", citation = "全文" }
"""


def _head(name: str, day: str) -> str:
    return _HEAD.replace("ID", name).replace("DAY", day)


def _clause(sets: str, *kinds: str, day: str = "2022-01-01") -> str:
    of = f"kinds = {list(kinds)}\n" if kinds else ""
    return f'\n[[clause]]\narticle = "一"\ngist = "条款"\nfrom = {day}\n{of}{sets.strip()}\n'


_ALL = (
    "employee", "flexible", "spouse_unemployed", "unemployment_benefit", "retiree", "early_retiree",
)  # fmt: skip
_BANDS = {
    1: "[{ share = 0.0 }]",
    2: "[{ share = 0.05 }]",
    3: '[{ up_to = "3000.00", share = 0.0 }, { up_to = "6000.00", share = 0.05 }, { share = 0.1 }]',
}
_SHARE = "\n".join(
    f"[clause.sets.member_share.level_{level}]\n"
    f"vaginal = {bands}\nassisted = {bands}\ncesarean = {bands}"
    for level, bands in _BANDS.items()
)

FIRST = _head("first", "2021-12-01") + "".join([
    _clause("""
sets.insurance_type = "510"
sets.expenditure_item = "maternity"
sets.waiting = { months = 12, medical_if_short = "refused" }
sets.cash_waiting = { months = 12, if_short = "pro_rata" }
""", *_ALL),
    _clause("""
sets.deciding_date = "discharged"
sets.rounding = { place = "each_band", step = "0.01", mode = "down" }
sets.catalogue = "class_b_first_copay_class_c_self_paid"
sets.bed_cap = "40.00"
sets.quota_includes_member_share = false
sets.applied_at = "desk"
sets.point_value = "9.00"
sets.itemised = { complications = ["eclampsia"], above_times = 2.5 }
sets.complication_caps = [{ condition = "placenta_praevia", cap = "15000.00" }]
sets.transfer_gap = { months = 3, waiting_if_longer = 6 }
sets.average_wage = "8000.00"
sets.base_bounds = { floor = 0.6, ceiling = 3.0 }
sets.late_fee = { per_day = 0.0005 }
sets.allowance_due = { months_after_birth = 5, months_after_surgery = 3 }
[clause.sets.settlement_quota]
level_1 = { all = "3500.00" }
level_2 = { all = "4200.00" }
level_3 = { all = "5000.00" }
[clause.sets.interruption]
stops = "all_benefits"
grace_months = 0
booking_grace_days = 10
counts_as_paid = "booked"
make_up = { within_months = 6, gap_paid_by = "employer" }
[clause.sets.exclusions]
refused = ["not_designated", "abroad"]
unless = { not_designated = ["emergency"] }
fund_first = ["third_party_does_not_pay"]
to_medical = ["ectopic"]
[clause.sets.leave_days]
birth = 98
dystocia = 30
dystocia_modes = ["cesarean"]
extra_infant = 15
stacking = false
losses = [{ below_week = 16, days = 15 }, { days = 42 }]
family_planning = { iud_insert = 2 }
paternity = 15
"""),
    _clause(_SHARE),
    _clause("""
[clause.sets.delivery]
method = "points"
points = { vaginal = 500.0, assisted = 620.5, cesarean = 900.0 }
extras = [{ name = "anaesthesia", adds = { all = "500.00" } }]
[clause.sets.prenatal]
method = "staged"
excess = "other_fund"
stages = [
  { id = "A", below_week = 14, limit = "400.00" },
  { id = "B", from_week = 14, below_week = 29, limit = "600.00" },
  { id = "C", from_week = 29, limit = "800.00" },
]
[[clause.sets.loss.stages]]
below_week = 16
setting = "outpatient"
pays.method = "cap"
pays.amounts.level_1.all = "500.00"
pays.amounts.level_2.all = "600.00"
pays.amounts.level_3.all = "700.00"
[[clause.sets.loss.stages]]
below_week = 16
pays = { method = "points", points = 100.0 }
[[clause.sets.loss.stages]]
pays = { method = "banded", bands = [{ up_to = "1000.00", share = 0.1 }, { share = 0.2 }] }
[clause.sets.family_planning.procedures]
iud_insert = { method = "full" }
vasectomy = { method = "handed_over" }
[clause.sets.complication]
before_birth = { method = "full" }
after_birth = { method = "cap", amounts = { all = "3000.00" } }
months_after = 4
[clause.sets.nutrition]
share_of_annual_wage = 0.02
rounding = { step = "1.00", mode = "up" }
[clause.sets.allowance]
base = { of = "own", period = "last_12_months" }
divisor = "12_months_over_365_days"
floor = 0.6
ceiling = 3.0
average_rounding = { step = "0.01", mode = "half_up" }
daily_rounding = { step = "0.01", mode = "down" }
rounding = { step = "1.00", mode = "half_up" }
payee = "person"
instalments = 3
tops_up = true
not_for = ["public_institution"]
""", "employee"),
    _clause("""
sets.employer_rate = { medical = 0.07, maternity = 0.008, only_for = ["enterprise"] }
sets.individual_rate = 0.02
""", "employee"),
    _clause("""
sets.delivery = { method = "quota", extra_infant = { share = 0.15 } }
sets.prenatal = { method = "one_limit", excess = "member", first_visit = "350.00" }
sets.prenatal_amount = "1500.00"
""", "flexible"),
    _clause("""
sets.prenatal = { method = "fixed_sum", even_above_bill = true }
sets.prenatal_amount = "600.00"
[clause.sets.delivery]
method = "lump_sum"
amounts = { vaginal = "3000.00", assisted = "3500.00", cesarean = "4001.01" }
even_above_bill = true
portion = 0.5
""", "spouse_unemployed"),
    _clause("""
sets.delivery = { method = "handed_over" }
[clause.sets.prenatal]
method = "per_unit"
excess = "member"
units = [
  { id = "A", below_week = 21, limit = "500.00" },
  { id = "B", from_week = 21, limit = "800.00", high_risk_earlier = true },
]
""", "unemployment_benefit"),
    _clause("""
sets.delivery = { method = "banded" }
sets.prenatal = { method = "per_capita", transfer = "pro_rata_weeks", includes_postnatal = false }
sets.prenatal_amount = "1000.00"
""", "retiree"),
    _clause('sets.delivery = { method = "full" }', "early_retiree"),
])  # fmt: skip

LATER = _head("later", "2024-02-20") + "".join([
    _clause('sets.point_value = "9.37"', day="2023-01-01"),
    _clause('sets.point_value = "9.20"', day="2024-01-01"),
    _clause("""
[clause.sets.leave_days]
birth = 128
dystocia = 30
extra_infant = 15
still_on_leave = true
""", day="2024-01-01"),
])  # fmt: skip
