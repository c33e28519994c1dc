-- Every bookmaker's latest lines of @game_date, resolved to players, as of the same moment as the feature rows.
SELECT
  l.game_id, l.features_as_of, l.player_id, l.player_lookup, l.player_name, l.bookmaker, l.is_main, l.line,
  l.over_price, l.under_price, l.snapshot_time
FROM nba_analytics.upcoming_player_lines AS l
WHERE l.game_date = @game_date AND l.features_as_of <= @as_of
QUALIFY l.features_as_of = MAX(l.features_as_of) OVER (PARTITION BY l.game_id)
ORDER BY l.game_id, l.player_lookup, l.bookmaker, l.is_main DESC, l.line
