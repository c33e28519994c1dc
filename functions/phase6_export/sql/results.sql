-- The grades of the last graded date on or before the date, with names as the features had them.
WITH
last_graded AS (
  SELECT MAX(game_date) AS game_date
  FROM nba_predictions.prediction_accuracy
  WHERE game_date <= @game_date
    AND graded_at <= @now
),
names AS (
  SELECT features.game_id, features.player_id, features.player_name, features.team, features.opponent
  FROM nba_predictions.ml_feature_store AS features
  INNER JOIN last_graded
    ON last_graded.game_date = features.game_date
  WHERE features.game_date <= @game_date
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY features.game_id, features.player_id
    ORDER BY features.features_as_of DESC
  ) = 1
)
SELECT
  grades.game_date,
  grades.batch_id,
  grades.game_id,
  grades.player_id,
  grades.player_lookup,
  names.player_name,
  names.team,
  names.opponent,
  grades.stat,
  grades.system_id,
  grades.line_value,
  grades.line_kind,
  grades.recommendation,
  grades.predicted,
  grades.p_over,
  grades.season_average,
  grades.actual,
  grades.error,
  grades.outcome,
  grades.correct,
  grades.profit,
  grades.void_reason,
  grades.graded_at,
  grades.side,
  grades.bookmaker,
  grades.price
FROM nba_predictions.prediction_accuracy AS grades
INNER JOIN last_graded
  ON last_graded.game_date = grades.game_date
LEFT JOIN names
  ON names.game_id = grades.game_id
  AND names.player_id = grades.player_id
WHERE grades.game_date <= @game_date
ORDER BY grades.game_id, grades.player_lookup, grades.player_id, grades.stat, grades.system_id, grades.line_value
