-- The figures computed by shared/science/evaluation as rows of system_daily_performance; they
-- travel as one JSON list.
SELECT
  @game_date AS game_date,
  JSON_VALUE(figures, '$.window_name') AS window_name,
  JSON_VALUE(figures, '$.system_id') AS system_id,
  CAST(JSON_VALUE(figures, '$.n') AS INT64) AS n,
  CAST(JSON_VALUE(figures, '$.mae') AS FLOAT64) AS mae,
  CAST(JSON_VALUE(figures, '$.bias') AS FLOAT64) AS bias,
  CAST(JSON_VALUE(figures, '$.line_mae') AS FLOAT64) AS line_mae,
  CAST(JSON_VALUE(figures, '$.season_avg_mae') AS FLOAT64) AS season_avg_mae,
  CAST(JSON_VALUE(figures, '$.bets') AS INT64) AS bets,
  CAST(JSON_VALUE(figures, '$.wins') AS INT64) AS wins,
  CAST(JSON_VALUE(figures, '$.pushes') AS INT64) AS pushes,
  CAST(JSON_VALUE(figures, '$.passes') AS INT64) AS passes,
  CAST(JSON_VALUE(figures, '$.voids') AS INT64) AS voids,
  CAST(JSON_VALUE(figures, '$.hit_rate') AS FLOAT64) AS hit_rate,
  CAST(JSON_VALUE(figures, '$.hit_rate_low') AS FLOAT64) AS hit_rate_low,
  CAST(JSON_VALUE(figures, '$.hit_rate_high') AS FLOAT64) AS hit_rate_high,
  CAST(JSON_VALUE(figures, '$.roi') AS FLOAT64) AS roi,
  CAST(JSON_VALUE(figures, '$.priced_bets') AS INT64) AS priced_bets,
  CAST(JSON_VALUE(figures, '$.brier') AS FLOAT64) AS brier,
  CAST(JSON_VALUE(figures, '$.calibration_error') AS FLOAT64) AS calibration_error,
  CAST(JSON_VALUE(figures, '$.n_unlined') AS INT64) AS n_unlined,
  CAST(JSON_VALUE(figures, '$.mae_unlined') AS FLOAT64) AS mae_unlined,
  @graded_at AS graded_at,
  CAST(JSON_VALUE(figures, '$.priced_wins') AS INT64) AS priced_wins,
  CAST(JSON_VALUE(figures, '$.priced_pushes') AS INT64) AS priced_pushes
FROM UNNEST(JSON_QUERY_ARRAY(@figures)) AS figures
