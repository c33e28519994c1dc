-- The windows that end at the last graded date of @first_date to @last_date, as grading wrote them.
SELECT
  game_date, window_name, stat, system_id, n, mae, bias, line_mae, season_avg_mae, bets, wins, hit_rate,
  hit_rate_low, hit_rate_high, roi, priced_bets, brier, calibration_error
FROM nba_predictions.system_daily_performance
WHERE game_date BETWEEN @first_date AND @last_date
QUALIFY game_date = MAX(game_date) OVER ()
ORDER BY stat, system_id, window_name
