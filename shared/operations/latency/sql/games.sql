-- Games that take place on the dates @first_date to @last_date, as the schedule says at @now, and
-- when it was first known what became of them.
WITH
seen AS (
  SELECT game_id, game_date, snapshot_time, home_team, away_team, tipoff_at, status, replaced_at, gone_at, called_off
  FROM nba_raw.nbac_schedule_versions
  WHERE game_date BETWEEN @first_date AND @last_date
    AND season_type IN ('regular_season', 'playin', 'playoffs')
    AND snapshot_time <= @now
),
sightings AS (
  SELECT
    game_id, game_date,
    MIN(snapshot_time) AS first_seen_at,
    MIN(IF(status = 'final', snapshot_time, NULL)) AS final_seen_at,
    MAX(IF(status = 'live', snapshot_time, NULL)) AS live_seen_at
  FROM seen
  GROUP BY game_id, game_date
),
games AS (
  SELECT
    seen.game_id, seen.game_date, seen.home_team, seen.away_team,
    COALESCE(seen.tipoff_at, TIMESTAMP(DATETIME(seen.game_date, TIME '19:00:00'), 'America/New_York')) AS tipoff_at,
    sightings.first_seen_at, sightings.final_seen_at, sightings.live_seen_at
  FROM seen
  INNER JOIN sightings
    ON sightings.game_id = seen.game_id AND sightings.game_date = seen.game_date
  WHERE (seen.replaced_at IS NULL OR seen.replaced_at > @now)
    AND (seen.gone_at IS NULL OR seen.gone_at > @now)
    AND NOT seen.called_off
),
-- The first box score of each team that counts: what is fetched while the game is on is none
-- (player_game_summary.sql).
boxes AS (
  SELECT b.game_id, b.team, MIN(b.snapshot_time) AS fetched_at
  FROM nba_raw.nbac_player_boxscores AS b
  INNER JOIN games AS g
    ON g.game_id = b.game_id
  WHERE b.game_date BETWEEN @first_date AND @last_date
    AND b.snapshot_time <= @now
    AND b.team IN (g.home_team, g.away_team)
    AND b.minutes > 0
    AND (b.snapshot_time >= g.final_seen_at OR b.snapshot_time >= TIMESTAMP_ADD(g.tipoff_at, INTERVAL 3 HOUR))
  GROUP BY b.game_id, b.team
),
fetched AS (
  SELECT game_id, COUNT(*) AS teams, MAX(fetched_at) AS fetched_at
  FROM boxes
  GROUP BY game_id
),
summaries AS (
  SELECT game_id, COUNT(DISTINCT team) AS teams
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @first_date AND @last_date
  GROUP BY game_id
),
-- Only what was written before tip-off is graded; what was said of a game that was then moved to
-- another day is void, and not of that day.
predictions AS (
  SELECT p.game_id, COUNT(*) AS predictions
  FROM nba_predictions.current_predictions AS p
  INNER JOIN games AS g
    ON g.game_id = p.game_id AND g.game_date = p.game_date
  WHERE p.game_date BETWEEN @first_date AND @last_date
    AND p.updated_at < LEAST(p.tipoff_at, g.tipoff_at)
  GROUP BY p.game_id
),
-- A void because the game was not played says nothing of one that is.
grades AS (
  SELECT game_id, game_date, MAX(graded_at) AS graded_at
  FROM nba_predictions.prediction_accuracy
  WHERE game_date BETWEEN @first_date AND @last_date
    AND (void_reason IS NULL OR void_reason IN ('did_not_play', 'no_figure'))
  GROUP BY game_id, game_date
)
SELECT
  games.game_date, games.game_id, games.tipoff_at, games.first_seen_at, games.final_seen_at, games.live_seen_at,
  IF(fetched.teams = 2 AND summaries.teams = 2, fetched.fetched_at, NULL) AS fetched_at,
  COALESCE(predictions.predictions, 0) AS predictions,
  grades.graded_at
FROM games
LEFT JOIN fetched
  ON fetched.game_id = games.game_id
LEFT JOIN summaries
  ON summaries.game_id = games.game_id
LEFT JOIN predictions
  ON predictions.game_id = games.game_id
LEFT JOIN grades
  ON grades.game_id = games.game_id AND grades.game_date = games.game_date
ORDER BY games.game_date, games.tipoff_at, games.game_id
