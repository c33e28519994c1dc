-- Players that a batch considered, by status and reason. Parameters: @game_date, @batch_id.
SELECT status, reason, COUNT(DISTINCT player_lookup) AS players
FROM nba_monitoring.expected_outputs
WHERE game_date = @game_date AND batch_id = @batch_id
GROUP BY status, reason
ORDER BY status, reason
