-- The date's games as the schedule's latest snapshot has them, after one row of facts (game_id NULL) that is there
-- even on a day without games: whether a schedule is loaded at all, and which batches were consolidated.
WITH
latest AS (
  SELECT game_id, game_date, season_type, home_team, away_team, tipoff_at, status, home_points, away_points
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND DATE_ADD(@game_date, INTERVAL 200 DAY)
    AND snapshot_time <= @now
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY snapshot_time DESC, run_id DESC, source_file DESC) = 1
),
facts AS (
  SELECT COUNT(*) AS schedule_rows
  FROM latest
),
batches AS (
  SELECT STRING_AGG(DISTINCT batch_id, ',' ORDER BY batch_id) AS consolidated_batches
  FROM nba_predictions.prediction_batches
  WHERE game_date = @game_date
)
SELECT
  facts.schedule_rows,
  batches.consolidated_batches,
  CAST(NULL AS STRING) AS game_id,
  CAST(NULL AS STRING) AS home_team,
  CAST(NULL AS STRING) AS away_team,
  CAST(NULL AS TIMESTAMP) AS tipoff_at,
  CAST(NULL AS STRING) AS status,
  CAST(NULL AS INT64) AS home_points,
  CAST(NULL AS INT64) AS away_points
FROM facts
CROSS JOIN batches
UNION ALL
SELECT
  CAST(NULL AS INT64) AS schedule_rows,
  CAST(NULL AS STRING) AS consolidated_batches,
  game_id,
  home_team,
  away_team,
  tipoff_at,
  status,
  home_points,
  away_points
FROM latest
WHERE game_date = @game_date
  AND season_type IN ('regular_season', 'playin', 'playoffs')
ORDER BY schedule_rows DESC, game_id
