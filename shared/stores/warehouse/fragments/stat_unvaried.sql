-- Of one statistic, whether this season's games all have the same value, so that there is no z
-- score. $1: its column.
-- Joined by OR.
$1_sd_season = 0
