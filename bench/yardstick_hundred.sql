-- C2: the same, a hundred in one transaction.
\set total random(200000, 1500000)
select count(ys_settle(n * 997, :total)) from generate_series(1, 100) n;
