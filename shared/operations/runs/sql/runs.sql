WITH history AS (
  SELECT
    game_date, run_id, execution_id, processor_name, mode, status, reason, started_at, duration_seconds,
    record_count, attempts, trigger_source, error_message,
    AVG(IF(status IN ('success', 'partial'), duration_seconds, NULL)) OVER before AS usual_seconds,
    COUNT(IF(status IN ('success', 'partial'), duration_seconds, NULL)) OVER before AS usual_runs
  FROM nba_reference.processor_run_history
  WHERE game_date BETWEEN @compared_from AND @last AND (@function = '' OR processor_name = @function)
  WINDOW before AS (
    PARTITION BY processor_name, mode ORDER BY started_at, execution_id ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING
  )
)
SELECT * FROM history
WHERE game_date >= @first
  AND (NOT @slow OR (usual_runs >= @least_runs AND duration_seconds > @slow_times * usual_seconds))
ORDER BY started_at DESC, execution_id
LIMIT 500
