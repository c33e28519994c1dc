-- What each source had said strictly before the features of the date's predictions, by the rules by
-- which the features take it: of each predicted game as of its features, and of the whole date
-- (game_id NULL) as of the newest of them, or of @now where nothing is predicted; one row for each
-- of the game's (or date's) teams of whose injury list anything is said, or one without a team.
-- `_at`: the moment known; `_named`: that answer names anybody; `_seen`: any of it is in the
-- features. What was loaded after they were made was known at their moment, and not to them.
-- Parameters: @game_date, @now.
WITH
predicted AS (
  SELECT game_id, MAX(features_as_of) AS features_as_of
  FROM nba_predictions.current_predictions
  WHERE game_date = @game_date
  GROUP BY game_id
),
whole_date AS (
  SELECT COALESCE(MAX(features_as_of), @now) AS features_as_of
  FROM predicted
),
moments AS (
  SELECT game_id, features_as_of FROM predicted
  UNION ALL
  SELECT CAST(NULL AS STRING) AS game_id, features_as_of FROM whole_date
),
-- A game that has left the schedule since keeps its teams.
teams AS (
  SELECT p.game_id, p.features_as_of, s.home_team, s.away_team
  FROM predicted AS p
  JOIN nba_raw.nbac_schedule_versions AS s
    ON s.game_id = p.game_id
  WHERE s.snapshot_time <= @now
    AND (s.replaced_at IS NULL OR s.replaced_at > @now)
),
schedule AS (
  SELECT MAX(s.snapshot_time) AS schedule_at
  FROM nba_raw.nbac_schedule AS s
  CROSS JOIN whole_date AS w
  WHERE s.game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND DATE_ADD(@game_date, INTERVAL 200 DAY)
    AND s.snapshot_time < w.features_as_of
),
-- Games of the days before the features: what the morning's box scores should hold. The Cup's final
-- has none.
played AS (
  SELECT s.game_id, s.game_date
  FROM nba_raw.nbac_schedule_versions AS s
  CROSS JOIN whole_date AS w
  WHERE s.game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND @game_date
    AND s.game_date < DATE(w.features_as_of, 'America/New_York')
    AND s.season_type IN ('regular_season', 'playin', 'playoffs')
    AND NOT s.called_off
    AND s.snapshot_time < w.features_as_of
    AND (s.replaced_at IS NULL OR NOT s.replaced_at < w.features_as_of)
    AND (s.gone_at IS NULL OR NOT s.gone_at < w.features_as_of)
),
last_played AS (
  SELECT MAX(game_date) AS game_date
  FROM played
),
boxes AS (
  SELECT b.game_id, MAX(b.snapshot_time) AS box_scores_at
  FROM nba_raw.nbac_player_boxscores AS b
  CROSS JOIN whole_date AS w
  WHERE b.game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND @game_date
    AND b.snapshot_time < w.features_as_of
  GROUP BY b.game_id
),
box_scores AS (
  SELECT MAX(box_scores_at) AS box_scores_at
  FROM boxes
),
unboxed AS (
  SELECT COUNT(*) AS games_played, COUNTIF(b.game_id IS NULL) AS games_unboxed, MAX(p.game_date) AS last_played_on
  FROM played AS p
  INNER JOIN last_played AS l
    ON l.game_date = p.game_date
  LEFT JOIN boxes AS b
    ON b.game_id = p.game_id
),
-- Each team's list in force: see `lists` of upcoming_player_game_context.sql.
injuries AS (
  SELECT
    m.game_id, m.features_as_of, l.team AS list_team, l.source AS list_source, l.submitted AS list_submitted,
    l.snapshot_time AS list_at, l.source_file
  FROM moments AS m
  INNER JOIN nba_raw.injury_report_teams AS l
    ON l.game_date = @game_date
    AND l.snapshot_time < m.features_as_of
  LEFT JOIN teams AS t
    ON t.game_id = m.game_id
  WHERE m.game_id IS NULL OR l.team IN (t.home_team, t.away_team)
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY m.game_id, l.team
    ORDER BY {{report_in_force(l.)}}
  ) = 1
),
named AS (
  SELECT DISTINCT source, snapshot_time, source_file, team
  FROM nba_raw.injury_report
  WHERE game_date = @game_date AND player_lookup IS NOT NULL
),
lists_seen AS (
  SELECT
    p.game_id,
    f.team,
    LOGICAL_OR(COALESCE(f.null_reasons, '') NOT LIKE '%injuries=%') AS list_seen
  FROM predicted AS p
  INNER JOIN nba_predictions.ml_feature_store AS f
    ON f.game_date = @game_date
    AND f.game_id = p.game_id
    AND f.features_as_of = p.features_as_of
  GROUP BY p.game_id, f.team
),
-- Each game's newest answer: see `answers` of upcoming_player_lines.sql and
-- upcoming_team_game_context.sql.
player_answers AS (
  SELECT
    t.game_id, t.features_as_of, p.bookmaker, p.fetched_at,
    {{answered_at(p., t.)}} AS answered_at
  FROM teams AS t
  INNER JOIN nba_raw.odds_api_player_props AS p
    ON p.game_date = @game_date
    AND LEAST(p.home_team, p.away_team) = LEAST(t.home_team, t.away_team)
    AND GREATEST(p.home_team, p.away_team) = GREATEST(t.home_team, t.away_team)
  WHERE {{until_the_moment(p., t.)}}
),
player_lines AS (
  SELECT
    game_id,
    MAX(answered_at) AS player_lines_at,
    MAX(answered_at) = MAX(IF(bookmaker IS NULL, NULL, answered_at)) AS player_lines_named
  FROM player_answers
  WHERE {{is_known()}}
  GROUP BY game_id
),
game_answers AS (
  SELECT
    t.game_id, t.features_as_of, l.bookmaker, l.fetched_at,
    {{answered_at(l., t.)}} AS answered_at
  FROM teams AS t
  INNER JOIN nba_raw.odds_api_game_lines AS l
    ON l.game_date = @game_date
    AND LEAST(l.home_team, l.away_team) = LEAST(t.home_team, t.away_team)
    AND GREATEST(l.home_team, l.away_team) = GREATEST(t.home_team, t.away_team)
  WHERE {{until_the_moment(l., t.)}}
),
game_lines AS (
  SELECT
    game_id,
    MAX(answered_at) AS game_lines_at,
    MAX(answered_at) = MAX(IF(bookmaker IS NULL, NULL, answered_at)) AS game_lines_named
  FROM game_answers
  WHERE {{is_known()}}
  GROUP BY game_id
),
-- Of player lines any statistic's: books may offer rebounds before they offer points.
seen AS (
  SELECT
    p.game_id,
    LOGICAL_OR(
      COALESCE(f.null_reasons, '') NOT LIKE '%market=no_line%'
      OR COALESCE({{stat_lines(f., others)}}) IS NOT NULL
    ) AS player_lines_seen,
    LOGICAL_OR(COALESCE(f.null_reasons, '') NOT LIKE '%game_line=none%') AS game_lines_seen
  FROM predicted AS p
  INNER JOIN nba_predictions.ml_feature_store AS f
    ON f.game_date = @game_date
    AND f.game_id = p.game_id
    AND f.features_as_of = p.features_as_of
  GROUP BY p.game_id
)
SELECT
  m.game_id,
  m.features_as_of,
  schedule.schedule_at,
  box_scores.box_scores_at,
  unboxed.games_played,
  unboxed.games_unboxed,
  unboxed.last_played_on,
  t.home_team,
  t.away_team,
  i.list_team,
  i.list_source,
  i.list_submitted,
  i.list_at,
  n.team IS NOT NULL AS list_names_somebody,
  o.list_seen,
  p.player_lines_at,
  COALESCE(p.player_lines_named, FALSE) AS player_lines_named,
  s.player_lines_seen,
  g.game_lines_at,
  COALESCE(g.game_lines_named, FALSE) AS game_lines_named,
  s.game_lines_seen
FROM moments AS m
CROSS JOIN schedule
CROSS JOIN box_scores
CROSS JOIN unboxed
LEFT JOIN teams AS t
  ON t.game_id = m.game_id
LEFT JOIN injuries AS i
  ON COALESCE(i.game_id, '') = COALESCE(m.game_id, '')
LEFT JOIN named AS n
  ON n.source = i.list_source
  AND n.snapshot_time = i.list_at
  AND n.source_file IS NOT DISTINCT FROM i.source_file
  AND n.team = i.list_team
LEFT JOIN lists_seen AS o
  ON o.game_id = m.game_id
  AND o.team = i.list_team
LEFT JOIN player_lines AS p
  ON p.game_id = m.game_id
LEFT JOIN game_lines AS g
  ON g.game_id = m.game_id
LEFT JOIN seen AS s
  ON s.game_id = m.game_id
ORDER BY m.game_id, i.list_team
