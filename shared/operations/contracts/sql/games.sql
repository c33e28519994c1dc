-- The games of the dates @first to @last, one row each, with what the tables hold of them; a day
-- without games has one row without game_id. Other parameters: @now; @as_of as a run would have it
-- that begins now.
WITH
days AS (
  SELECT game_date
  FROM UNNEST(GENERATE_DATE_ARRAY(@first, @last)) AS game_date
),
-- What the schedule says now, games that it lists no more left out. All kinds of games tell that
-- one is loaded.
latest AS (
  SELECT game_id, game_date, season_type, home_team, away_team, tipoff_at, status
  FROM nba_raw.nbac_schedule_versions
  WHERE game_date BETWEEN DATE_SUB(@first, INTERVAL 200 DAY) AND DATE_ADD(@last, INTERVAL 200 DAY)
    AND snapshot_time <= @now
    AND (replaced_at IS NULL OR replaced_at > @now)
    AND (gone_at IS NULL OR gone_at > @now)
),
-- Games that count and take place tell where a season ends and the next one begins.
game_days AS (
  SELECT
    game_date,
    COUNT(*) AS games,
    COUNTIF(
      season_type IN ('regular_season', 'playin', 'playoffs') AND status IN ('scheduled', 'live', 'final')
    ) AS counted
  FROM latest
  GROUP BY game_date
),
facts AS (
  SELECT
    days.game_date,
    COALESCE(SUM(game_days.games), 0) AS schedule_rows,
    MAX(IF(game_days.counted > 0 AND game_days.game_date < days.game_date, game_days.game_date, NULL)) AS played_before,
    MIN(IF(game_days.counted > 0 AND game_days.game_date > days.game_date, game_days.game_date, NULL)) AS played_after
  FROM days
  LEFT JOIN game_days
    ON game_days.game_date BETWEEN DATE_SUB(days.game_date, INTERVAL 200 DAY)
    AND DATE_ADD(days.game_date, INTERVAL 200 DAY)
  GROUP BY days.game_date
),
-- What phase 1 fetches of a day to come besides the schedule; a list that names nobody and an
-- answer without a line have a row, too: they tell that somebody asked.
feeds AS (
  SELECT
    game_date,
    COUNTIF(feed = 'injuries') AS injury_rows,
    COUNTIF(feed = 'player_lines') AS player_line_rows,
    COUNTIF(feed = 'game_lines') AS game_line_rows
  FROM (
    SELECT game_date, 'injuries' AS feed, snapshot_time
    FROM nba_raw.injury_report
    WHERE game_date BETWEEN @first AND @last AND source <> 'derived'
    UNION ALL
    -- A report in which no team has submitted has rows here alone.
    SELECT game_date, 'injuries' AS feed, snapshot_time
    FROM nba_raw.injury_report_teams
    WHERE game_date BETWEEN @first AND @last AND source <> 'derived'
    UNION ALL
    SELECT game_date, 'player_lines' AS feed, snapshot_time
    FROM nba_raw.odds_api_player_props
    WHERE game_date BETWEEN @first AND @last
    UNION ALL
    SELECT game_date, 'game_lines' AS feed, snapshot_time
    FROM nba_raw.odds_api_game_lines
    WHERE game_date BETWEEN @first AND @last
  )
  WHERE snapshot_time <= @now
  GROUP BY game_date
),
games AS (
  SELECT game_date, game_id, home_team, away_team, tipoff_at, status
  FROM latest
  WHERE game_date BETWEEN @first AND @last
    AND season_type IN ('regular_season', 'playin', 'playoffs')
),
-- The tip-off that phase 3 settled on, where the schedule has none: of the odds feed, or assumed.
tipoffs AS (
  SELECT game_date, game_id, MAX_BY(tipoff_at, features_as_of) AS tipoff_at
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first AND @last AND features_as_of <= @as_of
  GROUP BY game_date, game_id
),
-- Teams somebody has played for in the 30 days that a roster goes back: before the day, whose own
-- box scores make no roster.
team_days AS (
  SELECT DISTINCT game_date, team
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@first, INTERVAL 30 DAY) AND @last AND known_at < @now
),
rosters AS (
  SELECT DISTINCT days.game_date, team_days.team
  FROM days
  INNER JOIN team_days
    ON team_days.game_date BETWEEN DATE_SUB(days.game_date, INTERVAL 30 DAY) AND DATE_SUB(days.game_date, INTERVAL 1 DAY)
),
moments AS (
  SELECT game_date, game_id, MAX(features_as_of) AS features_as_of
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @first AND @last AND features_as_of <= @as_of
  GROUP BY game_date, game_id
),
-- Everybody in the newest context, and whether he has a feature row of that moment.
contexts AS (
  SELECT
    contexts.game_date,
    contexts.game_id,
    COUNT(DISTINCT contexts.team) AS context_teams,
    COUNT(DISTINCT IF(contexts.injury_list_state = 'no_list', contexts.team, NULL)) AS unlisted_teams,
    COUNT(*) AS context_players,
    COUNT(features.player_id) AS feature_players
  FROM nba_analytics.upcoming_player_game_context AS contexts
  INNER JOIN moments
    ON moments.game_date = contexts.game_date
    AND moments.game_id = contexts.game_id
    AND moments.features_as_of = contexts.features_as_of
  LEFT JOIN nba_predictions.ml_feature_store AS features
    ON features.game_date = contexts.game_date AND features.game_date BETWEEN @first AND @last
    AND features.game_id = contexts.game_id
    AND features.player_id = contexts.player_id
    AND features.features_as_of = contexts.features_as_of
  WHERE contexts.game_date BETWEEN @first AND @last
  GROUP BY contexts.game_date, contexts.game_id
),
summaries AS (
  SELECT
    game_date,
    game_id,
    COUNT(DISTINCT team) AS result_teams,
    COUNTIF(players_points <> team_points) > 0 AS points_apart
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @first AND @last
  GROUP BY game_date, game_id
),
said AS (
  SELECT
    game_date, game_id, batch_id, player_id, stat, system_id, COALESCE(line_value, 0) AS line_value, tipoff_at,
    updated_at, error_code
  FROM nba_predictions.current_predictions
  WHERE game_date BETWEEN @first AND @last
),
-- Only what was said before tip-off is graded, of the batch that counts, and where it says
-- something.
predictions AS (
  SELECT said.game_date, said.game_id, said.batch_id, COUNT(*) AS predictions
  FROM said
  INNER JOIN games
    ON games.game_date = said.game_date AND games.game_id = said.game_id
  WHERE said.updated_at < LEAST(said.tipoff_at, COALESCE(games.tipoff_at, said.tipoff_at))
    AND {{says_something(said.)}}
  GROUP BY said.game_date, said.game_id, said.batch_id
),
-- A grade counts as long as it says what the box score says: a corrected one, or the half that came
-- later, asks for grading again.
grades AS (
  SELECT given.game_date, given.game_id, given.batch_id, COUNT(*) AS grades
  FROM nba_predictions.prediction_accuracy AS given
  LEFT JOIN nba_analytics.player_game_summary AS played
    ON played.game_date = given.game_date AND played.game_date BETWEEN @first AND @last
    AND played.game_id = given.game_id
    AND played.player_id = given.player_id
  WHERE given.game_date BETWEEN @first AND @last
    AND (
      (given.void_reason IS NULL AND given.actual = {{stat_value(played., , given.stat, fg3m)}})
      OR (given.void_reason = 'did_not_play' AND played.player_id IS NULL)
      OR (
        given.void_reason = 'no_figure'
        AND played.player_id IS NOT NULL
        AND {{stat_value(played., , given.stat, fg3m)}} IS NULL
      )
    )
  GROUP BY given.game_date, given.game_id, given.batch_id
),
-- Grades whose prediction is gone, which nobody can make again, and when the date was graded.
behind AS (
  SELECT
    given.game_date,
    given.game_id,
    COUNTIF(said.player_id IS NULL) AS grades_alone,
    MIN(given.graded_at) AS first_graded_at,
    MAX(given.graded_at) AS graded_at
  FROM nba_predictions.prediction_accuracy AS given
  LEFT JOIN said
    ON said.game_date = given.game_date
    AND said.game_id = given.game_id
    AND said.batch_id = given.batch_id
    AND said.player_id = given.player_id
    AND said.stat = given.stat
    AND said.system_id = given.system_id
    AND said.line_value = COALESCE(given.line_value, 0)
  WHERE given.game_date BETWEEN @first AND @last
  GROUP BY given.game_date, given.game_id
),
-- The newest consolidated batch and the rows that were in place then: nothing takes its rows over.
newest AS (
  SELECT game_date, batch_id, rows_expected, consolidated_at
  FROM nba_predictions.prediction_batches
  WHERE game_date BETWEEN @first AND @last
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_date ORDER BY revision DESC, consolidated_at DESC, batch_id DESC, game_id
  ) = 1
),
in_place AS (
  SELECT
    newest.game_date, newest.batch_id, newest.rows_expected, newest.consolidated_at, COUNT(kept.player_id) AS rows_there
  FROM newest
  LEFT JOIN nba_predictions.player_prop_predictions AS kept
    ON kept.game_date = newest.game_date AND kept.game_date BETWEEN @first AND @last
    AND kept.batch_id = newest.batch_id
  GROUP BY newest.game_date, newest.batch_id, newest.rows_expected, newest.consolidated_at
)
SELECT
  facts.game_date,
  facts.schedule_rows,
  facts.played_before,
  facts.played_after,
  COALESCE(feeds.injury_rows, 0) AS injury_rows,
  COALESCE(feeds.player_line_rows, 0) AS player_line_rows,
  COALESCE(feeds.game_line_rows, 0) AS game_line_rows,
  in_place.batch_id AS newest_batch_id,
  in_place.rows_expected,
  in_place.rows_there,
  in_place.consolidated_at AS newest_consolidated_at,
  games.game_id,
  COALESCE(
    games.tipoff_at, tipoffs.tipoff_at, TIMESTAMP(DATETIME(facts.game_date, TIME '19:00:00'), 'America/New_York')
  ) AS tipoff_at,
  games.status,
  IF(home.team IS NULL, 0, 1) + IF(away.team IS NULL, 0, 1) AS roster_teams,
  COALESCE(contexts.context_teams, 0) AS context_teams,
  COALESCE(contexts.unlisted_teams, 0) AS unlisted_teams,
  COALESCE(contexts.context_players, 0) AS context_players,
  COALESCE(contexts.feature_players, 0) AS feature_players,
  moments.features_as_of,
  COALESCE(summaries.result_teams, 0) AS result_teams,
  COALESCE(summaries.points_apart, FALSE) AS points_apart,
  COALESCE(predictions.predictions, 0) AS predictions,
  COALESCE(grades.grades, 0) AS grades,
  COALESCE(behind.grades_alone, 0) AS grades_alone,
  behind.first_graded_at,
  behind.graded_at
