-- Executions that have ended for good. Parameters: @first_date and @last_date, the dates they are
-- about; @since, the earliest start; @function, the only one asked for, or ''.
SELECT
  processor_name, mode, status, game_date, run_id, started_at, finished_at, duration_seconds, record_count, attempts,
  error_type
FROM nba_reference.processor_run_history
WHERE game_date BETWEEN @first_date AND @last_date
  AND started_at >= @since
  AND (@function = '' OR processor_name = @function)
ORDER BY started_at, execution_id
