-- Phases of runs that are about the dates @first_date to @last_date.
SELECT game_date, run_id, phase, status, started_at, finished_at
FROM nba_monitoring.pipeline_execution_log
WHERE game_date BETWEEN @first_date AND @last_date
ORDER BY game_date, run_id, started_at, finished_at, phase
