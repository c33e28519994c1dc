-- Teams whose absences of past games are derived, as rows of injury_report_teams with source
-- derived: both teams of each game, but none that the league's own report covers on that day, for
-- what nobody knew must not stand where a list is. A day of which nobody's absence can be derived
-- (the first ones of a season) has no list: that nobody was missing is not known. Known from 11:00
-- New York on the game's day, as an injury list would be. Parameters: @run_id, @first_date,
-- @last_date. Reads player_absences.
SELECT DISTINCT
  g.game_date,
  'derived' AS source,
  g.team,
  TRUE AS submitted,
  TIMESTAMP(DATETIME(g.game_date, TIME '11:00:00'), 'America/New_York') AS snapshot_time,
  @run_id AS run_id,
  CAST(NULL AS STRING) AS source_file
FROM nba_analytics.player_game_summary AS g
JOIN (
  SELECT DISTINCT game_date FROM nba_analytics.player_absences WHERE game_date BETWEEN @first_date AND @last_date
) AS a ON a.game_date = g.game_date
LEFT JOIN nba_raw.injury_report_teams AS l
  ON l.game_date = g.game_date AND l.game_date BETWEEN @first_date AND @last_date
  AND l.team = g.team AND l.source = 'official'
WHERE g.game_date BETWEEN @first_date AND @last_date AND l.team IS NULL
