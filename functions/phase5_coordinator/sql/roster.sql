-- Feature rows of everyone on the rosters of @game_date: of the run's as_of, else the latest before
-- it. A run that begins at phase 5 has no rows of its own moment: it takes the newest that are
-- there.
SELECT f.*
FROM nba_predictions.ml_feature_store AS f
WHERE f.game_date = @game_date AND f.features_as_of <= @as_of
QUALIFY f.features_as_of = MAX(f.features_as_of) OVER (PARTITION BY f.game_id)
ORDER BY f.game_id, f.player_id
