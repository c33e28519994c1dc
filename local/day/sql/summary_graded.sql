-- The day's grades per statistic and system, a statistic's figures on the same rows; bets are those
-- that a book priced.
-- Parameter: @game_date.
SELECT
  stat,
  system_id,
  n,
  mae,
  line_mae,
  season_avg_mae,
  SAFE_DIVIDE(priced_wins, priced_bets - priced_pushes) AS hit_rate,
  priced_bets - priced_pushes AS bets,
  priced_wins AS wins
FROM nba_predictions.system_daily_performance
WHERE game_date = @game_date AND window_name = 'day'
ORDER BY stat, system_id
