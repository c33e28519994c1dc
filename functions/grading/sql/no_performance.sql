-- Takes the figures away that were made of a date's grades. Parameters: @game_date.
DELETE FROM nba_predictions.system_daily_performance WHERE game_date = @game_date
