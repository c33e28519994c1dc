-- What the run wrote to the feature store: rows, players by quality, and how many lack their team's
-- injury list or a line. Parameters: @as_of (the run's), @first_date, @last_date, @min_quality.
SELECT
  COUNT(*) AS row_count,
  COUNT(DISTINCT game_id) AS games,
  COUNT(DISTINCT player_id) AS players,
  COUNTIF(quality_score >= @min_quality) AS rows_of_quality,
  COUNTIF(injury_status IN ('OUT', 'DOUBTFUL')) AS rows_out,
  COUNTIF(null_reasons LIKE '%injuries=%') AS rows_without_injury_report,
  COUNTIF(line IS NOT NULL) AS rows_with_line
FROM nba_predictions.ml_feature_store
WHERE game_date BETWEEN @first_date AND @last_date
  AND features_as_of = {{features_moment()}}
