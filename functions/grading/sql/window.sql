-- Graded rows of the season so far, main lines and players without a line: what the windows'
-- figures are made of.
SELECT
  game_date,
  stat,
  system_id,
  line_kind,
  recommendation,
  outcome,
  predicted,
  actual,
  line_value,
  season_average,
  p_over,
  p_push,
  profit
FROM nba_predictions.prediction_accuracy
WHERE game_date >= @season_start
  AND game_date <= @game_date
  AND line_kind IN ('main', 'none')
  -- Beside a line that nobody means a forecast is no measure of anything.
  AND suspicious IS NOT TRUE
ORDER BY stat, system_id, game_date, game_id, player_id
