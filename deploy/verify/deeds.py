"""S05-S07: every act has its log row, every claim its judgement, every decision its deduction."""

from __future__ import annotations

from deploy.verify.stores import Stores, found

# Each row that an act writes, beside the log rows that tell of such an act on such a subject.
_ACTS = {
    "settlement": """
        select 'claim:' || settlement_id, 'settle' from settlement where reverses is null
        union all select 'claim:' || reverses, 'reverse' from settlement where reverses is not null
        union all select 'stay:' || stay_id, 'open_stay' from stay
        union all select 'stay:' || stay_id, 'cancel_stay' from stay where state = 'cancelled'
        union all select 'pregnancy:' || pregnancy_id, 'register_pregnancy' from pregnancy
        union all select 'pregnancy:' || pregnancy_id, 'transfer_pregnancy' from designation
        where number > 1
        union all select 'pregnancy:' || pregnancy_id, 'correct_pregnancy' from pregnancy_correction
        union all select 'pregnancy:' || pregnancy_id, 'cancel_pregnancy' from pregnancy
        where cancelled_at is not null
        union all select 'entitlement:' || entitlement_id, 'open_entitlement' from entitlement
        union all select 'entitlement:' || entitlement_id, 'fix_allowance' from entitlement
        where kind = 'allowance' and amount_fen is not null
        union all select 'entitlement:' || entitlement_id, 'revise_entitlement'
        from entitlement_revision where version > 1
        union all select 'entitlement:' || entitlement_id, 'withdraw_entitlement' from entitlement e
        where state = 'withdrawn' and not exists (
            select from entitlement_revision r
            where r.entitlement_id = e.entitlement_id and r.version = e.version)
        union all select 'deduction:' || flag_id || '/' || decision, 'take_deduction' from deduction
        union all select 'deduction:' || flag_id || '/' || decision, 'cancel_deduction' from deduction
        where state = 'cancelled'
        union all select 'deduction:' || flag_id || '/' || decision, 'release_deduction' from deduction
        where state = 'released'
        union all select 'adjustment:' || adjustment_id, 'propose_adjustment' from adjustment
        union all select 'adjustment:' || adjustment_id, case state when 'released' then 'release_adjustment'
            when 'rejected' then 'reject_adjustment' else 'withdraw_adjustment' end
        from adjustment where state <> 'proposed'
        union all select 'adjustment:' || adjustment_id, 'endorse_adjustment' from adjustment
        where endorsed_by is not null
        union all select 'agreement:' || institution_code || '/' || lower(valid), 'make_agreement'
        from agreement
        union all select 'catalogue-item:' || item_code || '/' || lower(valid), 'list_item'
        from catalogue_item where import_id is null
        union all select 'item-mapping:' || mapping_id, 'propose_mapping' from item_mapping
        union all select 'item-mapping:' || mapping_id, case state when 'approved' then 'approve_mapping'
            when 'rejected' then 'reject_mapping' else 'revoke_mapping' end
        from item_mapping where state <> 'proposed'
        union all select subject, 'approve_mapping' from log
        where action = 'revoke_mapping' and from_state = 'approved'
        union all select 'his-profile:' || number, 'propose_profile' from his_profile
        union all select 'his-profile:' || number, 'approve_profile' from his_profile
        where approved_by is not null
        union all select 'reconciliation:' || reconciliation_id, 'reconcile' from reconciliation
        union all select 'catalogue-import:' || import_id, 'propose_import' from catalogue_import
        union all select 'catalogue-import:' || import_id,
                         case state when 'approved' then 'approve_import' else 'reject_import' end
        from catalogue_import where state <> 'proposed'
        union all select 'book-appointment:' || number, 'propose_book' from book_appointment
        union all select 'book-appointment:' || number, 'approve_book' from book_appointment
        where approved_by is not null
        union all select 'period:' || pool_code || '/' || to_char(month, 'YYYY-MM'), 'close_period'
        from closed_period""",
    "audit": """
        select 'claim:' || claim_id, 'claim-recorded' from claim
        union all select 'claim:' || claim_id, 'claim-reversed' from claim where status = 'reversed'
        union all select 'flag:' || flag_id, 'flag-' || step from flag_step
        union all select 'price-notice:' || id, 'price-notice-' || step
        from posted_price, lateral (values ('asked', by), ('approved', approved_by),
            ('ended', ended_by), ('replaced', replaced_by::text)) t(step, told) where told is not null
        union all select 'indicator-limit:' || id, 'indicator-limit-' || step
        from indicator_limit, lateral (values ('asked', by), ('approved', approved_by),
            ('ended', ended_by), ('replaced', replaced_by::text)) t(step, told) where told is not null
        union all select 'snooze:' || snooze_id, 'snooze-' || step
        from rule_snooze, lateral (values ('asked', by), ('approved', approved_by),
            ('ended', ended_by)) t(step, told) where told is not null""",
    "enrollment": """
        select 'contribution:' || contribution_id, 'post-contribution' from contribution
        union all select 'employer:' || employer_ref, 'add-employer' from employer""",
}
LOGGED = (
    "settle", "reverse", "open_stay", "cancel_stay", "register_pregnancy", "transfer_pregnancy",
    "correct_pregnancy", "cancel_pregnancy",
    "open_entitlement", "fix_allowance", "withdraw_entitlement", "revise_entitlement",
    "take_deduction", "cancel_deduction", "release_deduction",
    "propose_adjustment", "endorse_adjustment", "release_adjustment", "reject_adjustment",
    "withdraw_adjustment",
    "make_agreement", "list_item", "propose_import", "approve_import", "reject_import",
    "propose_mapping", "approve_mapping", "reject_mapping", "revoke_mapping",
    "propose_profile", "approve_profile", "propose_book", "approve_book",
    "reconcile", "close_period",
    "claim-recorded", "claim-reversed", "flag-%", "price-notice-%", "indicator-limit-%", "snooze-%",
    "post-contribution", "add-employer",
)  # fmt: skip
"""The acts that are counted against the rows that they write: each has as many log rows."""
# A refused deduction leaves a log row and an event, but no row.
_LOGGED = """
select subject, action from log
where action like any ($1::text[]) and (action <> 'take_deduction' or to_state = 'pending')
"""
_UNNAMED = """
select 'log row ' || id from log
where actor = '' or request_id = '' or action = '' or subject = ''
   or length(content_hash) <> 32 or length(before_hash) <> 32 or length(after_hash) <> 32
order by 1
"""
# A stay's and a pregnancy's version counts its acts; settling and reversing count for the stay,
# and the birth for the pregnancy.
_STAYS = """
select 'lines of stay ' || s.stay_id from stay s
where not exists (
    select from log l where l.subject = 'stay:' || s.stay_id
      and l.action = case when s.line_count > 0 then 'add_lines' else 'cancel_lines' end)
  and (s.line_count > 0 or exists (
    select from log l where l.subject = 'stay:' || s.stay_id and l.action = 'add_lines'))
order by 1
"""
# What is ended may be ended again, ever earlier; and a version of an item by its successor too.
_ENDED = """
with told as (
    select pool_code, subject, min(substr(to_state, length('until ') + 1)::date) as until
    from log where action in ('end_agreement', 'end_item') group by pool_code, subject
), ended as (
    select pool_code, 'agreement:' || institution_code || '/' || lower(valid) as subject,
           upper(valid) as until, false as succeeded
    from agreement
    union all
    select pool_code, 'catalogue-item:' || item_code || '/' || lower(valid), upper(valid), exists (
        select from catalogue_item s where s.pool_code = i.pool_code and s.item_code = i.item_code
          and lower(s.valid) = upper(i.valid) and s.import_id is not null)
    from catalogue_item i
)
select 'end of ' || subject from told left join ended using (pool_code, subject)
where told.until is distinct from ended.until and not coalesce(ended.until < told.until and succeeded, false)
order by 1
"""
_STATES = """
select 'state of ' || coalesce(v.person_ref, l.subject) || ' ' || coalesce(v.version::text, l.to_state)
from person_version v
full join (select * from log where subject like 'person:%') l
    on l.subject = 'person:' || v.person_ref and l.to_state = 'version ' || v.version
where v.person_ref is null or l.id is null
order by 1
"""


