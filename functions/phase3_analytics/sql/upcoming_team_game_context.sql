-- Context of the games of @first_date to @last_date, one row per team: tip-off, rest, game lines.
-- Parameters: @as_of (the run's), @first_date, @last_date.
WITH
-- What the schedule says at the run's moment. The final of the NBA Cup is a game to rest from, and
-- nothing else.
schedule AS (
  SELECT game_date, game_id, season, season_type, home_team, away_team, tipoff_at, status
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time < @as_of
    AND (replaced_at IS NULL OR NOT replaced_at < @as_of)
    AND (gone_at IS NULL OR NOT gone_at < @as_of)
    AND NOT called_off
    AND season_type IN ('regular_season', 'playin', 'playoffs', 'cup_final')
),
-- The odds feed's tip-off, for games whose time the schedule does not say yet: of its newest answer
-- about the two teams, whichever of them it takes for the home team.
odds_tipoffs AS (
  SELECT game_date, LEAST(home_team, away_team) AS one_team, GREATEST(home_team, away_team) AS other_team, commence_time
  FROM (
    SELECT game_date, home_team, away_team, commence_time, snapshot_time, answer_at, fetched_at
    FROM nba_raw.odds_api_game_lines
    WHERE game_date BETWEEN @first_date AND @last_date AND bookmaker IS NOT NULL
    UNION ALL
    SELECT game_date, home_team, away_team, commence_time, snapshot_time, answer_at, fetched_at
    FROM nba_raw.odds_api_player_props
    WHERE game_date BETWEEN @first_date AND @last_date AND bookmaker IS NOT NULL
  )
  WHERE snapshot_time < @as_of AND commence_time IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_date, LEAST(home_team, away_team), GREATEST(home_team, away_team)
    ORDER BY COALESCE(answer_at, fetched_at) DESC, snapshot_time DESC, commence_time DESC
  ) = 1
),
played AS (
  SELECT
    s.game_date, s.game_id, s.season, s.season_type, s.home_team, s.away_team, s.status,
    COALESCE(
      s.tipoff_at, o.commence_time, TIMESTAMP(DATETIME(s.game_date, TIME '19:00:00'), 'America/New_York')
    ) AS tipoff_at,
    CASE
      WHEN s.tipoff_at IS NOT NULL THEN 'schedule'
      WHEN o.commence_time IS NOT NULL THEN 'odds'
      ELSE 'assumed'
    END AS tipoff_source
  FROM schedule AS s
  LEFT JOIN odds_tipoffs AS o
    ON o.game_date = s.game_date AND o.one_team = LEAST(s.home_team, s.away_team)
    AND o.other_team = GREATEST(s.home_team, s.away_team)
),
first_days AS (
  SELECT season, MIN(game_date) AS first_day FROM played GROUP BY season
),
-- Both teams of every game. Rest goes by the schedule, so that a game tonight counts for
-- tomorrow's; a summer is none.
team_games AS (
  SELECT
    game_date, game_id, season, season_type, status, tipoff_at, tipoff_source,
    home_team AS team, away_team AS opponent, TRUE AS is_home
  FROM played
  UNION ALL
  SELECT
    game_date, game_id, season, season_type, status, tipoff_at, tipoff_source,
    away_team AS team, home_team AS opponent, FALSE AS is_home
  FROM played
),
rested AS (
  SELECT
    g.*,
    LAG(tipoff_at) OVER (PARTITION BY team, season ORDER BY game_date, tipoff_at, game_id) AS previous_game_at,
    LAG(game_date) OVER (PARTITION BY team, season ORDER BY game_date, tipoff_at, game_id) AS previous_date,
    LAG(season_type) OVER (PARTITION BY team, season ORDER BY game_date, tipoff_at, game_id) AS previous_season_type
  FROM team_games AS g
),
games AS (
  SELECT
    g.*,
    {{features_moment()}} AS features_as_of,
    LEAST(DATE_DIFF(game_date, previous_date, DAY) - 1, 30) AS team_rest_days
  FROM rested AS g
  WHERE game_date BETWEEN @first_date AND @last_date AND season_type <> 'cup_final'
),
-- Every answer about spreads and totals until the moment, by the rules of
-- upcoming_player_lines.sql. A game is its day and its two teams: where the feed has the other one
-- at home, its spread is turned.
answers AS (
  SELECT
    g.game_id, g.features_as_of, l.bookmaker, IF(g.is_home, l.home_spread, -l.home_spread) AS home_spread, l.total,
    l.snapshot_time, l.fetched_at,
    {{answered_at(l., g.)}} AS answered_at
  FROM games AS g
  JOIN nba_raw.odds_api_game_lines AS l
    ON l.game_date = g.game_date AND l.game_date BETWEEN @first_date AND @last_date
    AND l.home_team = g.team AND l.away_team = g.opponent
  WHERE {{until_the_moment(l., g.)}}
),
answered AS (
  SELECT a.*, MAX(answered_at) OVER (PARTITION BY game_id) AS newest_at
  FROM answers AS a
  WHERE {{is_known()}}
),
-- Each book's spread and total in the newest answer.
book_lines AS (
  SELECT game_id, bookmaker, home_spread, total, snapshot_time
  FROM answered
  WHERE answered_at = newest_at AND newest_at >= TIMESTAMP_SUB(features_as_of, INTERVAL 12 HOUR)
    AND bookmaker IS NOT NULL AND home_spread IS NOT NULL AND total IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_id, bookmaker ORDER BY snapshot_time DESC, home_spread, total
  ) = 1
),
ranked_lines AS (
  SELECT
    game_id, home_spread, total, snapshot_time,
    COUNT(*) OVER (PARTITION BY game_id) AS books,
    ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY home_spread, bookmaker) AS spread_rank,
    ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY total, bookmaker) AS total_rank
  FROM book_lines
),
-- Medians as the mean of the one or two middle values.
game_lines AS (
  SELECT
    game_id,
    CAST(AVG(IF(spread_rank * 2 IN (books, books + 1, books + 2), home_spread, NULL)) AS FLOAT64) AS home_spread,
    CAST(AVG(IF(total_rank * 2 IN (books, books + 1, books + 2), total, NULL)) AS FLOAT64) AS total,
    MAX(books) AS books,
    MAX(snapshot_time) AS snapshot_at
  FROM ranked_lines
  GROUP BY game_id
)
SELECT
  g.game_date, g.game_id, g.team, g.features_as_of, g.opponent, g.is_home, g.season, g.season_type,
  g.tipoff_at, g.tipoff_source,
  TIMESTAMP_ADD(g.tipoff_at, INTERVAL 3 HOUR) AS known_at,
  g.status,
  DATE_DIFF(g.game_date, f.first_day, DAY) AS season_day,
  g.previous_game_at,
  g.team_rest_days,
  o.team_rest_days AS opponent_rest_days,
  g.team_rest_days - o.team_rest_days AS rest_advantage,
  COALESCE(g.team_rest_days = 0, FALSE) AS is_back_to_back,
  IF(g.is_home, l.home_spread, -l.home_spread) AS spread,
  l.total AS game_total,
  l.total / 2 - IF(g.is_home, l.home_spread, -l.home_spread) / 2 AS implied_team_total,
  l.books AS game_line_books,
  l.snapshot_at AS game_line_snapshot_at,
  g.previous_season_type
FROM games AS g
JOIN games AS o ON o.game_id = g.game_id AND o.team = g.opponent
JOIN first_days AS f ON f.season = g.season
LEFT JOIN game_lines AS l ON l.game_id = g.game_id
