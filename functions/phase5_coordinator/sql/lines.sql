-- Every bookmaker's latest lines of @game_date, resolved to players, as of the same moment as the
-- game's feature rows: newer ones, of a run whose features are still to be written, would be tested
-- beside predictions that do not know them.
WITH moments AS (
  SELECT f.game_id, MAX(f.features_as_of) AS features_as_of
  FROM nba_predictions.ml_feature_store AS f
  WHERE f.game_date = @game_date AND f.features_as_of <= @as_of
  GROUP BY f.game_id
)
SELECT
  l.game_id, l.features_as_of, l.player_id, l.player_lookup, l.player_name, l.bookmaker, l.is_main, l.line,
  l.over_price, l.under_price, l.snapshot_time, l.suspicious, l.stat
FROM nba_analytics.upcoming_player_lines AS l
JOIN moments AS m ON m.game_id = l.game_id
WHERE l.game_date = @game_date AND l.features_as_of <= m.features_as_of
QUALIFY l.features_as_of = MAX(l.features_as_of) OVER (PARTITION BY l.game_id)
ORDER BY l.game_id, l.player_lookup, l.stat, l.bookmaker, l.is_main DESC, l.line
