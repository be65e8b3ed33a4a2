-- A deduction is from the next run, a recovery of what was paid; one that a later decision gave up
-- is released.
alter table deduction
    add kind text not null default 'deduct' check (kind in ('deduct', 'recover')),
    drop constraint deduction_state_check,
    add constraint known_state check (state in ('pending', 'cancelled', 'released'));
-- What waits for a flag is what its latest decision says.
create unique index one_pending_deduction_a_flag on deduction (pool_code, flag_id)
    where state = 'pending';
