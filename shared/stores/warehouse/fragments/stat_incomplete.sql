-- Of one statistic, whether the latest box score lacks it, as it does where any mean is NULL. $1:
-- its column.
-- Joined by OR.
$1_last IS NULL
