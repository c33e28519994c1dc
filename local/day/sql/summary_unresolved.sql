-- Names of the feeds that no player was found for. Parameter: @game_date.
SELECT DISTINCT player_name, feed, reason
FROM nba_reference.unresolved_names
WHERE game_date = @game_date
ORDER BY player_name, feed
