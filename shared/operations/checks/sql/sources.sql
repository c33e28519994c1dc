-- The newest answer of each source by the date that it is about, and of how many games (or events)
-- there are rows; a schedule's snapshot is about its whole season (game_date NULL). Parameters:
-- @first, @last, @now.
SELECT
  'nbac_schedule' AS source,
  CAST(NULL AS DATE) AS game_date,
  MAX(snapshot_time) AS newest_at,
  COUNT(DISTINCT game_id) AS games
FROM nba_raw.nbac_schedule
WHERE game_date BETWEEN DATE_SUB(@first, INTERVAL 200 DAY) AND DATE_ADD(@last, INTERVAL 200 DAY)
  AND snapshot_time <= @now
UNION ALL
SELECT 'player_boxscores' AS source, game_date, MAX(snapshot_time) AS newest_at, COUNT(DISTINCT game_id) AS games
FROM nba_raw.nbac_player_boxscores
WHERE game_date BETWEEN @first AND @last AND snapshot_time <= @now
GROUP BY game_date
UNION ALL
SELECT 'team_boxscores' AS source, game_date, MAX(snapshot_time) AS newest_at, COUNT(DISTINCT game_id) AS games
FROM nba_raw.nbac_team_boxscores
WHERE game_date BETWEEN @first AND @last AND snapshot_time <= @now
GROUP BY game_date
UNION ALL
SELECT 'injury_report' AS source, game_date, MAX(snapshot_time) AS newest_at, COUNT(*) AS games
FROM nba_raw.injury_report
WHERE game_date BETWEEN @first AND @last AND source <> 'derived' AND snapshot_time <= @now
GROUP BY game_date
UNION ALL
SELECT 'official_report' AS source, game_date, MAX(snapshot_time) AS newest_at, COUNT(DISTINCT team) AS games
FROM nba_raw.injury_report_teams
WHERE game_date BETWEEN @first AND @last AND source = 'official' AND snapshot_time <= @now
GROUP BY game_date
UNION ALL
SELECT 'player_lines' AS source, game_date, MAX(fetched_at) AS newest_at, COUNT(DISTINCT event_id) AS games
FROM nba_raw.odds_api_player_props
WHERE game_date BETWEEN @first AND @last AND fetched_at <= @now
GROUP BY game_date
UNION ALL
SELECT 'game_lines' AS source, game_date, MAX(fetched_at) AS newest_at, COUNT(DISTINCT event_id) AS games
FROM nba_raw.odds_api_game_lines
WHERE game_date BETWEEN @first AND @last AND fetched_at <= @now
GROUP BY game_date
UNION ALL
SELECT 'shot_zones' AS source, game_date, MAX(snapshot_time) AS newest_at, COUNT(DISTINCT game_id) AS games
FROM nba_raw.shot_zones
WHERE game_date BETWEEN @first AND @last AND snapshot_time <= @now
GROUP BY game_date
ORDER BY source, game_date
