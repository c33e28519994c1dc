-- How often a player was on an exported list of best bets, newest list first. Parameters:
-- @game_date, @player_lookup.
SELECT
  list_id, exported_at, rank, game_id, stat, system_id, line_value, side, bookmaker, price, p_over, expected_value
FROM nba_predictions.exported_best_bets
WHERE game_date = @game_date AND player_lookup = @player_lookup AND rank > 0
ORDER BY exported_at DESC, list_id, rank
