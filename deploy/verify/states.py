"""S: only lawful steps, nothing edited, whoever did it is named, and two people where two must."""

from __future__ import annotations

from collections import Counter, defaultdict

from deploy.verify.snapshot import missing_since_last
from deploy.verify.stores import Stores, found
from shared.plumbing.journal import anchors_cut, check_seals

_IN_REVIEW = (
    "open", "notified", "first_reviewed", "investigating", "second_reviewed", "proposed",
)  # fmt: skip
# From which state to which; "" is before the beginning. What is missing here is not lawful.
STEPS = {
    "stay": {
        ("", "open"), ("open", "open"), ("open", "discharged"), ("discharged", "discharged"),
        ("discharged", "open"), ("open", "cancelled"),
    },
    "claim": {("", "settled"), ("settled", "reversed")},
    "deduction": {
        ("", "pending"), ("", "refused"), ("pending", "cancelled"), ("pending", "released"),
    },
    "adjustment": {
        ("", "proposed"), ("proposed", "proposed"), ("proposed", "released"), ("proposed", "rejected"), ("proposed", "withdrawn"),
    },
    "pregnancy": {
        ("", "registered"), ("registered", "registered"), ("registered", "cancelled"),
    },
    "entitlement": {
        ("", "opened"), ("", "deferred"), ("opened", "fixed"), ("deferred", "fixed"),
        ("opened", "withdrawn"), ("deferred", "withdrawn"), ("fixed", "withdrawn"),
        ("opened", "opened"), ("opened", "deferred"), ("deferred", "opened"),
        ("deferred", "deferred"), ("fixed", "fixed"), ("withdrawn", "opened"),
        ("withdrawn", "deferred"),
    },
    "item-mapping": {
        ("", "proposed"), ("proposed", "approved"), ("proposed", "rejected"),
        ("proposed", "revoked"), ("approved", "revoked"),
    },
    "catalogue-import": {("", "proposed"), ("proposed", "approved"), ("proposed", "rejected")},
    "book-appointment": {("", "proposed"), ("proposed", "approved")},
    "his-profile": {("", "proposed"), ("proposed", "approved")},
    "flag": {
        ("", "open"),
        ("open", "notified"), ("open", "first_reviewed"), ("notified", "first_reviewed"),
        ("first_reviewed", "open"), ("first_reviewed", "investigating"),
        ("first_reviewed", "second_reviewed"), ("first_reviewed", "decided"),
        ("investigating", "second_reviewed"), ("second_reviewed", "proposed"),
        ("proposed", "second_reviewed"), ("proposed", "decided"),
        ("decided", "open"), ("closed", "open"),
        *((state, "closed") for state in _IN_REVIEW),
        *((state, state) for state in (*_IN_REVIEW, "decided", "closed")),
    },
}  # fmt: skip
_HISTORY = """
select split_part(subject, ':', 1) as noun, split_part(subject, ':', 2) as id, from_state, to_state
from log where split_part(subject, ':', 1) = any($1)
"""
_NOW = {
    "settlement": """
        select 'claim', settlement_id::text, state from claim
        union all select 'stay', stay_id::text, case state when 'settled' then 'discharged' else state end
        from stay
        union all select 'pregnancy', pregnancy_id::text,
                         case when cancelled_at is null then 'registered' else 'cancelled' end
        from pregnancy
        union all select 'book-appointment', number::text,
                         case when approved_by is null then 'proposed' else 'approved' end
        from book_appointment
        union all select 'his-profile', number::text,
                         case when approved_by is null then 'proposed' else 'approved' end
        from his_profile
        union all select 'item-mapping', mapping_id::text, state from item_mapping
        union all select 'catalogue-import', import_id::text, state from catalogue_import
        union all select 'deduction', flag_id || '/' || decision, state from deduction
        union all select 'adjustment', adjustment_id::text, state from adjustment
        union all select 'entitlement', entitlement_id::text, state from entitlement""",
    "audit": "select 'flag', flag_id::text, state from flag",
}
_SETTLEMENT_STATES = """
select 'claim ' || c.settlement_id from claim c
full join settlement s on s.pool_code = c.pool_code and s.settlement_id = c.settlement_id
where coalesce(s.reverses is null, true) and (s.settlement_id is null or c.settlement_id is null
    or (c.state = 'reversed') <> exists (select from settlement r where r.reverses = s.settlement_id))
union
select 'stay ' || t.stay_id from stay t
where (t.state = 'settled') <> exists (
    select from claim c where c.pool_code = t.pool_code and c.stay_id = t.stay_id and c.state = 'settled')
union
select 'adjustment ' || a.adjustment_id from adjustment a join claim c using (pool_code, settlement_id)
where a.state = 'proposed' and c.state = 'reversed'
union
select 'deduction ' || d.deduction_id from deduction d join claim c using (pool_code, settlement_id)
where d.state <> 'released' and (d.state = 'cancelled') <> (c.state = 'reversed')
order by 1
"""
_FLAG_STEPS = """
select 'flag ' || f.flag_id from flag f left join flag_step s using (pool_code, flag_id)
group by f.pool_code, f.flag_id, f.version, f.state
having count(s.*) <> f.version or max(s.number) <> f.version
    or (array_agg(s.to_state order by s.number desc))[1] <> f.state
union
select 'count of ' || pool_code || ' ' || state
from (select pool_code, state, count(*) as flags from flag group by pool_code, state) f
full join (select pool_code, state, sum(flags) as flags from flag_count group by pool_code, state) c
    using (pool_code, state)
where coalesce(f.flags, 0) <> coalesce(c.flags, 0)
union
select 'unheard, and decided on money: ' || d.flag_id from decision d
where d.outcome in ('deduct', 'recover') and d.verdict is not null and not exists (
    select from flag_step s where s.pool_code = d.pool_code and s.flag_id = d.flag_id
      and s.step in ('statement-made', 'statement-missing'))
order by 1
"""


