"""Verify bites: every checked invariant turns red by a fault planted for it, and by no other's."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from deploy.verify.invariants import INVARIANTS
from deploy.verify.stores import Stores, open_stores
from tests.faults.small_run import small_run
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

CHECKED = [i.id for i in INVARIANTS if i.check is not None]
REQUIRED = [
    "M01",
    "M02",
    "M03",
    "M04",
    "M05",
    "M06",
    "M07",
    "M08",
    "O01",
    "O02",
    "O03",
    "O04",
    "O05",
    "O06",
    "O07",
    "O08",
    "O09",
    "O10",
    "E01",
    "E02",
    "E03",
    "V01",
    "V02",
    "V03",
    "V04",
    "V05",
    "V06",
    "V07",
    "V08",
    "V09",
    "S01",
    "S02",
    "S03",
    "S04",
    "S05",
    "S06",
    "S07",
    "R02",
    "R03",
    "R04",
    "R06",
]

# One of each, chosen by a statement that always answers the same.
LIVE = """(select settlement_id from settlement s where s.reverses is null and account_month = '2024-04-01'
           order by settlement_id limit 1)"""
UNDONE = "(select reverses from settlement where reverses is not null order by 1 limit 1)"
UNDONE_STAY = f"(select stay_id from settlement where settlement_id = {UNDONE})"
UNDOING = f"(select settlement_id from settlement where reverses = {UNDONE})"
STANDING = "settlement s where s.reverses is null and not exists (select from settlement r where r.reverses = s.settlement_id)"

ADJUSTED = f"""(select a.adjustment_id from adjustment a where a.state = 'released'
               and a.pool_code = '320100' and a.settlement_id in (select s.settlement_id from {STANDING}))"""
ADJUSTED_CLAIM = f"(select settlement_id from adjustment where adjustment_id = {ADJUSTED})"
ADJUSTED_AND_UNDONE = """(select adjustment_id from adjustment
                          where state = 'released' and settlement_id in (select reverses from settlement))"""

TWICE = f"(select person_ref from {STANDING} group by person_ref having count(*) = 2 order by 1 limit 1)"


LAST_USE = """(pregnancy_id, unit, number) in (select pregnancy_id, unit, max(number) from unit_entry
             where unit in ('U3', 'head') group by pregnancy_id, unit)"""

HEARD_LATE = """account in ('bank', 'income_contribution') and month = '2024-04-01'
                and posted_at < '2024-03-31 16:00Z'"""


@dataclass(frozen=True)
class Fault:
    """What is planted in which database, and which lines it turns red: the first is its own."""

    red: str
    planted: Mapping[str, str]

    @property
    def name(self) -> str:
        """How pytest shows it."""
        return self.red


def in_settlement(red: str, statement: str) -> Fault:
    """A fault in settlement's database."""
    return Fault(red, {"settlement": statement})


def in_audit(red: str, statement: str) -> Fault:
    """A fault in audit's database."""
    return Fault(red, {"audit": statement})


def in_enrollment(red: str, statement: str) -> Fault:
    """A fault in enrollment's database."""
    return Fault(red, {"enrollment": statement})


def _billed_and_returned(of: int, times: int) -> str:
    """So much of a line is returned, and billed again by another line: the bill's sum stands."""
    parts = ("amount_fen", "in_scope_fen", "out_of_scope_fen", "over_limit_fen", "first_copay_fen")
    columns = ["quantity", *parts]
    lines = [
        f"insert into line (month, pool_code, stay_id, line_number, institution_code, caller,"
        f" item_code, charged_on, price_fen, class, returns, {', '.join(columns)})"
        f" select month, pool_code, stay_id, {number}, institution_code, caller, item_code,"
        f" charged_on, price_fen, class, {returns},"
        f" {', '.join(f'{name} * {factor}' for name in columns)}"
        f" from line where line_number = 1 and stay_id = {UNDONE_STAY}"
        for number, returns, factor in ((901, of, -times), (902, "null::int", times))
    ]
    counted = f"update stay set line_count = line_count + 2 where stay_id = {UNDONE_STAY}"
    return ";".join([*lines, counted])


