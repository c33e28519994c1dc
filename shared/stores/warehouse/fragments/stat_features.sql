-- Of one statistic, its columns of player_daily_cache from the season (s), the last 60 games (f)
-- and the games against this opponent (v). Slopes are least squares with x = -k, so that rising is
-- positive. The difference at home is shrunk as if 20 more games had shown none. $1: its column.
f.$1_l3, f.$1_l5, f.$1_l10, f.$1_l20,
  s.$1_season,
  SAFE_DIVIDE(s.$1_before, s.games_before) AS $1_prev_season,
  f.$1_ewma_02, f.$1_ewma_08, f.$1_ewma_20, f.$1_last,
  SQRT(SAFE_DIVIDE(f.games_10 * f.$1_squares_10 - f.$1_sum_10 * f.$1_sum_10,
    f.games_10 * (f.games_10 - 1))) AS $1_sd_l10,
  s.$1_sd_season,
  SAFE_DIVIDE(f.k_sum * f.$1_sum_10 - f.games_10 * f.k_$1,
    f.games_10 * f.k_squares - f.k_sum * f.k_sum) AS $1_slope_l10,
  SAFE_DIVIDE(f.$1_l5 - s.$1_season, s.$1_sd_season) AS $1_z_l5,
  CAST(f.$1_max_l10 AS FLOAT64) AS $1_max_l10,
  CAST(f.$1_min_l10 AS FLOAT64) AS $1_min_l10,
  SAFE_DIVIDE(f.$1_sum_10, f.minutes_sum_10) AS $1_per_minute_l10,
  SAFE_DIVIDE(s.$1_sum, s.minutes_sum) AS $1_per_minute_season,
  SAFE_DIVIDE(f.$1_sum_40, f.minutes_sum_40) AS $1_per_minute_l40,
  f.$1_per_minute_ewma_02, f.$1_per_minute_ewma_05,
  (SAFE_DIVIDE(s.home_$1, s.home_games)
    - SAFE_DIVIDE(s.two_season_$1 - s.home_$1, s.two_season_games - s.home_games))
    * SAFE_DIVIDE(s.two_season_games, s.two_season_games + 20) AS home_$1_diff,
  v.$1 AS versus_opponent_$1
