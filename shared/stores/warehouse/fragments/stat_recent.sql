-- Of one statistic, what a player had of it in his recent games together. $1: its column of the box
-- score; $2: the statistic.
SUM($1) OVER recent AS $2
