-- Absences of past games as injury report rows with source derived: for history that no feed gives.
-- Of the teams, and as of the moment, that this run's derived_lists wrote. Parameters: @run_id,
-- @first_date, @last_date.
SELECT
  a.game_date,
  l.source,
  a.team,
  a.player_id,
  a.player_name,
  a.player_lookup,
  p.player_lookup_base,
  'OUT' AS status,
  'did not play' AS reason,
  l.snapshot_time,
  @run_id AS run_id,
  l.source_file
FROM nba_analytics.player_absences AS a
JOIN nba_reference.players AS p ON p.player_id = a.player_id
JOIN nba_raw.injury_report_teams AS l
  ON l.game_date = a.game_date AND l.game_date BETWEEN @first_date AND @last_date
  AND l.team = a.team AND l.source = 'derived'
WHERE a.game_date BETWEEN @first_date AND @last_date
