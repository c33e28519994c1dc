-- By function and date what ended since a moment: what failed for good, and the newest run that did
-- not. Parameters: @first, @last, @since, @now.
WITH
history AS (
  SELECT processor_name, game_date, execution_id, status, finished_at, started_at, reason, error_type
  FROM nba_reference.processor_run_history
  WHERE game_date BETWEEN @first AND @last
    AND finished_at >= @since
    AND finished_at <= @now
)
SELECT
  processor_name,
  game_date,
  COUNTIF(status = 'failed') AS failures,
  MAX(IF(status = 'failed', finished_at, NULL)) AS failed_at,
  MAX_BY(IF(status = 'failed', execution_id, NULL), IF(status = 'failed', finished_at, NULL)) AS execution_id,
  MAX_BY(IF(status = 'failed', reason, NULL), IF(status = 'failed', finished_at, NULL)) AS reason,
  MAX(IF(status NOT IN ('failed', 'skipped'), started_at, NULL)) AS done_at
FROM history
GROUP BY processor_name, game_date
ORDER BY processor_name, game_date
