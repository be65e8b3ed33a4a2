-- C1: one settlement in one statement.
\set person random(1, 100000)
\set total random(200000, 1500000)
select ys_settle(:person, :total);
