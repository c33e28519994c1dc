-- Which player each name of the feeds means, for the games of @first_date to @last_date.
-- The first step that finds anybody decides: alias, exact among the two teams, without suffix among them, exact in the
-- league, without suffix in the league. Two players at that step are ambiguous, never a guess.
-- Parameters: @as_of (the run's), @first_date, @last_date. Reads this run's upcoming_team_game_context.
WITH
games AS (
  SELECT
    game_date, game_id, features_as_of, team, opponent, is_home, season,
    CONCAT(CAST(CAST(SUBSTR(season, 1, 4) AS INT64) - 1 AS STRING), '-', SUBSTR(season, 3, 2)) AS season_before,
    IF(is_home, CONCAT(team, '-', opponent), CONCAT(opponent, '-', team)) AS teams
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = CASE
      WHEN tipoff_at > @as_of THEN @as_of
      ELSE LEAST(TIMESTAMP(DATETIME(game_date, TIME '17:30:00'), 'America/New_York'), tipoff_at)
    END
),
names AS (
  SELECT
    g.game_id, 'odds_api_player_points_props' AS feed, p.player_lookup,
    MIN(p.player_name) AS player_name, MIN(p.player_lookup_base) AS player_lookup_base
  FROM games AS g
  JOIN nba_raw.odds_api_player_points_props AS p
    ON p.game_date = g.game_date AND p.game_date BETWEEN @first_date AND @last_date
    AND p.home_team = g.team AND p.away_team = g.opponent
  WHERE g.is_home AND p.snapshot_time < g.features_as_of
  GROUP BY g.game_id, p.player_lookup
  UNION ALL
  SELECT
    g.game_id, 'injury_report' AS feed, i.player_lookup,
    MIN(i.player_name) AS player_name, MIN(i.player_lookup_base) AS player_lookup_base
  FROM games AS g
  JOIN nba_raw.injury_report AS i ON i.game_date = g.game_date AND i.game_date BETWEEN @first_date AND @last_date
  WHERE (i.team = g.team OR i.team IS NULL) AND i.player_id IS NULL AND i.player_lookup IS NOT NULL
    AND i.snapshot_time < g.features_as_of
  GROUP BY g.game_id, i.player_lookup
),
-- Who has played for a team this season or the last, as far as known before the row's own moment.
stints AS (
  SELECT player_id, team, season, MIN(known_at) AS first_known_at
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 760 DAY) AND @last_date
  GROUP BY player_id, team, season
),
team_players AS (
  SELECT DISTINCT g.game_id, p.player_id, p.player_lookup, p.player_lookup_base
  FROM games AS g
  JOIN stints AS s ON s.team = g.team
  JOIN nba_reference.players AS p ON p.player_id = s.player_id
  WHERE (s.season = g.season OR s.season = g.season_before) AND s.first_known_at < g.features_as_of
),
matches AS (
  SELECT n.game_id, n.feed, n.player_lookup, 1 AS step, 'alias' AS method, a.player_id
  FROM names AS n
  JOIN nba_reference.player_aliases AS a ON a.alias_lookup = n.player_lookup
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, 2 AS step, 'team_exact' AS method, t.player_id
  FROM names AS n
  JOIN team_players AS t ON t.game_id = n.game_id AND t.player_lookup = n.player_lookup
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, 3 AS step, 'team_base' AS method, t.player_id
  FROM names AS n
  JOIN team_players AS t ON t.game_id = n.game_id AND t.player_lookup_base = n.player_lookup_base
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, 4 AS step, 'league_exact' AS method, p.player_id
  FROM names AS n
  JOIN nba_reference.players AS p ON p.player_lookup = n.player_lookup
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, 5 AS step, 'league_base' AS method, p.player_id
  FROM names AS n
  JOIN nba_reference.players AS p ON p.player_lookup_base = n.player_lookup_base
),
first_steps AS (
  SELECT
    game_id, feed, player_lookup, method,
    MIN(player_id) AS player_id, COUNT(DISTINCT player_id) AS players
  FROM matches
  GROUP BY game_id, feed, player_lookup, step, method
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, feed, player_lookup ORDER BY step) = 1
)
SELECT
  g.game_date, g.game_id, g.features_as_of, n.feed, n.player_lookup, n.player_name, g.teams,
  IF(f.players = 1, f.player_id, NULL) AS player_id,
  IF(f.players = 1, f.method, NULL) AS method,
  CASE WHEN f.players = 1 THEN NULL WHEN f.players > 1 THEN 'ambiguous' ELSE 'no_match' END AS reason
FROM names AS n
JOIN games AS g ON g.game_id = n.game_id AND g.is_home
LEFT JOIN first_steps AS f
  ON f.game_id = n.game_id AND f.feed = n.feed AND f.player_lookup = n.player_lookup
