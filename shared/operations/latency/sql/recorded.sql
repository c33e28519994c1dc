-- What is recorded of the dates @first_date to @last_date.
SELECT game_date, kind, subject, stage, began_at, ended_at, seconds, target_seconds
FROM nba_monitoring.pipeline_latency
WHERE game_date BETWEEN @first_date AND @last_date
ORDER BY game_date, kind, subject, stage
