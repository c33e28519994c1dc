-- Performance of every system and window that ends at the last graded date on or before the date.
-- The table counts decisions at an assumed price as bets; nobody could make those, so that here, as
-- in the results, they are passes. Rows older than priced_wins tell nothing of wins, unless every
-- decision had a price.
WITH
last_graded AS (
  SELECT MAX(game_date) AS game_date
  FROM nba_predictions.system_daily_performance
  WHERE game_date <= @game_date
    AND graded_at <= @now
)
SELECT
  performance.game_date,
  performance.window_name,
  performance.stat,
  performance.system_id,
  performance.n,
  performance.mae,
  performance.bias,
  performance.line_mae,
  performance.season_avg_mae,
  COALESCE(
    performance.priced_wins,
    IF(performance.priced_bets = performance.bets + performance.pushes, performance.wins, NULL)
  ) AS wins,
  COALESCE(
    performance.priced_pushes,
    IF(performance.priced_bets = performance.bets + performance.pushes, performance.pushes, NULL)
  ) AS pushes,
  performance.passes + performance.bets + performance.pushes - performance.priced_bets AS passes,
  performance.voids,
  performance.roi,
  performance.priced_bets,
  performance.brier,
  performance.calibration_error,
  performance.n_unlined,
  performance.mae_unlined,
  performance.graded_at
FROM nba_predictions.system_daily_performance AS performance
INNER JOIN last_graded
  ON last_graded.game_date = performance.game_date
WHERE performance.game_date <= @game_date
ORDER BY performance.stat, performance.system_id, performance.window_name
