-- The claims of one kind in a span of days: what a claim is held beside.
create index claim_peers on claim (pool_code, benefit, institution_level, event_on);
