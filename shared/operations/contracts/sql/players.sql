-- Everybody who has features, was considered, or is predicted for the dates @first to @last: what
-- the batch that counts for his game says of him, and whether current predictions have him. Other
-- parameter: @as_of.
WITH
moments AS (
  SELECT game_date, game_id, MAX(features_as_of) AS features_as_of
  FROM nba_predictions.ml_feature_store
  WHERE game_date BETWEEN @first AND @last AND features_as_of <= @as_of
  GROUP BY game_date, game_id
),
features AS (
  SELECT
    store.game_date, store.game_id, store.player_id, store.tipoff_at, store.injury_status, store.games_known,
    store.minutes_l10, store.quality_score
  FROM nba_predictions.ml_feature_store AS store
  INNER JOIN moments
    ON moments.game_date = store.game_date
    AND moments.game_id = store.game_id
    AND moments.features_as_of = store.features_as_of
  WHERE store.game_date BETWEEN @first AND @last
),
-- The batch that counts for each game: the rule of current_predictions.
counting AS (
  SELECT game_date, game_id, batch_id, consolidated_at
  FROM nba_predictions.prediction_batches
  WHERE game_date BETWEEN @first AND @last
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_date, game_id
    ORDER BY revision DESC, consolidated_at DESC, batch_id DESC
  ) = 1
),
-- A batch recorded twice names its players twice: the last record counts.
considered AS (
  SELECT expected.game_date, expected.game_id, expected.player_id, expected.status, expected.unit
  FROM nba_monitoring.expected_outputs AS expected
  INNER JOIN counting
    ON counting.game_date = expected.game_date
    AND counting.game_id = expected.game_id
    AND counting.batch_id = expected.batch_id
  WHERE expected.game_date BETWEEN @first AND @last AND expected.player_id IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY expected.game_date, expected.game_id, expected.player_id
    ORDER BY expected.recorded_at DESC, expected.status
  ) = 1
),
predicted AS (
  SELECT DISTINCT game_date, game_id, player_id
  FROM nba_predictions.current_predictions
  WHERE game_date BETWEEN @first AND @last
),
everybody AS (
  SELECT game_date, game_id, player_id FROM features
  UNION DISTINCT
  SELECT game_date, game_id, player_id FROM considered
  UNION DISTINCT
  SELECT game_date, game_id, player_id FROM predicted
)
SELECT
  everybody.game_date,
  everybody.game_id,
  everybody.player_id,
  features.tipoff_at,
  features.injury_status,
  features.games_known,
  features.minutes_l10,
  features.quality_score,
  counting.batch_id,
  counting.consolidated_at,
  considered.status AS considered_as,
  considered.unit,
  predicted.player_id IS NOT NULL AS is_predicted
FROM everybody
LEFT JOIN features
  ON features.game_date = everybody.game_date
  AND features.game_id = everybody.game_id
  AND features.player_id = everybody.player_id
LEFT JOIN counting
  ON counting.game_date = everybody.game_date AND counting.game_id = everybody.game_id
LEFT JOIN considered
  ON considered.game_date = everybody.game_date
  AND considered.game_id = everybody.game_id
  AND considered.player_id = everybody.player_id
LEFT JOIN predicted
  ON predicted.game_date = everybody.game_date
  AND predicted.game_id = everybody.game_id
  AND predicted.player_id = everybody.player_id
ORDER BY everybody.game_date, everybody.game_id, everybody.player_id
