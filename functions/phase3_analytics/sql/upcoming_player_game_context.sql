-- Roster of each game with rest, injury status, game lines and the players' lines.
-- Parameters: @as_of (the run's), @first_date, @last_date.
-- Reads this run's upcoming_team_game_context, resolved_names and upcoming_player_lines.
WITH
games AS (
  SELECT
    game_date, game_id, features_as_of, team, opponent, is_home, season, season_type, tipoff_at, tipoff_source,
    season_day, previous_game_at, previous_season_type, team_rest_days, opponent_rest_days, rest_advantage, is_back_to_back,
    spread, game_total, implied_team_total
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
-- Each game of the last season and of this one, and when the player's next one was known.
last_games AS (
  SELECT
    player_id, player_name, player_lookup, team, season, game_date, tipoff_at, known_at,
    LEAD(known_at) OVER (PARTITION BY player_id ORDER BY tipoff_at, game_id) AS next_known_at
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 400 DAY) AND @last_date
),
offered AS (
  SELECT DISTINCT game_id, features_as_of, player_id
  FROM nba_analytics.upcoming_player_lines
  WHERE game_date BETWEEN @first_date AND @last_date
    AND stat = 'points' AND is_main AND player_id IS NOT NULL AND suspicious IS NULL
),
-- Games of the last month in which a book expected a player, and when that was first seen: no box
-- score shows a trade before the first game for the new team, but the books know it.
line_games AS (
  SELECT
    l.player_id, l.game_date, l.game_id, MIN(l.features_as_of) AS seen_at,
    MIN(t.team) AS one_team, MAX(t.team) AS other_team
  FROM nba_analytics.upcoming_player_lines AS l
  JOIN nba_analytics.upcoming_team_game_context AS t
    ON t.game_date = l.game_date AND t.game_date BETWEEN DATE_SUB(@first_date, INTERVAL 30 DAY) AND @last_date
    AND t.game_id = l.game_id AND t.features_as_of = l.features_as_of
  WHERE l.game_date BETWEEN DATE_SUB(@first_date, INTERVAL 30 DAY) AND @last_date
    AND l.stat = 'points' AND l.is_main AND l.player_id IS NOT NULL AND l.suspicious IS NULL
  GROUP BY l.player_id, l.game_date, l.game_id
),
-- Who may be on a roster: whose latest game known was for the team, and who is offered in a game of
-- two other teams.
candidates AS (
  SELECT
    g.*, l.player_id, l.player_name, l.player_lookup, l.team AS last_team, l.season AS last_season,
    l.tipoff_at AS last_game_at, l.game_date AS last_game_date, FALSE AS is_new
  FROM games AS g
  JOIN last_games AS l
    ON l.team = g.team
    AND l.known_at < g.features_as_of
    AND (l.next_known_at IS NULL OR NOT l.next_known_at < g.features_as_of)
    AND l.game_date BETWEEN DATE_SUB(g.game_date, INTERVAL 400 DAY) AND g.game_date
  UNION ALL
  SELECT
    g.*, l.player_id, l.player_name, l.player_lookup, l.team AS last_team, l.season AS last_season,
    l.tipoff_at AS last_game_at, l.game_date AS last_game_date, TRUE AS is_new
  FROM games AS g
  JOIN offered AS o ON o.game_id = g.game_id AND o.features_as_of = g.features_as_of
  JOIN last_games AS l
    ON l.player_id = o.player_id
    AND l.team <> g.team AND l.team <> g.opponent
    AND l.known_at < g.features_as_of
    AND (l.next_known_at IS NULL OR NOT l.next_known_at < g.features_as_of)
    AND l.game_date BETWEEN DATE_SUB(g.game_date, INTERVAL 400 DAY) AND g.game_date
),
-- Since his latest game, who was expected last in a game without that team has left it. A line does
-- not say for which of two teams he plays: it is the one that plays in more of the games in which
-- he was expected.
expected AS (
  SELECT
    c.game_id, c.team, c.player_id,
    COALESCE(MAX(IF(c.last_team NOT IN (e.one_team, e.other_team), e.game_date, NULL)), DATE '1900-01-01')
      > COALESCE(MAX(IF(c.last_team IN (e.one_team, e.other_team), e.game_date, NULL)), DATE '1900-01-01') AS has_left,
    COUNTIF(c.team IN (e.one_team, e.other_team)) AS games_of_team,
    COUNTIF(c.opponent IN (e.one_team, e.other_team)) AS games_of_opponent
  FROM candidates AS c
  JOIN line_games AS e
    ON e.player_id = c.player_id AND e.game_date > c.last_game_date AND e.game_date <= c.game_date
    -- Lines as of a moment know only what was before it, so those of this very moment count.
    AND e.seen_at < TIMESTAMP_ADD(c.features_as_of, INTERVAL 1 MICROSECOND)
  GROUP BY c.game_id, c.team, c.player_id
),
-- The injury list in force of every team of the day, as of each game's moment: the newest of the
-- first source that has any, which decides even where it says that the list is not there yet.
lists AS (
  SELECT g.game_id, t.team, t.submitted, t.source, t.snapshot_time, t.source_file
  FROM games AS g
  JOIN nba_raw.injury_report_teams AS t
    ON t.game_date = g.game_date AND t.game_date BETWEEN @first_date AND @last_date
  WHERE g.is_home AND t.snapshot_time < g.features_as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY g.game_id, t.team ORDER BY {{report_in_force(t.)}}) = 1
),
-- Who is on them: who is not on his team's any more counts as healthy. A row whose team the feed
-- does not say counts where the list of one of the game's two teams is that one.
entries AS (
  SELECT
    g.game_date, g.game_id, g.features_as_of, l.team AS list_team,
    i.team, i.player_id, i.player_lookup, i.status, i.reason, i.source, i.snapshot_time
  FROM games AS g
  JOIN lists AS l ON l.game_id = g.game_id
  JOIN nba_raw.injury_report AS i
    ON i.game_date = g.game_date AND i.game_date BETWEEN @first_date AND @last_date
    AND i.source = l.source AND i.snapshot_time = l.snapshot_time
    AND i.source_file IS NOT DISTINCT FROM l.source_file
    AND (i.team = l.team OR (i.team IS NULL AND l.team IN (g.team, g.opponent)))
  WHERE g.is_home AND l.submitted AND i.player_lookup IS NOT NULL
),
-- Listed, nobody listed, or no list: of each team that any source says something of.
team_lists AS (
  SELECT
    l.game_id, l.team, l.snapshot_time AS list_at,
    IF(l.submitted, l.source, NULL) AS source,
    CASE WHEN NOT l.submitted THEN 'no_list' WHEN e.list_team IS NULL THEN 'nobody_listed' ELSE 'listed' END AS state
  FROM lists AS l
  LEFT JOIN (SELECT DISTINCT game_id, list_team FROM entries WHERE team IS NOT NULL) AS e
    ON e.game_id = l.game_id AND e.list_team = l.team
),
-- Under whichever team he is listed, he is.
listed AS (
  SELECT
    e.game_id, e.features_as_of, COALESCE(e.player_id, n.player_id) AS player_id,
    e.status, e.reason, e.source, e.team
  FROM entries AS e
  LEFT JOIN nba_analytics.resolved_names AS n
    ON n.game_date = e.game_date AND n.game_date BETWEEN @first_date AND @last_date
    AND n.game_id = e.game_id AND n.features_as_of = e.features_as_of
    AND n.feed = 'injury_report' AND n.player_lookup = e.player_lookup AND n.team IS NOT DISTINCT FROM e.team
  -- A player listed twice counts with the worse status.
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY e.game_id, COALESCE(e.player_id, n.player_id)
    ORDER BY
      CASE e.status
        WHEN 'OUT' THEN 1 WHEN 'DOUBTFUL' THEN 2 WHEN 'QUESTIONABLE' THEN 3 WHEN 'PROBABLE' THEN 4 ELSE 5
      END,
      e.snapshot_time DESC, e.player_lookup, e.reason
  ) = 1
),
-- On the roster: the latest game known was for this team, at most 30 days back; the summer before
-- the team's first game of a season does not count, and nobody whom a book expects to play is left
-- out. Who has left is on the roster of the new team, as far as it is known which that is: by the
-- games in which he was expected, or else the injury list.
roster AS (
  SELECT c.*
  FROM candidates AS c
  LEFT JOIN offered AS o
    ON o.game_id = c.game_id AND o.features_as_of = c.features_as_of AND o.player_id = c.player_id
  LEFT JOIN expected AS e ON e.game_id = c.game_id AND e.team = c.team AND e.player_id = c.player_id
  LEFT JOIN listed AS i ON i.game_id = c.game_id AND i.player_id = c.player_id
  WHERE CASE
    WHEN NOT c.is_new THEN
      NOT COALESCE(e.has_left, FALSE)
      AND (
        c.last_game_date >= DATE_SUB(c.game_date, INTERVAL 30 DAY)
        OR (c.last_season <> c.season AND c.previous_game_at IS NULL)
        OR o.player_id IS NOT NULL
      )
    ELSE
      e.has_left
      AND (
        e.games_of_team > e.games_of_opponent
        OR (e.games_of_team = e.games_of_opponent AND COALESCE(i.team = c.team, FALSE))
      )
  END
),
-- Lines of the run's games, with the probability that the two prices imply once the margin is taken
-- out.
lines AS (
  SELECT
    l.game_id, l.player_id, l.stat, l.bookmaker, l.is_main, l.line, l.opening_line, l.snapshot_time,
    (IF(l.over_price < 0, -l.over_price, 100) / (100 + ABS(l.over_price))) AS over_implied,
    (IF(l.under_price < 0, -l.under_price, 100) / (100 + ABS(l.under_price))) AS under_implied
  FROM nba_analytics.upcoming_player_lines AS l
  JOIN games AS g
    ON g.game_date = l.game_date AND g.game_id = l.game_id AND g.features_as_of = l.features_as_of AND g.is_home
  WHERE l.game_date BETWEEN @first_date AND @last_date
    AND l.player_id IS NOT NULL AND l.suspicious IS NULL
),
-- Main lines that nobody counts on.
doubted AS (
  SELECT l.game_id, l.player_id, COUNT(*) AS lines
  FROM nba_analytics.upcoming_player_lines AS l
  JOIN games AS g
    ON g.game_date = l.game_date AND g.game_id = l.game_id AND g.features_as_of = l.features_as_of AND g.is_home
  WHERE l.game_date BETWEEN @first_date AND @last_date
    AND l.stat = 'points' AND l.player_id IS NOT NULL AND l.is_main AND l.suspicious IS NOT NULL
  GROUP BY l.game_id, l.player_id
),
ranked AS (
  SELECT
    game_id, player_id, stat, line, opening_line, snapshot_time,
    COUNT(*) OVER (PARTITION BY game_id, player_id, stat) AS books,
    COUNT(opening_line) OVER (PARTITION BY game_id, player_id, stat) AS opening_books,
    ROW_NUMBER() OVER (PARTITION BY game_id, player_id, stat ORDER BY line, bookmaker) AS line_rank,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_id, stat ORDER BY IF(opening_line IS NULL, 1, 0), opening_line, bookmaker
    ) AS opening_rank
  FROM lines
  WHERE is_main
),
-- Medians as the mean of the one or two middle values; a quarter is rounded up to the half.
medians AS (
  SELECT
    game_id, player_id, stat,
    CAST(ROUND(2 * AVG(IF(line_rank * 2 IN (books, books + 1, books + 2), line, NULL))) / 2 AS NUMERIC) AS main_line,
    CAST(AVG(IF(
      opening_rank * 2 IN (opening_books, opening_books + 1, opening_books + 2), opening_line, NULL
    )) AS FLOAT64) AS line_opening,
    COUNT(*) AS line_books,
    STDDEV_SAMP(CAST(line AS FLOAT64)) AS line_sd,
    CAST(MAX(line) - MIN(line) AS FLOAT64) AS line_range,
    MAX(snapshot_time) AS line_snapshot_at
  FROM ranked
  GROUP BY game_id, player_id, stat
),
priced AS (
  SELECT
    l.game_id, l.player_id, l.stat, l.bookmaker,
    SAFE_DIVIDE(l.over_implied, l.over_implied + l.under_implied) AS p_over
  FROM lines AS l
  JOIN medians AS m
    ON m.game_id = l.game_id AND m.player_id = l.player_id AND m.stat = l.stat AND m.main_line = l.line
  WHERE l.over_implied IS NOT NULL AND l.under_implied IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY l.game_id, l.player_id, l.stat, l.bookmaker ORDER BY IF(l.is_main, 0, 1), l.over_implied
  ) = 1
),
probabilities AS (
  SELECT game_id, player_id, stat, AVG(p_over) AS line_p_over FROM priced GROUP BY game_id, player_id, stat
),
-- Of the other statistics, one row a player.
others AS (
  SELECT
    m.game_id, m.player_id,
    {{stat_line(others)}}
  FROM medians AS m
  LEFT JOIN probabilities AS b ON b.game_id = m.game_id AND b.player_id = m.player_id AND b.stat = m.stat
  GROUP BY m.game_id, m.player_id
)
SELECT
  r.game_date, r.game_id, r.player_id, r.features_as_of, r.player_name, r.player_lookup, r.team, r.opponent,
  r.is_home, r.season, r.season_type, r.tipoff_at, r.tipoff_source, r.last_game_at, r.last_game_date,
  r.season_day,
  r.season_type IN ('playin', 'playoffs') AS is_playoffs,
  -- A team's game that is not known yet (tonight's, for tomorrow) is assumed to be played by him,
  -- and so is the final of the NBA Cup, of which no box score is kept. Before the first game of a
  -- season nobody's rest means anything.
  CASE
    WHEN r.previous_game_at IS NULL THEN NULL
    WHEN NOT TIMESTAMP_ADD(r.previous_game_at, INTERVAL 3 HOUR) < r.features_as_of THEN r.team_rest_days
    WHEN r.previous_season_type = 'cup_final' AND r.last_game_at < r.previous_game_at THEN r.team_rest_days
    ELSE LEAST(DATE_DIFF(r.game_date, r.last_game_date, DAY) - 1, 30)
  END AS rest_days,
  r.is_back_to_back, r.team_rest_days, r.opponent_rest_days, r.rest_advantage,
  p.source AS injury_report_source,
  COALESCE(p.state, 'no_list') AS injury_list_state,
  COALESCE(o.state, 'no_list') AS opponent_injury_list_state,
  i.status AS injury_status,
  i.source AS injury_source,
  i.reason AS injury_reason,
  p.list_at AS injury_snapshot_at,
  r.spread, r.game_total, r.implied_team_total,
  m.main_line,
  CAST(m.main_line AS FLOAT64) AS line,
  m.line_opening,
  CAST(m.main_line AS FLOAT64) - m.line_opening AS line_movement,
  m.line_books, m.line_sd, m.line_range, b.line_p_over, m.line_snapshot_at,
  r.last_team,
  d.lines AS suspicious_lines,
  {{stat_lines(x., others)}}
FROM roster AS r
LEFT JOIN team_lists AS p ON p.game_id = r.game_id AND p.team = r.team
LEFT JOIN team_lists AS o ON o.game_id = r.game_id AND o.team = r.opponent
LEFT JOIN listed AS i ON i.game_id = r.game_id AND i.player_id = r.player_id
LEFT JOIN medians AS m ON m.game_id = r.game_id AND m.player_id = r.player_id AND m.stat = 'points'
LEFT JOIN probabilities AS b ON b.game_id = r.game_id AND b.player_id = r.player_id AND b.stat = 'points'
LEFT JOIN others AS x ON x.game_id = r.game_id AND x.player_id = r.player_id
LEFT JOIN doubted AS d ON d.game_id = r.game_id AND d.player_id = r.player_id
