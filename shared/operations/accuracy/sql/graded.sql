-- Graded main lines of the dates @first_date to @last_date, by statistic: each system's errors by
-- week beside the line's and the season average's on the same rows, and its probabilities beside
-- what happened.
WITH
lined AS (
  SELECT
    DATE_TRUNC(game_date, WEEK(MONDAY)) AS starts_on,
    stat, system_id, recommendation, outcome, predicted, error, line_error, season_average_error, actual,
    line_value,
    -- Given no push, as grading's calibration_error is.
    IF(COALESCE(p_push, 0) < 1, p_over / (1 - COALESCE(p_push, 0)), NULL) AS chance
  FROM nba_predictions.prediction_accuracy
  WHERE game_date BETWEEN @first_date AND @last_date
    AND line_kind = 'main'
    AND suspicious IS NOT TRUE
    AND actual IS NOT NULL
),
weeks AS (
  SELECT
    starts_on, stat, system_id,
    COUNT(*) AS n,
    AVG(ABS(error)) AS mae,
    AVG(error) AS bias,
    AVG(ABS(line_error)) AS line_mae,
    AVG(ABS(season_average_error)) AS season_average_mae
  FROM lined
  WHERE error IS NOT NULL AND line_error IS NOT NULL AND season_average_error IS NOT NULL
  GROUP BY starts_on, stat, system_id
),
bets AS (
  SELECT starts_on, stat, system_id, COUNTIF(outcome = 'win') AS wins, COUNT(*) AS bets
  FROM lined
  WHERE recommendation IN ('OVER', 'UNDER') AND outcome IN ('win', 'loss')
  GROUP BY starts_on, stat, system_id
),
bins AS (
  SELECT
    LEAST(CAST(FLOOR(chance * 10) AS INT64), 9) AS bin,
    stat,
    system_id,
    COUNT(*) AS n,
    AVG(chance) AS chance,
    AVG(IF(actual > line_value, 1.0, 0.0)) AS overs
  FROM lined
  WHERE chance IS NOT NULL AND actual <> line_value
  GROUP BY bin, stat, system_id
)
SELECT
  'week' AS kind, weeks.stat, weeks.system_id, weeks.starts_on, NULL AS bin, weeks.n, weeks.mae, weeks.bias,
  weeks.line_mae, weeks.season_average_mae, COALESCE(bets.bets, 0) AS bets, COALESCE(bets.wins, 0) AS wins,
  NULL AS chance, NULL AS overs
FROM weeks
LEFT JOIN bets
  ON bets.starts_on = weeks.starts_on AND bets.stat = weeks.stat AND bets.system_id = weeks.system_id
UNION ALL
SELECT
  'bin' AS kind, stat, system_id, NULL AS starts_on, bin, n, NULL AS mae, NULL AS bias, NULL AS line_mae,
  NULL AS season_average_mae, NULL AS bets, NULL AS wins, chance, overs
FROM bins
ORDER BY kind, stat, starts_on, bin, system_id
