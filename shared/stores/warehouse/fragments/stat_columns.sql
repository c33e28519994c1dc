-- The features of one statistic by name. $1: the alias of the table that has them with its dot, or
-- nothing; $2: the statistic's column.
$1$2_l3, $1$2_l5, $1$2_l10, $1$2_l20, $1$2_season, $1$2_prev_season,
    $1$2_ewma_02, $1$2_ewma_08, $1$2_ewma_20, $1$2_last,
    $1$2_sd_l10, $1$2_sd_season, $1$2_slope_l10, $1$2_z_l5, $1$2_max_l10, $1$2_min_l10,
    $1$2_per_minute_l10, $1$2_per_minute_season, $1$2_per_minute_l40,
    $1$2_per_minute_ewma_02, $1$2_per_minute_ewma_05,
    $1home_$2_diff, $1versus_opponent_$2
