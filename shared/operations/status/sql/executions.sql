-- The latest executions of each phase of the dates @first to @last, at most @most of each, as the
-- run history has them. Other parameter: @phases.
SELECT
  game_date, execution_id, run_id, processor_name, phase, mode, status, reason, as_of, started_at, finished_at,
  duration_seconds, record_count, records_failed, attempts, trigger_source, trigger_message_id, batch_id, error_type,
  error_message
FROM nba_reference.processor_run_history
WHERE game_date BETWEEN @first AND @last AND phase IN UNNEST(@phases)
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY game_date, phase
  ORDER BY started_at DESC, finished_at DESC, logged_at DESC, execution_id
) <= @most
ORDER BY game_date, phase, started_at, finished_at, logged_at, execution_id
