-- What the raw tables hold for @first_date to @last_date as far as known before @as_of: games,
-- finals, box scores. Parameters: @as_of, @first_date, @last_date, @near_first, @near_last.
WITH
schedule AS (
  SELECT game_date, game_id, season_type, home_team, away_team, status, tipoff_at, home_points, away_points, called_off
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time < @as_of
    AND (replaced_at IS NULL OR NOT replaced_at < @as_of)
    AND (gone_at IS NULL OR NOT gone_at < @as_of)
),
games AS (
  SELECT
    game_id, game_date, home_team, away_team, status, home_points, away_points,
    COALESCE(tipoff_at, TIMESTAMP(DATETIME(game_date, TIME '19:00:00'), 'America/New_York')) AS tipoff_at
  FROM schedule
  WHERE game_date BETWEEN @first_date AND @last_date
    AND season_type IN ('regular_season', 'playin', 'playoffs') AND NOT called_off
),
-- The two teams of each game: rows of a third one are none of its halves.
sides AS (
  SELECT game_id, home_team AS team FROM games
  UNION ALL
  SELECT game_id, away_team AS team FROM games
),
-- The newest file that has rows of a game and team counts whole, as in player_game_summary.sql.
all_players AS (
  SELECT game_id, team, minutes, points, snapshot_time
  FROM nba_raw.nbac_player_boxscores
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of
  QUALIFY RANK() OVER (
    PARTITION BY game_id, team ORDER BY {{newest_snapshot()}}
  ) = 1
),
players AS (
  SELECT p.game_id, p.team, p.minutes, p.points, p.snapshot_time
  FROM all_players AS p
  JOIN sides AS s ON s.game_id = p.game_id AND s.team = p.team
),
strangers AS (
  SELECT STRING_AGG(DISTINCT CONCAT(p.game_id, ' ', p.team), ',' ORDER BY CONCAT(p.game_id, ' ', p.team)) AS teams
  FROM all_players AS p
  JOIN games AS g ON g.game_id = p.game_id
  WHERE p.team <> g.home_team AND p.team <> g.away_team
),
player_sums AS (
  SELECT
    game_id, team, SUM(points) AS points, COUNTIF(minutes > 0) AS players, MAX(snapshot_time) AS fetched_at
  FROM players
  GROUP BY game_id, team
),
-- Feeds differ in which team is at home.
odds AS (
  SELECT game_date, home_team, away_team
  FROM nba_raw.odds_api_player_props
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of
  UNION DISTINCT
  SELECT game_date, home_team, away_team
  FROM nba_raw.odds_api_game_lines
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of
),
swapped AS (
  SELECT STRING_AGG(DISTINCT g.game_id, ',' ORDER BY g.game_id) AS game_ids
  FROM games AS g
  JOIN odds AS o ON o.game_date = g.game_date AND o.home_team = g.away_team AND o.away_team = g.home_team
),
player_boxes AS (
  SELECT game_id, COUNT(*) AS teams, MAX(fetched_at) AS fetched_at
  FROM player_sums
  WHERE players > 0
  GROUP BY game_id
),
team_points AS (
  SELECT game_id, team, points
  FROM nba_raw.nbac_team_boxscores
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of AND points IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY {{newest_snapshot()}}) = 1
),
team_boxes AS (
  SELECT t.game_id, COUNT(*) AS teams
  FROM team_points AS t
  JOIN sides AS s ON s.game_id = t.game_id AND s.team = t.team
  GROUP BY t.game_id
),
-- Over when the schedule says so, or when the box score was fetched three hours or more after
-- tip-off: a schedule that is not refreshed must not hold up the day's results.
counted AS (
  SELECT
    g.game_id,
    g.status = 'final'
      OR COALESCE(p.fetched_at >= TIMESTAMP_ADD(g.tipoff_at, INTERVAL 3 HOUR), FALSE) AS is_final,
    COALESCE(p.teams, 0) AS player_teams, COALESCE(t.teams, 0) AS team_teams, g.home_team,
    IF(g.status = 'final', g.home_points, NULL) AS home_points, IF(g.status = 'final', g.away_points, NULL) AS away_points
  FROM games AS g
  LEFT JOIN player_boxes AS p ON p.game_id = g.game_id
  LEFT JOIN team_boxes AS t ON t.game_id = g.game_id
),
-- Players' points against the team's: by its own box score, else by the final score of the
-- schedule.
sums AS (
  SELECT
    c.game_id, p.team, p.points AS players_points,
    COALESCE(t.points, IF(p.team = c.home_team, c.home_points, c.away_points)) AS team_points
  FROM counted AS c
  JOIN player_sums AS p ON p.game_id = c.game_id AND p.players > 0
  LEFT JOIN team_points AS t ON t.game_id = p.game_id AND t.team = p.team
  WHERE c.is_final
),
apart AS (
  SELECT
    game_id,
    STRING_AGG(
      CONCAT(team, ' ', CAST(players_points AS STRING), ' of ', CAST(team_points AS STRING)), ' and ' ORDER BY team
    ) AS teams
  FROM sums
  WHERE players_points <> team_points
  GROUP BY game_id
)
SELECT
  (SELECT COUNT(*) FROM schedule WHERE game_date BETWEEN @near_first AND @near_last) AS schedule_rows_near,
  COUNT(*) AS games,
  COUNTIF(is_final) AS games_final,
  STRING_AGG(IF(is_final AND player_teams < 2, game_id, NULL), ',' ORDER BY game_id) AS games_without_player_box,
  STRING_AGG(IF(is_final AND team_teams < 2, game_id, NULL), ',' ORDER BY game_id) AS games_without_team_box,
  (SELECT game_ids FROM swapped) AS games_swapped_in_odds,
  (SELECT teams FROM strangers) AS games_with_third_team,
  (SELECT STRING_AGG(CONCAT(game_id, ' ', teams), ',' ORDER BY game_id) FROM apart) AS games_points_apart
FROM counted
