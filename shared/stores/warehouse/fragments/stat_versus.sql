-- Of one statistic, its mean in the games against this opponent (g). $1: its column.
AVG(g.$1) AS $1
