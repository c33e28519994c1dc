-- Of one statistic, what a player had of it in a game, by the statistic's name. $1: the alias of
-- the table with its dot, or nothing; $2: the table's column; $3: what is put before the name, or
-- nothing; $4: the statistic.
$1$2 AS $3$4
