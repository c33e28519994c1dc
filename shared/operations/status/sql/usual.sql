-- How long each phase took on the dates @first to @last, in seconds, executions that did something
-- alone. Other parameter: @phases.
WITH
measured AS (
  SELECT
    phase,
    PERCENTILE_CONT(duration_seconds, 0.5) OVER (PARTITION BY phase) AS p50,
    PERCENTILE_CONT(duration_seconds, 0.95) OVER (PARTITION BY phase) AS p95
  FROM nba_reference.processor_run_history
  WHERE game_date BETWEEN @first AND @last
    AND phase IN UNNEST(@phases)
    AND status IN ('success', 'partial', 'halted')
    AND mode <> 'backfill'
)
SELECT phase, MAX(p50) AS p50, MAX(p95) AS p95, COUNT(*) AS n
FROM measured
GROUP BY phase
ORDER BY phase
