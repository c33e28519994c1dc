-- Of one statistic, running totals of the season after each game. $1: its column.
SUM($1) OVER season_so_far AS $1_sum,
    SUM($1 * $1) OVER season_so_far AS $1_squares,
    SUM(IF(is_home, $1, 0)) OVER season_so_far AS home_$1