FROM facts
LEFT JOIN feeds
  ON feeds.game_date = facts.game_date
LEFT JOIN in_place
  ON in_place.game_date = facts.game_date
LEFT JOIN games
  ON games.game_date = facts.game_date
LEFT JOIN tipoffs
  ON tipoffs.game_date = facts.game_date AND tipoffs.game_id = games.game_id
LEFT JOIN rosters AS home
  ON home.game_date = facts.game_date AND home.team = games.home_team
LEFT JOIN rosters AS away
  ON away.game_date = facts.game_date AND away.team = games.away_team
LEFT JOIN moments
  ON moments.game_date = facts.game_date AND moments.game_id = games.game_id
LEFT JOIN contexts
  ON contexts.game_date = facts.game_date AND contexts.game_id = games.game_id
LEFT JOIN summaries
  ON summaries.game_date = facts.game_date AND summaries.game_id = games.game_id
LEFT JOIN predictions
  ON predictions.game_date = facts.game_date AND predictions.game_id = games.game_id
LEFT JOIN grades
  ON grades.game_date = facts.game_date
  AND grades.game_id = games.game_id
  AND grades.batch_id = predictions.batch_id
LEFT JOIN behind
  ON behind.game_date = facts.game_date AND behind.game_id = games.game_id
ORDER BY facts.game_date, games.game_id