async def s05(stores: Stores) -> list[str]:
    """Every act left one log row with its actor, request and hashes, and every log row its act."""
    wrong = []
    for service, connection in stores.each():
        wrong += await found(connection, _UNNAMED)
        wrong += await found(
            connection,
            f"select coalesce(a.s, l.s) || ' ' || coalesce(a.d, l.d)"
            f" from (select s, d, count(*) as n from ({_ACTS[service]}) a(s, d) group by s, d) a"
            f" full join (select s, d, count(*) as n from ({_LOGGED}) l(s, d) group by s, d) l"
            " using (s, d) where a.n is distinct from l.n order by 1",
            [action.replace("_", r"\_") for action in LOGGED],
        )
    wrong += await found(stores.settlement, _STAYS)
    wrong += await found(stores.settlement, _ENDED)
    return wrong + await found(stores.enrollment, _STATES)


_SETTLED = "select settlement_id::text from settlement where reverses is null"
_JUDGED = """
select claim_id::text from judgement group by pool_code, claim_id
having count(*) = count(distinct rule_set) and bool_and(rule_set <> '')
"""


async def s06(stores: Stores) -> list[str]:
    """Each settlement was judged, once by a rule set; and nothing else was."""
    settled = set(await found(stores.settlement, _SETTLED))
    judged = set(await found(stores.audit, _JUDGED))
    return sorted(settled ^ judged)


