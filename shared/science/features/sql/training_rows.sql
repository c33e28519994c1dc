-- Feature rows of games played, each with what the player did: the one reader of training and
-- backtest. A game and player count once, with the latest features before tip-off. Parameters:
-- @as_of, @first_date, @last_date.
SELECT
  f.*,
  {{stat_counted(p., columns, actual_, *)}},
  p.minutes AS actual_minutes,
  p.known_at AS actual_known_at
FROM nba_predictions.ml_feature_store AS f
JOIN nba_analytics.player_game_summary AS p
  ON p.game_date = f.game_date AND p.game_date BETWEEN @first_date AND @last_date
  AND p.game_id = f.game_id AND p.player_id = f.player_id
WHERE f.game_date BETWEEN @first_date AND @last_date
  AND p.known_at < @as_of
QUALIFY ROW_NUMBER() OVER (PARTITION BY f.game_id, f.player_id ORDER BY f.features_as_of DESC) = 1
ORDER BY f.game_date, f.game_id, f.player_id
