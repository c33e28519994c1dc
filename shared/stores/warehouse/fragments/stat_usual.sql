-- Of one statistic, the columns of player_daily_cache (d) that say what a player usually brings.
-- $1: its column.
d.$1_l10, d.$1_ewma_08