_DECIDED = """
select d.flag_id::text as flag_id, d.number, d.claim_id::text as claim_id, d.amount_fen,
       d.outcome, f.deduction, f.decision = d.number as latest
from decision d join flag f using (pool_code, flag_id) where d.outcome in ('deduct', 'recover')
"""
_TAKEN = """
select flag_id, decision, settlement_id::text as claim_id, amount_fen, kind, state, count(*) over
       (partition by flag_id, decision) as doubled from deduction
"""
_REFUSED = """
select said ->> 'flag_id' as flag_id, (said ->> 'decision')::int as decision,
       ((said ->> 'amount')::numeric * 100)::bigint as amount_fen
from (select convert_from(data, 'UTF8')::json as said from outbox
      where type = 'settlement.claim.deduction-refused') told
"""


async def s07(stores: Stores) -> list[str]:
    """Each decided deduction was taken, or told back, once and with its amount; none undecided; and
    none is kept that a later decision gave up."""
    decided = {(row["flag_id"], row["number"]): row for row in await stores.audit.fetch(_DECIDED)}
    taken = {
        (row["flag_id"], row["decision"]): row for row in await stores.settlement.fetch(_TAKEN)
    }
    refused = {
        (row["flag_id"], row["decision"]): row["amount_fen"]
        for row in await stores.settlement.fetch(_REFUSED)
    }
    wrong = [f"undecided {flag}/{number}" for flag, number in taken.keys() - decided.keys()]
    wrong += [f"doubled {flag}/{n}" for (flag, n), row in taken.items() if row["doubled"] > 1]
    for key, row in decided.items():
        place = f"{key[0]}/{key[1]}"
        deduction, told_back = taken.get(key), refused.get(key)
        if deduction is not None:
            same = (deduction["claim_id"], deduction["amount_fen"], deduction["kind"])
            if same != (row["claim_id"], row["amount_fen"], row["outcome"]):
                wrong.append(f"another amount or claim {place}")
            if (deduction["state"] == "cancelled") != (told_back is not None):
                wrong.append(f"cancelled and not told back, or told back and kept {place}")
        elif told_back != row["amount_fen"]:
            wrong.append(f"neither taken nor told back {place}")
        kept = deduction is not None and deduction["state"] not in ("cancelled", "released")
        if row["latest"] and row["deduction"] != ("taken" if kept else "refused"):
            wrong.append(f"audit does not know what became of {place}")
    # A decision that was followed by another on its flag stands no more.
    given_up = {key for key, row in decided.items() if not row["latest"]}
    for key, row in taken.items():
        if (row["state"] == "pending" and key in given_up) or (
            row["state"] == "released" and key not in given_up
        ):
            wrong.append(f"given up and kept, or kept and given up {key[0]}/{key[1]}")
    return sorted(wrong)
