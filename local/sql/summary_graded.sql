-- The day's grades per system, all figures on the same rows. Parameter: @game_date.
SELECT system_id, n, mae, line_mae, season_avg_mae, hit_rate, bets, wins
FROM nba_predictions.system_daily_performance
WHERE game_date = @game_date AND window_name = 'day'
ORDER BY system_id