async def s01(stores: Stores) -> list[str]:
    """Each subject's history is a path of its state graph, which ends where the subject stands."""
    wrong = await found(stores.settlement, _SETTLEMENT_STATES)
    wrong += await found(stores.audit, _FLAG_STEPS)
    for service, connection in stores.each():
        paths: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
        for row in await connection.fetch(_HISTORY, sorted(STEPS)):
            paths[row["noun"], row["id"]][row["from_state"], row["to_state"]] += 1
        now = {}
        if service in _NOW:
            now = {(row[0], row[1]): row[2] for row in await connection.fetch(_NOW[service])}
        of_audit = service == "audit"
        for (noun, key), steps in paths.items():
            if of_audit and noun == "claim":
                continue  # audit's own words about a claim; V05 compares its state
            if not _is_path(noun, steps, now.get((noun, key))):
                wrong.append(f"{noun} {key}")
        wrong += [f"{noun} {key} began nowhere" for noun, key in now if (noun, key) not in paths]
    return sorted(set(wrong))


def _is_path(noun: str, steps: Counter[tuple[str, str]], now: str | None) -> bool:
    """Whether the steps, in whatever order their clocks gave them, make one path to `now`."""
    if any(step not in STEPS[noun] for step in steps):
        return False
    surplus: Counter[str] = Counter()
    for (before, after), times in steps.items():
        surplus[before] -= times
        surplus[after] += times
    ends = {state: count for state, count in surplus.items() if count and state != ""}
    return surplus[""] == -1 and len(ends) == 1 and (now is None or ends == {now: 1})


async def s02(stores: Stores) -> list[str]:
    """Every settlement, posting and log row of the last run is still there, and still the same."""
    return await missing_since_last(stores)


UNSEALED = """
select id::text from log
where xid >= coalesce((select max(xid_until::text::bigint) from sealed_block), 0)::text::xid8
  and xid < pg_snapshot_xmin(pg_current_snapshot())
order by id
"""


