-- Of one statistic, this season's mean and sample standard deviation from its sums. $1: its column.
SAFE_DIVIDE(s.$1_sum, s.games_season) AS $1_season,
    SQRT(SAFE_DIVIDE(s.games_season * s.$1_squares - s.$1_sum * s.$1_sum,
      s.games_season * (s.games_season - 1))) AS $1_sd_season
