-- Rows of every batch in the predictions table, and when they were written last. Parameters:
-- @first, @last.
SELECT
  game_date,
  batch_id,
  COUNT(*) AS row_count,
  COUNT(DISTINCT player_id) AS players,
  MIN(updated_at) AS first_updated_at,
  MAX(updated_at) AS last_updated_at
FROM nba_predictions.player_prop_predictions
WHERE game_date BETWEEN @first AND @last
GROUP BY game_date, batch_id
ORDER BY game_date, batch_id
