-- A finding has the evidence that it was made on, each value as shown, and its money at risk.
alter table finding
    alter rival_id drop not null,
    alter flag_id drop not null,
    alter days_between drop not null,
    add column evidence jsonb not null default '{}',
    add column at_risk_fen bigint not null default 0 check (at_risk_fen >= 0),
    add column shadow boolean not null default false;
update finding f set
    at_risk_fen = c.fund_fen,
    evidence = jsonb_build_object(
        'event_on', c.event_on, 'settled_on', c.settled_on,
        'fund', to_char(c.fund_fen / 100.0, 'FM999999999990.00'), 'days', f.days_between::text,
        'rival', r.claim_id, 'rival_institution', r.institution_code,
        'rival_event_on', r.event_on, 'rival_settled_on', r.settled_on,
        'rival_fund', to_char(r.fund_fen / 100.0, 'FM999999999990.00'))
from claim c, claim r
where c.pool_code = f.pool_code and c.claim_id = f.claim_id
  and r.pool_code = f.pool_code and r.claim_id = f.rival_id;
alter table finding
    drop column days_between,
    alter evidence drop default,
    alter at_risk_fen drop default,
    alter shadow drop default,
    add constraint shadow_raises_nothing check (shadow = (flag_id is null));
-- The key of a finding names its rival; one of a single claim has none, and is there once too.
create unique index finding_once on finding
    (pool_code, claim_id, rule, rule_version, coalesce(rival_id, claim_id));
-- Which rules were silent for want of a fact.
alter table judgement add column silent text[] not null default '{}';
alter table judgement alter silent drop default;
