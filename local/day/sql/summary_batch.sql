-- What the last revision considered and predicted, player by player. Parameters: @game_date,
-- @batch_id.
WITH
predicted AS (
  SELECT game_id, player_id, COUNT(*) AS predictions, COUNTIF(line_kind <> 'none') AS lined_predictions
  FROM nba_predictions.player_prop_predictions
  WHERE game_date = @game_date AND batch_id = @batch_id
  GROUP BY game_id, player_id
)
SELECT
  e.game_id, e.player_id, e.player_name, e.status, e.reason, e.has_line,
  COALESCE(p.predictions, 0) AS predictions, COALESCE(p.lined_predictions, 0) AS lined_predictions
FROM nba_monitoring.expected_outputs AS e
LEFT JOIN predicted AS p ON p.game_id = e.game_id AND p.player_id = e.player_id
WHERE e.game_date = @game_date AND e.batch_id = @batch_id
ORDER BY e.game_id, e.player_lookup
