-- Of one statistic, this season's totals (s), the season before's (p), and both together. $1: its
-- column.
s.$1_sum, s.$1_squares, p.$1_sum AS $1_before,
    COALESCE(s.home_$1, 0) + COALESCE(p.home_$1, 0) AS home_$1,
    COALESCE(s.$1_sum, 0) + COALESCE(p.$1_sum, 0) AS two_season_$1
