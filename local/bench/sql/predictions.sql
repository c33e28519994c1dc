-- Every row of the predictions table by its key, to compare two ways of writing it.
SELECT *
FROM nba_predictions.player_prop_predictions
ORDER BY game_date, game_id, player_id, stat, system_id, line_value
