-- A hospital clears by kinds of care: which of them were held against each other, null for all.
alter table reconciliation add column benefits text[];
