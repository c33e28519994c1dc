-- The date's games as the schedule has them now, and those that were predicted for it and have left
-- it since, after one row of facts (game_id NULL) that is there even on a day without games:
-- whether a schedule is loaded at all, and which batches were consolidated. `called_off`: why the
-- game does not take place that day.
WITH
latest AS (
  SELECT
    game_id, game_date, season_type, home_team, away_team, tipoff_at, status, home_points, away_points, snapshot_time,
    CASE
      WHEN called_off THEN status
      WHEN gone_at <= @now THEN 'not_scheduled'
      WHEN game_date <> @game_date THEN 'moved'
    END AS called_off
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time <= @now
    AND (replaced_at IS NULL OR replaced_at > @now)
),
facts AS (
  SELECT COUNT(*) AS schedule_rows, MAX(snapshot_time) AS schedule_at
  FROM latest
  WHERE game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND DATE_ADD(@game_date, INTERVAL 200 DAY)
    AND (called_off IS NULL OR called_off <> 'not_scheduled')
),
predicted AS (
  SELECT DISTINCT game_id
  FROM nba_predictions.prediction_batches
  WHERE game_date = @game_date
),
batches AS (
  SELECT STRING_AGG(DISTINCT batch_id, ',' ORDER BY batch_id) AS consolidated_batches
  FROM nba_predictions.prediction_batches
  WHERE game_date = @game_date
)
SELECT
  facts.schedule_rows,
  facts.schedule_at,
  batches.consolidated_batches,
  CAST(NULL AS STRING) AS game_id,
  CAST(NULL AS STRING) AS home_team,
  CAST(NULL AS STRING) AS away_team,
  CAST(NULL AS TIMESTAMP) AS tipoff_at,
  CAST(NULL AS STRING) AS status,
  CAST(NULL AS INT64) AS home_points,
  CAST(NULL AS INT64) AS away_points,
  CAST(NULL AS STRING) AS called_off
FROM facts
CROSS JOIN batches
UNION ALL
SELECT
  CAST(NULL AS INT64) AS schedule_rows,
  CAST(NULL AS TIMESTAMP) AS schedule_at,
  CAST(NULL AS STRING) AS consolidated_batches,
  latest.game_id,
  latest.home_team,
  latest.away_team,
  latest.tipoff_at,
  latest.status,
  latest.home_points,
  latest.away_points,
  latest.called_off
FROM latest
LEFT JOIN predicted
  ON predicted.game_id = latest.game_id
WHERE latest.season_type IN ('regular_season', 'playin', 'playoffs')
  AND (
    predicted.game_id IS NOT NULL
    OR (latest.game_date = @game_date AND (latest.called_off IS NULL OR latest.called_off <> 'not_scheduled'))
  )
ORDER BY schedule_rows DESC, game_id
