-- Which player each name of the feeds means, for the games of @first_date to @last_date.
-- The first step that finds anybody decides: alias; then among the players of the team that an
-- injury list names, then of the two teams: the name as it is, without suffix, any other name he
-- ever had, the short form of a first name; then the same but for short forms in the league. Two
-- players at that step are ambiguous, never a guess. An injury list may name a player under his
-- former team: such a name belongs to the game whose player he is now. Parameters: @as_of (the
-- run's), @first_date, @last_date, @alias_pairs (aliases.py). Reads this run's
-- upcoming_team_game_context.
WITH
games AS (
  SELECT
    game_date, game_id, features_as_of, team, opponent, is_home, season,
    CONCAT(CAST(CAST(SUBSTR(season, 1, 4) AS INT64) - 1 AS STRING), '-', SUBSTR(season, 3, 2)) AS season_before,
    IF(is_home, CONCAT(team, '-', opponent), CONCAT(opponent, '-', team)) AS teams
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
-- listed_team: the team an injury list names. is_guest: it does not play in this game.
feed_names AS (
  -- Feeds differ in which team is at home, so both rows of a game are joined.
  SELECT
    g.game_id, 'odds_api_player_props' AS feed, p.player_lookup, CAST(NULL AS STRING) AS listed_team,
    FALSE AS is_guest,
    MIN(p.player_name) AS player_name, MIN(p.player_lookup_base) AS player_lookup_base,
    MIN(g.features_as_of) AS features_as_of
  FROM games AS g
  JOIN nba_raw.odds_api_player_props AS p
    ON p.game_date = g.game_date AND p.game_date BETWEEN @first_date AND @last_date
    AND p.home_team = g.team AND p.away_team = g.opponent
  WHERE p.bookmaker IS NOT NULL AND p.snapshot_time < g.features_as_of
  GROUP BY g.game_id, p.player_lookup
  UNION ALL
  SELECT
    g.game_id, 'injury_report' AS feed, i.player_lookup, i.team AS listed_team,
    i.team IS NOT NULL AND i.team <> g.team AND i.team <> g.opponent AS is_guest,
    MIN(i.player_name) AS player_name, MIN(i.player_lookup_base) AS player_lookup_base,
    MIN(g.features_as_of) AS features_as_of
  FROM games AS g
  JOIN nba_raw.injury_report AS i ON i.game_date = g.game_date AND i.game_date BETWEEN @first_date AND @last_date
  WHERE g.is_home AND i.player_id IS NULL AND i.player_lookup IS NOT NULL AND i.snapshot_time < g.features_as_of
  GROUP BY g.game_id, i.player_lookup, i.team, g.team, g.opponent
),
-- First name and the rest, without suffix: letters and digits are what a lookup keeps of a word.
names AS (
  SELECT
    n.*,
    SUBSTR(player_lookup_base, 1, first_length) AS first_name,
    SUBSTR(player_lookup_base, first_length + 1) AS last_name,
    REPLACE(REPLACE(REPLACE(player_lookup_base, 'ae', 'a'), 'oe', 'o'), 'ue', 'u') AS without_umlauts
  FROM (
    SELECT
      f.*,
      LENGTH(REGEXP_REPLACE(REGEXP_EXTRACT(player_name, r'^[^ ]+'), r'[^\pL\pN]', '')) AS first_length
    FROM feed_names AS f
  ) AS n
),
players AS (
  SELECT
    p.*,
    SUBSTR(player_lookup_base, 1, first_length) AS first_name,
    SUBSTR(player_lookup_base, first_length + 1) AS last_name,
    REPLACE(REPLACE(REPLACE(player_lookup_base, 'ae', 'a'), 'oe', 'o'), 'ue', 'u') AS without_umlauts
  FROM (
    SELECT
      player_id, player_lookup, player_lookup_base,
      LENGTH(REGEXP_REPLACE(REGEXP_EXTRACT(player_name, r'^[^ ]+'), r'[^\pL\pN]', '')) AS first_length
    FROM nba_reference.players
  ) AS p
),
-- Other names of a player: all that box scores ever had for his id, and the committed pairs, either
-- way round.
pairs AS (
  SELECT REGEXP_EXTRACT(pair, r'^[^=]+') AS one_name, REGEXP_EXTRACT(pair, r'[^=]+$') AS other_name
  FROM UNNEST(SPLIT(@alias_pairs, ',')) AS pair
),
other_names AS (
  SELECT one_name AS player_lookup_base, p.player_id
  FROM nba_reference.players AS p
  CROSS JOIN UNNEST(SPLIT(p.every_lookup, ',')) AS one_name
  UNION DISTINCT
  SELECT a.one_name AS player_lookup_base, p.player_id
  FROM pairs AS a
  JOIN players AS p ON p.player_lookup_base = a.other_name
  UNION DISTINCT
  SELECT a.other_name AS player_lookup_base, p.player_id
  FROM pairs AS a
  JOIN players AS p ON p.player_lookup_base = a.one_name
),
-- Who has played for a team this season or the last, as far as known before the row's own moment.
stints AS (
  SELECT player_id, team, season, MIN(known_at) AS first_known_at
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 760 DAY) AND @last_date
  GROUP BY player_id, team, season
),
team_players AS (
  SELECT DISTINCT g.game_id, s.player_id
  FROM games AS g
  JOIN stints AS s ON s.team = g.team
  WHERE (s.season = g.season OR s.season = g.season_before) AND s.first_known_at < g.features_as_of
),
-- Whom a name may mean: scope 1 are the players of the listed team, of all the time that stints
-- reach back; 2 those of the game's two teams.
pools AS (
  SELECT DISTINCT n.game_id, n.feed, n.player_lookup, n.listed_team, 1 AS scope, s.player_id
  FROM names AS n
  JOIN stints AS s ON s.team = n.listed_team AND s.first_known_at < n.features_as_of
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 2 AS scope, t.player_id
  FROM names AS n
  JOIN team_players AS t ON t.game_id = n.game_id
  WHERE NOT n.is_guest
),
matches AS (
  SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 1 AS step, 'alias' AS method, a.player_id
  FROM names AS n
  JOIN nba_reference.player_aliases AS a ON a.alias_lookup = n.player_lookup
  JOIN players AS p ON p.player_id = a.player_id
  UNION ALL
  -- The pool is asked after the name has found somebody: few names do, and a pool has 40 players.
  SELECT
    f.game_id, f.feed, f.player_lookup, f.listed_team, 10 * l.scope + f.way AS step,
    CASE f.way
      WHEN 1 THEN 'team_exact' WHEN 2 THEN 'team_base' WHEN 3 THEN 'team_other_name' ELSE 'team_short_name'
    END AS method,
    f.player_id
  FROM (
    SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 1 AS way, p.player_id
    FROM names AS n
    JOIN players AS p ON p.player_lookup = n.player_lookup
    UNION ALL
    SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 2 AS way, p.player_id
    FROM names AS n
    JOIN players AS p ON p.player_lookup_base = n.player_lookup_base
    UNION ALL
    SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 3 AS way, o.player_id
    FROM names AS n
    JOIN other_names AS o ON o.player_lookup_base = n.player_lookup_base
    UNION ALL
    -- "Schroeder" and "Schröder".
    SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 3 AS way, p.player_id
    FROM names AS n
    JOIN players AS p ON p.without_umlauts = n.without_umlauts
    UNION ALL
    -- "Alexandre" and "Alex": three letters or more, and the rest of the name is the same.
    SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 4 AS way, p.player_id
    FROM names AS n
    JOIN players AS p ON p.last_name = n.last_name AND SUBSTR(p.first_name, 1, 3) = SUBSTR(n.first_name, 1, 3)
    WHERE n.last_name <> '' AND LENGTH(p.first_name) >= 3 AND LENGTH(n.first_name) >= 3
      AND (STARTS_WITH(p.first_name, n.first_name) OR STARTS_WITH(n.first_name, p.first_name))
  ) AS f
  JOIN pools AS l
    ON l.game_id = f.game_id AND l.feed = f.feed AND l.player_lookup = f.player_lookup
    AND l.listed_team IS NOT DISTINCT FROM f.listed_team AND l.player_id = f.player_id
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 31 AS step, 'league_exact' AS method, p.player_id
  FROM names AS n
  JOIN players AS p ON p.player_lookup = n.player_lookup
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 32 AS step, 'league_base' AS method, p.player_id
  FROM names AS n
  JOIN players AS p ON p.player_lookup_base = n.player_lookup_base
  UNION ALL
  SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 33 AS step, 'league_other_name' AS method, o.player_id
  FROM names AS n
  JOIN other_names AS o ON o.player_lookup_base = n.player_lookup_base
  UNION ALL
  -- Of a player whom no box score has yet, people know the id.
  SELECT n.game_id, n.feed, n.player_lookup, n.listed_team, 41 AS step, 'alias' AS method, a.player_id
  FROM names AS n
  JOIN nba_reference.player_aliases AS a ON a.alias_lookup = n.player_lookup
),
first_steps AS (
  SELECT
    game_id, feed, player_lookup, listed_team, method,
    MIN(player_id) AS player_id, COUNT(DISTINCT player_id) AS players
  FROM matches
  GROUP BY game_id, feed, player_lookup, listed_team, step, method
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, feed, player_lookup, listed_team ORDER BY step) = 1
),
found AS (
  SELECT
    n.game_id, n.feed, n.player_lookup, n.listed_team, n.is_guest, n.player_name,
    IF(f.players = 1, f.player_id, NULL) AS player_id,
    IF(f.players = 1, f.method, NULL) AS method,
    CASE WHEN f.players = 1 THEN NULL WHEN f.players > 1 THEN 'ambiguous' ELSE 'no_match' END AS reason
  FROM names AS n
  LEFT JOIN first_steps AS f
    ON f.game_id = n.game_id AND f.feed = n.feed AND f.player_lookup = n.player_lookup
    AND f.listed_team IS NOT DISTINCT FROM n.listed_team
),
-- Who may be on a roster of the game: has played for one of its teams, or is offered in it.
concerned AS (
  SELECT game_id, player_id
  FROM team_players
  UNION DISTINCT
  SELECT game_id, player_id
  FROM found
  WHERE feed = 'odds_api_player_props' AND player_id IS NOT NULL
)
SELECT
  g.game_date, g.game_id, g.features_as_of, f.feed, f.player_lookup, f.player_name, g.teams,
  f.listed_team AS team, f.player_id, f.method, f.reason
FROM found AS f
JOIN games AS g ON g.game_id = f.game_id AND g.is_home
LEFT JOIN concerned AS c ON c.game_id = f.game_id AND c.player_id = f.player_id
WHERE NOT f.is_guest OR c.player_id IS NOT NULL