async def s03(stores: Stores) -> list[str]:
    """The sealed log is whole: contents, blocks, chain and anchors; and after quiet no tail."""
    wrong = []
    for service, connection in stores.each():
        anchor = stores.anchors.get(service)
        if anchor is None:
            wrong.append(f"{service}: the run file names no anchors")
            continue
        wrong += [f"{service}: {fault}" for fault in await check_seals(connection, anchor)]
        if copy := stores.copies.get(service):
            wrong += [f"{service}: {fault}" for fault in anchors_cut(anchor, copy)]
        unsealed = await found(connection, UNSEALED)
        wrong += [f"{service}: not sealed: {row}" for row in unsealed]
    return wrong


# Since a review has its five steps a decision names what was found: its people are those of the
# second review, or of the disposal.
_S04_AUDIT = """
select 'decision on ' || d.flag_id from decision d where d.approved_by = d.by
union
select 'decision on ' || d.flag_id from decision d
where not exists (
        select from flag_step one join flag_step other using (pool_code, flag_id)
        where one.pool_code = d.pool_code and one.flag_id = d.flag_id
          and one.by = d.by and other.by = d.approved_by and one.number < other.number
          and (one.step, other.step) in (('first-review-cleared', 'second-review-agreed'),
              ('disposal-proposed', 'disposal-approved'), ('first-review', 'second-review-agreed')))
union
select 'second review of ' || s.flag_id from flag_step s
join lateral (
    select f.by from flag_step f
    where f.pool_code = s.pool_code and f.flag_id = s.flag_id and f.number < s.number
      and f.step like 'first-review%' order by f.number desc limit 1) f on true
where (s.step like 'second-review-%' or s.step = 'investigation-ordered') and s.by = f.by
union
select 'approval of ' || s.flag_id from flag_step s
join lateral (
    select p.by from flag_step p
    where p.pool_code = s.pool_code and p.flag_id = s.flag_id and p.number < s.number
      and p.step = 'disposal-proposed' order by p.number desc limit 1) p on true
where s.step in ('disposal-approved', 'disposal-rejected') and s.by = p.by
union
select 'decision without people on ' || f.flag_id from flag f
left join decision d using (pool_code, flag_id)
group by f.pool_code, f.flag_id, f.decision having count(d.*) <> f.decision
union
select 'price notice ' || id from posted_price where approved_by = by
union
select 'indicator limit ' || id from indicator_limit where approved_by = by
union
select a.subject from log a join log b using (subject)
where (a.action, b.action) in (('price-notice-asked', 'price-notice-approved'),
    ('indicator-limit-asked', 'indicator-limit-approved'),
    ('snooze-asked', 'snooze-approved')) and a.actor = b.actor
union
select 'snooze ' || snooze_id from rule_snooze where approved_by = by
order by 1
"""
_S04_SETTLEMENT = """
select 'book appointment ' || number from book_appointment where approved_by = proposed_by
union
select 'catalogue import ' || import_id from catalogue_import where decided_by = proposed_by
union
select 'book appointment ' || a.number from book_appointment a
where exists (
    select from log p join log q using (subject)
    where p.subject = 'book-appointment:' || a.number and p.action = 'propose_book'
      and q.action = 'approve_book' and p.actor = q.actor)
union
select 'profile ' || number from his_profile where approved_by = proposed_by
union
select p.subject from log p join log q using (subject)
where (p.action, q.action) = ('propose_profile', 'approve_profile') and p.actor = q.actor
union
select 'adjustment ' || adjustment_id from adjustment
where state in ('released', 'rejected') and decided_by = proposed_by
   or state = 'released' and proposed_by = 'work:late-documents'
      and (endorsed_by is null or endorsed_by = decided_by)
union
select 'adjustment ' || a.adjustment_id from adjustment a
where exists (
    select from log p join log q using (subject)
    where p.subject = 'adjustment:' || a.adjustment_id and p.action = 'propose_adjustment'
      and q.action in ('release_adjustment', 'reject_adjustment') and p.actor = q.actor)
order by 1
"""


async def s04(stores: Stores) -> list[str]:
    """Decisions, books, files of the catalogue, hospitals' profiles, adjustments, price notices and
    limits of agreements are by two people: neither reviews, or approves, what is his own."""
    return await found(stores.audit, _S04_AUDIT) + await found(stores.settlement, _S04_SETTLEMENT)
