-- Every bookmaker's lines of a statistic of the games played, as known at the moment of the
-- players' own feature rows. Parameters: @stat, @first_date, @last_date.
SELECT
  l.game_id, l.player_id, l.bookmaker, l.is_main, l.line, l.over_price, l.under_price, l.snapshot_time,
  l.suspicious
FROM nba_analytics.upcoming_player_lines AS l
WHERE l.game_date BETWEEN @first_date AND @last_date AND l.stat = @stat AND l.player_id IS NOT NULL
QUALIFY l.features_as_of = MAX(l.features_as_of) OVER (PARTITION BY l.game_id)
ORDER BY l.game_id, l.player_id, l.bookmaker, l.is_main DESC, l.line
