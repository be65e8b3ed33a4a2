-- The claims that an alarm rests on most, greatest first: [{"claim_id": "...", "excess_fen": 1}].
-- What was found before knew none.
alter table series_finding
    add contributors jsonb not null default '[]' check (jsonb_typeof(contributors) = 'array');
-- A flag's last months say from when on a channel has a new past.
create index series_finding_of_flag on series_finding (pool_code, flag_id, month);
