-- Every current prediction of the date's finished games against what happened: the rows of
-- prediction_accuracy. What says nothing has no grade, not even a pass.
WITH
-- Games that can be graded, as games.sql found them; they travel as one JSON list. A game that was
-- not played that day is void for everybody. tipoff_seconds is the schedule's tip-off where it may
-- be earlier than the prediction knew.
finished AS (
  SELECT
    JSON_VALUE(game, '$.game_id') AS game_id,
    JSON_VALUE(game, '$.void_reason') AS void_reason,
    TIMESTAMP_SECONDS(CAST(JSON_VALUE(game, '$.tipoff_seconds') AS INT64)) AS tipoff_at
  FROM UNNEST(JSON_QUERY_ARRAY(@games)) AS game
),
facts AS (
  SELECT
    predictions.game_id,
    predictions.player_id,
    predictions.player_lookup,
    predictions.stat,
    predictions.system_id,
    predictions.model_version,
    predictions.batch_id,
    predictions.line_value,
    predictions.line_kind,
    predictions.recommendation,
    predictions.predicted,
    predictions.predicted_sd,
    predictions.p_over,
    predictions.p_push,
    predictions.p_over IS NULL AND STARTS_WITH(predictions.reason, 'suspicious_line') AS suspicious,
    {{stat_value(features., _season, predictions.stat, threes)}} AS season_average,
    CASE
      WHEN finished.void_reason IS NOT NULL THEN finished.void_reason
      WHEN games.player_id IS NULL THEN 'did_not_play'
      -- He played, and the box score does not have the statistic: no bet on it is won or lost.
      WHEN {{stat_value(games., , predictions.stat, fg3m)}} IS NULL THEN 'no_figure'
    END AS void_reason,
    IF(finished.void_reason IS NULL, {{stat_value(games., , predictions.stat, fg3m)}}, NULL) AS actual,
    -- The side of a bet is what it recommends; rows older than the column have no other.
    COALESCE(predictions.side, IF(predictions.recommendation IN ('OVER', 'UNDER'), predictions.recommendation, NULL))
      AS side,
    predictions.bookmaker,
    CASE COALESCE(predictions.side, predictions.recommendation)
      WHEN 'OVER' THEN predictions.over_price
      WHEN 'UNDER' THEN predictions.under_price
    END AS price
  FROM nba_predictions.current_predictions AS predictions
  INNER JOIN finished
    ON finished.game_id = predictions.game_id
  LEFT JOIN nba_analytics.player_game_summary AS games
    ON games.game_date = @game_date
    AND games.game_id = predictions.game_id
    AND games.player_id = predictions.player_id
  -- The season mean that the prediction saw, not today's.
  LEFT JOIN nba_predictions.ml_feature_store AS features
    ON features.game_date = @game_date
    AND features.game_id = predictions.game_id
    AND features.player_id = predictions.player_id
    AND features.features_as_of = predictions.features_as_of
  WHERE predictions.game_date = @game_date
    -- Only what was said before tip-off is graded.
    AND predictions.updated_at < predictions.tipoff_at
    AND (finished.tipoff_at IS NULL OR predictions.updated_at < finished.tipoff_at)
    AND {{says_something(predictions.)}}
),
outcomes AS (
  SELECT
    facts.*,
    CASE
      WHEN void_reason IS NOT NULL THEN 'void'
      WHEN recommendation = 'NO_LINE' THEN 'no_line'
      WHEN recommendation = 'PASS' THEN 'pass'
      -- A whole line that is hit exactly gives the stake back.
      WHEN CAST(actual AS NUMERIC) = line_value THEN 'push'
      WHEN (CAST(actual AS NUMERIC) > line_value) = (recommendation = 'OVER') THEN 'win'
      ELSE 'loss'
    END AS outcome
  FROM facts
)
SELECT
  @game_date AS game_date,
  game_id,
  player_id,
  player_lookup,
  stat,
  system_id,
  model_version,
  batch_id,
  line_value,
  line_kind,
  recommendation,
  predicted,
  predicted_sd,
  p_over,
  p_push,
  season_average,
  actual,
  predicted - actual AS error,
  ABS(predicted - actual) AS absolute_error,
  CAST(line_value AS FLOAT64) - actual AS line_error,
  season_average - actual AS season_average_error,
  outcome,
  CASE outcome
    WHEN 'win' THEN TRUE
    WHEN 'loss' THEN FALSE
  END AS correct,
  -- American odds: +150 wins 1.5 units per unit staked, -120 wins 100/120. No offered price:
  -- nothing was staked.
  CASE
    WHEN price IS NULL THEN NULL
    WHEN outcome = 'win' AND price > 0 THEN price / 100
    WHEN outcome = 'win' THEN SAFE_DIVIDE(100, -price)
    WHEN outcome = 'loss' THEN -1.0
    WHEN outcome = 'push' THEN 0.0
  END AS profit,
  void_reason,
  COALESCE(suspicious, FALSE) AS suspicious,
  @graded_at AS graded_at,
  side,
  IF(price IS NULL, NULL, bookmaker) AS bookmaker,
  price
FROM outcomes
