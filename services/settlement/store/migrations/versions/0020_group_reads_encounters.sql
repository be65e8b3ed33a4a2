-- The group writer is held by the same wall as everybody: an encounter is its institution's.
grant select on encounter to settlement_group;
