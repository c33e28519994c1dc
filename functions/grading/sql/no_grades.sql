-- Takes a date's grades away, where none of its games can be graded any more. Parameters:
-- @game_date.
DELETE FROM nba_predictions.prediction_accuracy WHERE game_date = @game_date