FAULTS = [
    in_settlement("M01", f"update settlement set member_account_fen = member_account_fen"
                  f" + case when reverses is null then 1 else -1 end"
                  f" where {UNDONE} in (settlement_id, reverses)"),
    in_settlement("M01 M08", f"update adjustment set member_account_fen = 1 where adjustment_id = {ADJUSTED}"),
    in_settlement("M01 M08 M05", f"update settlement set desk_fund_fen = desk_fund_fen - 100000000,"
                  f" desk_member_fen = desk_member_fen + 100000000 where settlement_id = {ADJUSTED_CLAIM}"),
    in_settlement("M02", "delete from line where ctid = (select min(ctid) from line)"),
    in_settlement("M02", _billed_and_returned(of=1, times=2)),  # more than there was
    in_settlement("M02", _billed_and_returned(of=999, times=1)),  # a line that there is not
    in_settlement("M02", f"update line set amount_fen = amount_fen + 1 where line_number = 3 and stay_id ="
                  f" (select stay_id from settlement where settlement_id = {LIVE});"
                  f"update line set amount_fen = amount_fen - 1 where line_number = 2 and stay_id ="
                  f" (select stay_id from settlement where settlement_id = {LIVE})"),
    in_settlement("M03 M05", f"delete from posting where account = 'payable' and settlement_id = {LIVE}"),
    in_settlement("M03 M05 M06", f"delete from posting where account like 'expenditure%' and settlement_id = {ADJUSTED}"),
    in_settlement("M04", "update period_balance set amount_fen = amount_fen + 1"),
    in_settlement("M04", f"update posting set month = '2024-03-01' where {HEARD_LATE}"),
    in_settlement("M05", f"update posting set amount_fen = amount_fen - 1 where account = 'payable'"
                  f" and settlement_id = {LIVE}; insert into posting select month, gen_random_uuid(),"
                  f" pool_code, settlement_id, 'clearing', institution_code, 1, posted_at from posting"
                  f" where account = 'payable' and settlement_id = {LIVE}"),
    in_settlement("M05", f"update posting set month = month + interval '1 month',"
                  f" posted_at = posted_at + interval '31 days' where settlement_id = {ADJUSTED}"),
    in_settlement("M05 S07", "update deduction set amount_fen = 100000000 where state = 'pending'"),
    in_settlement("M05 S01 S07", "update deduction set amount_fen = 100000000, state = 'paid' where state = 'pending'"),
    in_settlement("M06 M05", f"update posting set account = case account when 'expenditure_maternity'"
                  f" then 'expenditure_medical' else 'expenditure_maternity' end"
                  f" where account like 'expenditure%' and settlement_id = {LIVE}"),
    in_settlement("M06 M08", f"update settlement set expenditure_item = 'medical' where settlement_id = {LIVE};"
                  f"update posting set account = 'expenditure_medical'"
                  f" where account = 'expenditure_maternity' and settlement_id = {LIVE}"),
    in_settlement("M06 M05 M08", f"update adjustment set expenditure_item = 'medical' where adjustment_id = {ADJUSTED}"),
    in_settlement("M08", "update adjustment set rates = '{no/such@rate#version}'"
                  " where state = 'rejected'"),
    in_settlement("M08", f"update adjustment set steps = (replace(steps::text, '2024', '2025'))::json"
                  f" where adjustment_id = {ADJUSTED}"),
    in_settlement("M08", "update adjustment set fund_fen = fund_fen + 1, institution_fen = institution_fen - 1"
                  " where state = 'proposed'"),
    in_settlement("M08", "update adjustment set proposed_at = '2024-04-29' where state = 'rejected'"),
    in_settlement("M08", f"update settlement set rates = '{{no/such@rate#version}}' where settlement_id = {LIVE}"),
    in_settlement("M08", f"update settlement set steps = (replace(steps::text, '2024', '2025'))::json"
                  f" where settlement_id = {LIVE}"),
    in_settlement("M08", "update book_appointment set effective_at = '2024-04-30'"),
    in_settlement("O01", "insert into idempotency select pool_code, caller, operation, 'lost', body_hash,"
                  " status, answer, gen_random_uuid(), created_at from idempotency"
                  " where operation = 'settle' limit 1"),
    in_settlement("O01", "insert into idempotency select * from idempotency where operation = 'open_stay' limit 1"),
    in_settlement("O02 M08", f"update settlement t set stay_id = (select min(s.stay_id::text)::uuid from {STANDING}"
                  f" and s.institution_code = t.institution_code and s.settlement_id <> t.settlement_id)"
                  f" where settlement_id = {LIVE}"),
    in_settlement("O03 M08", f"update settlement set pregnancy_id = (select min(pregnancy_id::text)::uuid"
                  f" from {STANDING} and s.person_ref = {TWICE})"
                  f" where person_ref = {TWICE} and settlement_id in (select s.settlement_id from {STANDING})"),
    in_settlement("M07", "update unit_entry"
                  f" set limit_fen = limit_fen + 1 where {LAST_USE}"),
    in_settlement("M07 M05 M06 M08 V01", "update settlement set fund_fen = fund_fen + 1,"
                  " member_fen = member_fen - 1, member_cash_fen = member_cash_fen - 1,"
                  " desk_fund_fen = desk_fund_fen + 1, desk_member_fen = desk_member_fen - 1"
                  " where settlement_id = (select settlement_id from settlement where benefit = 'delivery'"
                  " and pool_code = '990002')"),
    in_settlement("O03 M08", f"update settlement set pregnancy_id = (select min(pregnancy_id::text)::uuid"
                  f" from {STANDING} and s.benefit = 'delivery' and s.pool_code = '990001')"
                  f" where benefit = 'loss'"),
    in_settlement("O04 M07 O06", f"insert into unit_entry select pool_code, pregnancy_id, unit,"
                  " number + 1, number, settlement_id, institution_code, weeks, used_after_fen,"
                  " limit_fen, used_after_fen + limit_fen, limit_fen from unit_entry"
                  f" where unit = 'head' and {LAST_USE}"),
    in_settlement("O05 M08", "update settlement set admitted_on = '2024-03-21', event_on = '2024-03-21',"
                  " discharged_on = '2024-03-21' where settlement_id ="
                  " (select max(settlement_id::text)::uuid from settlement where benefit = 'prenatal'"
                  " and pool_code = '990001')"),
    in_settlement("O05", "update claim set visit = null where benefit = 'prenatal'"),
    in_settlement("O06", f"update unit_entry set used_before_fen = used_before_fen + 1,"
                  f" used_after_fen = used_after_fen + 1 where unit = 'U3' and {LAST_USE}"),
    in_settlement("O06", "update unit_entry set amount_fen = amount_fen + 1, used_after_fen ="
                  " used_after_fen + 1 where adjustment_id is not null and unit = 'U1'"),
    in_settlement("M08", "update adjustment set steps = replace(steps::text, '第一条', '第二条')::json"
                  " where steps::text like '%paid_no_more%'"),
    in_settlement("M08", "update adjustment set met = '[]' where corrections::text like '%U3%'"),
    in_settlement("O07 S01 S05", "drop index one_live_entitlement_a_pregnancy, one_live_entitlement_a_claim; insert into entitlement"
                  " select (jsonb_populate_record(e, jsonb_build_object('entitlement_id', gen_random_uuid()))).*"
                  " from entitlement e where kind = 'nutrition' and state = 'opened' limit 1"),
    in_settlement("O07 S01 S05", "update entitlement set state = 'opened' where state = 'withdrawn' and pool_code = '990001'"),
    in_settlement("O07", "update entitlement set days = days + 1 where state = 'fixed'"
                  " and pool_code = '990001'"),
    in_settlement("O07", "update entitlement set until = '2030-01-01' where state = 'fixed'"
                  " and pool_code = '990001'"),
    in_settlement("O07", "update entitlement_revision set amount_fen = amount_fen + 1"
                  " where amount_fen is not null"),
    in_settlement("M08", "update adjustment set revisions = replace(revisions::text, '200000', '200001')::json"
                  " where revisions::text like '%200000%'"),
    in_settlement("O08", f"update settlement set member_account_fen = member_account_fen - 1,"
                  f" member_cash_fen = member_cash_fen + 1 where settlement_id = {UNDOING}"),
    in_settlement("O08", f"update settlement set member_account_fen = member_account_fen - 1,"
                  f" member_cash_fen = member_cash_fen + 1 where reverses in"
                  f" (select settlement_id from adjustment where adjustment_id = {ADJUSTED_AND_UNDONE})"),
    in_settlement("O08 M05 M06 V01 S01 S05", f"update adjustment set state = 'rejected' where adjustment_id = {ADJUSTED_AND_UNDONE}"),
    in_settlement("O09", f"update pregnancy set period = '[2023-01-01,)' where person_ref = {TWICE}"),
    in_settlement("O10", f"update claim set institution_code = 'X' where settlement_id = {LIVE}"),
    in_settlement("O10", "update adjustment set institution_code = 'X' where state = 'proposed'"),
    in_settlement("O10 R03", "update line set caller = 'X' where ctid = (select min(ctid) from line)"),
    in_enrollment("E01 M08", "update person_version set state = convert_to(replace(convert_from(state,"
                  " 'UTF8'), '2024-03', '2023-03'), 'UTF8') where version = 2"),
    in_enrollment("E02", "insert into spell select pool_code, person_ref, started_on + 1, null, county_code,"
                  " kind, insurance, employer_ref from spell limit 1"),
    in_enrollment("E03", "update person_version set at = '2030-01-01' where version = 2"),
    # Of every person: whose is settled, her own database does not know.
    in_enrollment("E03", "insert into person_version select person_ref, 3, '2023-01-01', state"
                  " from person_version where version = 2 and person_ref not in"
                  " (select person_ref from person_version where version = 3);"
                  " insert into log"
                  " (month, id, pool_code, at, actor, institution_code, request_id, action, subject,"
                  " from_state, to_state, before_hash, after_hash, content_hash)"
                  " select month, gen_random_uuid(), pool_code, l.at, actor, institution_code, request_id,"
                  " 'planted', 'person:' || person_ref, '', 'version 3', before_hash, after_hash,"
                  " content_hash from (select * from log limit 1) l, person_version v"
                  " where version = 3 and v.at < '2023-02-01'"),
    in_settlement("V01", "update outbox set xid = pg_current_xact_id() where type = 'settlement.claim.settled'"),
    in_settlement("V01", "update outbox set xid = pg_current_xact_id() where type = 'settlement.claim.adjusted'"),
    in_enrollment("V02 R06", "update outbox set position = null where id = (select min(id::text)::uuid from outbox"
                  " where sequence = 1 and topic like '%person-state%')"),
    Fault("V03", {
        "enrollment": "insert into outbox select month + interval '1 month', id, pool_code, topic, type, key,"
        " aggregate_id, sequence, at, headers, data || ' '::bytea, era, xid, position + 1, sent_at"
        " from outbox where topic like '%person-state%' order by position desc limit 1;"
        "update topic_position set position = position + 1 where topic like '%person-state%'",
        "settlement": "update consumer_offset set last_offset = last_offset + 1,"
        " duplicates = duplicates + 1 where topic like '%person-state%'",
    }),
    in_audit("V04", "update outbox set headers = replace(headers::text, '\"ce_sequence\":\"2\"',"
             " '\"ce_sequence\":\"3\"')::json where type = 'audit.flag.decided'"),
    in_audit("V05 V08", "update claim set out_of_scope_fen = out_of_scope_fen + 1"),
    in_audit("V05 V08", "update claim set fund_fen = fund_fen - 30000, institution_fen = institution_fen + 30000"
             " where version = 2 and status = 'settled' and settled_on < '2024-04-01'"),
    in_settlement("V06", "update consumer_offset set applied = applied + 1"),
    in_settlement("V07", "update consumer_offset set last_offset = last_offset - 1"
                  " where topic like '%contribution%'"),
    in_settlement("V07", "insert into parked (consumer, key, event_id, topic, headers, data, reason, parked_at)"
                  " select 'settlement-flag', 'k', gen_random_uuid(), 't', '{}', '', 'planted', now()"),
    in_settlement("V08", "update person_state set pool_code = '999999'"),
    in_settlement("V08 V06 V07", "delete from inbox where event_id = (select min(event_id::text)::uuid"
                  " from inbox where consumer = 'settlement-contribution')"),
    in_settlement("V09", "update idempotency set answer = convert_to('{\"n\":\"11010519491231002X\"}', 'UTF8')"
                  " where operation = 'open_stay'"),
    in_audit("V09", "update outbox set data = convert_to(replace(convert_from(data, 'UTF8'), '{', '{\"name\":\"A\",'),"
             " 'UTF8') where type = 'audit.flag.raised'"),
    in_settlement("V09 S03", "update log set request_id = '11010519491231002X' where action = 'list_item'"),
    in_audit("S01", "update flag set state = 'open' where state = 'decided'"),
    in_audit("S01", "update flag_count set flags = flags + 1"),
    in_audit("S01 S05", "update flag_step set step = 'said' where step = 'statement-made'"),
    in_settlement("S01", "update stay set state = 'open' where state = 'settled'"),
    in_settlement("S01 S05", "update adjustment set state = 'withdrawn' where state = 'rejected'"),
    in_settlement("S03", "update log set at = at + interval '1 second' where action = 'list_item'"),
    in_settlement("S03 S05", "delete from log where ctid = (select min(ctid) from log where action = 'list_item')"),
    in_audit("S03", "delete from sealed_block where number = (select max(number) from sealed_block)"),
    in_audit("S04", "update decision set approved_by = by"),
    in_audit("S04", "update flag_step s set by = f.by from flag_step f where f.flag_id = s.flag_id"
             " and f.step = 'first-review-pursued' and s.step = 'second-review-agreed'"),
    in_audit("S04", "update flag_step s set by = f.by from flag_step f where f.flag_id = s.flag_id"
             " and f.step = 'disposal-proposed' and s.step = 'disposal-approved'"),
    in_settlement("S01 S04 S05", "insert into catalogue_import values ('990001', gen_random_uuid(), '', 1, 'approved',"
                  " 'one', now(), 'one', now())"),
    in_settlement("S01 S05", f"update stay set state = 'cancelled', number_free = true where stay_id = {UNDONE_STAY}"),
    in_settlement("S01 S05", "update item_mapping set state = 'approved' where state = 'rejected'"),
    in_settlement("S01 S05", "update his_profile set approved_by = null, effective_at = null"
                  " where approved_by is not null"),
    in_settlement("S04", "update his_profile set approved_by = proposed_by where approved_by is not null"),
    in_settlement("S04 S01 S05", "insert into his_profile (pool_code, institution_code, terms, sealed_secret,"
                  " proposed_by, proposed_at, approved_by, effective_at)"
                  " values ('990001', 'X', '{}', '', 'one', now(), 'one', now())"),
    in_settlement("S05", "update agreement set valid = daterange(lower(valid), '2031-01-01')"
                  " where upper(valid) = '2030-01-01'"),
    in_settlement("S05", "update catalogue_item set valid = daterange(lower(valid), '2029-01-01')"
                  " where upper(valid) = '2030-01-01'"),
    in_settlement("S01 S05", "update pregnancy set period = '[2023-08-01,)', cancelled_at = null"
                  " where cancelled_at is not null"),
    in_settlement("S05", "delete from pregnancy_correction"),
    in_settlement("S04 M08", "update book_appointment set approved_by = proposed_by"),
    in_settlement("S04", "update adjustment set decided_by = proposed_by where state = 'rejected'"),
    in_settlement("S04", "update adjustment set endorsed_by = decided_by"
                  " where proposed_by = 'work:late-documents'"),
    in_settlement("S05", "insert into agreement select pool_code, 'X', level, valid, made_by, made_at"
                  " from agreement limit 1"),
    in_enrollment("S05 S03", "update log set actor = ''"),
    in_audit("S05", "insert into posted_price (pool_code, id, region, month, change, reason, by, asked_at)"
             " values ('990001', gen_random_uuid(), '990001', '2024-01', 0.05, 'planted', 'one', now())"),
    in_audit("S05", "insert into indicator_limit (pool_code, id, indicator, since, window_months, \"limit\","
             " reason, by, asked_at, approved_by) values ('990001', gen_random_uuid(), 'average-cost',"
             " '2024-01', 3, 9000, 'planted', 'one', now(), 'two')"),
    in_audit("S05", "insert into rule_snooze (pool_code, snooze_id, institution_code, rule, grade, since,"
             " until, reason, by, asked_at) values ('990001', gen_random_uuid(), 'H', 'delivery-interval',"
             " 'suspicious', '2024-01-01', '2024-02-01', 'planted', 'one', now())"),
    in_audit("S06 V08", "delete from judgement where ctid = (select min(ctid) from judgement)"),
    in_settlement("S07", "update deduction set amount_fen = amount_fen + 1"),
    in_settlement("S07 S05", "delete from deduction where state = 'pending'"),
    in_settlement("S07 S01 S05", "update deduction set state = 'pending' where state = 'released'"),
    in_settlement("R03", "alter table stay disable row level security"),
    in_settlement("R03", "alter table adjustment disable row level security"),
    in_settlement("R03", "alter table stay_items disable row level security"),
    in_audit("R03", "alter table series_month disable row level security"),
    in_settlement("R04", f"update adjustment set decided_at = decided_at + interval '31 days' where adjustment_id = {ADJUSTED}"),
    in_settlement("R04", f"update posting set posted_at = posted_at + interval '40 days'"
                  f" where settlement_id = {LIVE}"),
    in_settlement("R04", f"update posting set month = month + interval '1 month' where {HEARD_LATE}"),
    in_settlement("R02", "update reconciliation set differences = differences + 1, level_rows = level_rows - 1"
                  " where differences > 0"),
    in_settlement("R02", "delete from reconciliation_difference where kind = 'missing_here'"),
    in_settlement("R02", "update reconciliation_difference set their_fund_fen = their_fund_fen + 1"
                  " where kind = 'amount'"),
    in_settlement("R02", "update reconciliation_difference set kind = 'missing_there' where kind = 'amount'"),
    in_settlement("R02", "update reconciliation_difference set institution_code = 'X'"),
    in_settlement("R02", "update reconciliation set our_fund_fen = our_fund_fen + 1"
                  " where insurance_type = '510' and our_rows > 3"),
    in_settlement("R02", "update reconciliation set our_rows = 0, our_total_fen = 0, our_fund_fen = 0"
                  " where refunds and our_rows > 0"),
    in_audit("R06 S01", "update flag set state = 'open', due_on = '2024-04-12' where flag_id ="
             " (select min(flag_id::text)::uuid from flag)"),
    in_settlement("R06 V02 V05 V08", "update outbox set position = null where id = (select min(id::text)::uuid from outbox"
                  " where sequence = 4)"),
]  # fmt: skip


