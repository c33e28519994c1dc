-- A player's predictions of a date that count, and the grades they got. Parameters: @game_date,
-- @player_lookup.
SELECT
  said.game_id, said.player_id, said.batch_id, said.stat, said.system_id, said.model_version, said.line_value,
  said.line_kind, said.predicted, said.p_over, said.recommendation, said.reason, said.bookmaker, said.features_as_of,
  said.line_snapshot_at, said.created_at, said.updated_at, said.error_code, given.outcome, given.actual,
  given.void_reason, given.graded_at
FROM nba_predictions.current_predictions AS said
LEFT JOIN nba_predictions.prediction_accuracy AS given
  ON given.game_date = said.game_date AND given.game_date = @game_date
  AND given.game_id = said.game_id
  AND given.player_id = said.player_id
  AND given.stat = said.stat
  AND given.system_id = said.system_id
  AND given.batch_id = said.batch_id
  AND COALESCE(given.line_value, 0) = COALESCE(said.line_value, 0)
WHERE said.game_date = @game_date AND said.player_lookup = @player_lookup
ORDER BY said.game_id, said.stat, said.system_id, said.line_value
