-- Absences of past games as injury report rows with source derived: for history that no feed gives.
-- Known from 11:00 New York on the game's day, as an injury list would be. Parameters: @run_id,
-- @first_date, @last_date.
SELECT
  a.game_date,
  'derived' AS source,
  a.team,
  a.player_id,
  a.player_name,
  a.player_lookup,
  p.player_lookup_base,
  'OUT' AS status,
  'did not play' AS reason,
  TIMESTAMP(DATETIME(a.game_date, TIME '11:00:00'), 'America/New_York') AS snapshot_time,
  @run_id AS run_id,
  CAST(NULL AS STRING) AS source_file
FROM nba_analytics.player_absences AS a
JOIN nba_reference.players AS p ON p.player_id = a.player_id
WHERE a.game_date BETWEEN @first_date AND @last_date