@pytest.fixture(scope="module")
async def run_file(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small run on the local bus, over and quiet."""
    return await small_run(module_databases, tmp_path_factory.mktemp("run"))


@pytest.fixture
async def stores(run_file: Path, tmp_path: Path) -> AsyncIterator[Stores]:
    """Its stores, in transactions that end with the test; no snapshot of an earlier run."""
    async with open_stores(run_file) as opened:
        opened.snapshot = tmp_path / "snapshot"
        transactions = [connection.transaction() for _, connection in opened.each()]
        for transaction in transactions:
            await transaction.start()
        yield opened
        for transaction in transactions:
            await transaction.rollback()


async def red(stores: Stores) -> set[str]:
    """The ids of the lines that fail."""
    lines = [await invariant.line(stores) for invariant in INVARIANTS]
    assert not [line for line in lines if "broke down" in line]
    return {line.split()[0] for line in lines if " FAIL:" in line}


# Keys that the replay's own upserts lean on stay.
_CONSTRAINTS = """
select format('alter table %s drop constraint if exists %I cascade', conrelid::regclass, conname)
from pg_constraint
where connamespace = 'public'::regnamespace and conrelid <> 0 and coninhcount = 0
  and (contype in ('c', 'f', 'x') or (contype = 'p' and conrelid = 'idempotency'::regclass))
"""
# A fault of the code writes row and event in one transaction: the planted edit must not be found
# by its own transaction's number.
_AS_IF_WRITTEN_SO = """
update outbox o set xid = pg_current_xact_id() from settlement s
where s.xmin::text::bigint = pg_current_xact_id()::text::bigint & 4294967295
  and o.type in ('settlement.claim.settled', 'settlement.claim.reversed')
  and convert_from(o.data, 'UTF8')::json ->>
      case when s.reverses is null then 'claim_id' else 'reversal_id' end = s.settlement_id::text
  and (o.type = 'settlement.claim.settled') = (s.reverses is null);
update outbox o set xid = pg_current_xact_id() from adjustment a
where a.xmin::text::bigint = pg_current_xact_id()::text::bigint & 4294967295
  and o.type = 'settlement.claim.adjusted'
  and convert_from(o.data, 'UTF8')::json ->> 'adjustment_id' = a.adjustment_id::text
"""


async def plant(stores: Stores, service: str, statement: str) -> None:
    """Change the stores as no service could: without a constraint in the way."""
    connection: asyncpg.Connection[asyncpg.Record] = stores.of(service)
    for row in await connection.fetch(_CONSTRAINTS):
        await connection.execute(row[0])
    for one in statement.split(";"):
        status = await connection.execute(one)
        assert not re.fullmatch(r"(UPDATE|DELETE|INSERT 0) 0", status), f"nothing planted: {one}"
    if service == "settlement":
        await connection.execute(_AS_IF_WRITTEN_SO)


def test_the_list_is_whole_and_what_must_be_checked_is() -> None:
    assert [i.id for i in INVARIANTS] == [
        *(f"M{n:02}" for n in range(1, 10)), *(f"O{n:02}" for n in range(1, 11)),
        *(f"E{n:02}" for n in range(1, 5)), *(f"V{n:02}" for n in range(1, 10)),
        *(f"S{n:02}" for n in range(1, 8)), *(f"R{n:02}" for n in range(1, 7)),
    ]  # fmt: skip
    assert all((i.check is None) == bool(i.not_yet) for i in INVARIANTS)
    assert set(REQUIRED) <= set(CHECKED)
    assert {fault.red.split()[0] for fault in FAULTS} | {"S02"} == set(CHECKED)


async def test_a_clean_run_is_all_ok_and_stays_so(run_file: Path) -> None:
    for _ in range(2):  # the second run holds the first one's snapshot against the stores
        done = await asyncio.to_thread(_verify, run_file)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        assert [line.split()[0] for line in lines] == [i.id for i in INVARIANTS]
        assert {line.split()[0] for line in lines if line.endswith(" ok")} == set(CHECKED)
    assert "snapshot" not in done.stderr


def _verify(run_file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.verify", "--run", str(run_file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.red.replace(" ", "+"))
async def test_a_planted_fault_turns_its_line_red(stores: Stores, fault: Fault) -> None:
    for service, statement in fault.planted.items():
        await plant(stores, service, statement)
    assert await red(stores) == set(fault.red.split())


@pytest.mark.parametrize(
    "edit",
    [
        f"update settlement set actor = 'another' where settlement_id = {UNDONE}",
        "delete from posting where account = 'clearing' and ctid = (select min(ctid) from posting"
        " where account = 'clearing')",
        f"update adjustment set cause = 'person:1' where adjustment_id = {ADJUSTED}",
    ],
)
async def test_an_edit_since_the_last_run_is_found_again_and_again(
    stores: Stores, edit: str
) -> None:
    s02 = next(i for i in INVARIANTS if i.id == "S02")
    assert await s02.line(stores) == "S02 ok"
    await plant(stores, "settlement", edit)
    for _ in range(2):
        assert "S02 FAIL" in await s02.line(stores)


async def test_a_failing_line_shows_at_most_three_and_no_person(stores: Stores) -> None:
    await plant(stores, "enrollment", "update person_version set at = '2030-01-01'")
    line = await next(i for i in INVARIANTS if i.id == "E03").line(stores)
    assert len(re.findall(r"[0-9a-f]{8}-", line)) == 3
    assert re.search(r"and \d+ more$", line)


async def test_on_a_real_broker(
    service_databases: ServiceDatabases, tmp_path: Path, kafka: Kafka
) -> None:
    from aiokafka import AIOKafkaProducer

    run_file = await small_run(service_databases, tmp_path, kafka)
    clean = await asyncio.to_thread(_verify, run_file)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    headers = [("ce_id", b"0190a000-0000-7000-8000-000000000000"), ("ce_sequence", b"1")]
    topic = kafka.topic("maternity.audit.flag.v1")
    await producer.send_and_wait(topic, b"{}", key=b"stranger", headers=headers)
    await producer.stop()
    async with open_stores(run_file) as stores:
        # Nobody told it, and with the services stopped nobody hears it.
        assert await red(stores) == {"V02", "V07", "V08"}
