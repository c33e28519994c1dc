-- Every game of the date that has current predictions, and what can be done with them.
-- `void_reason`: it was not played that day, so they are void. Else it is over when the schedule
-- says final, and graded when `teams`, whose players the box score has, are two and no team's
-- players' points differ from the team's (`points_apart` names those that do).
WITH
-- What the schedule says now, whatever day the game is on by now; a game that it lists no more is
-- gone.
scheduled AS (
  SELECT
    game_id, game_date, season, status, tipoff_at,
    CASE
      WHEN called_off THEN status
      WHEN gone_at <= @now THEN 'not_scheduled'
      WHEN game_date <> @game_date THEN 'moved'
    END AS void_reason
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time <= @now
    AND (replaced_at IS NULL OR replaced_at > @now)
),
-- A tip-off may be moved forward after the prediction was made: only what was said before it
-- counts.
predicted AS (
  SELECT
    p.game_id,
    COUNT(*) AS predictions,
    COUNTIF(p.updated_at >= IF(
      s.void_reason IS NULL, LEAST(p.tipoff_at, COALESCE(s.tipoff_at, p.tipoff_at)), p.tipoff_at
    )) AS made_late
  FROM nba_predictions.current_predictions AS p
  LEFT JOIN scheduled AS s ON s.game_id = p.game_id
  WHERE p.game_date = @game_date
    AND {{says_something(p.)}}
  GROUP BY p.game_id
),
teams AS (
  SELECT game_id, team, MAX(players_points) AS players_points, MAX(team_points) AS team_points
  FROM nba_analytics.player_game_summary
  WHERE game_date = @game_date
  GROUP BY game_id, team
),
box_scores AS (
  SELECT
    game_id,
    COUNT(*) AS teams,
    STRING_AGG(
      IF(
        players_points <> team_points,
        CONCAT(team, ' ', CAST(players_points AS STRING), ' of ', CAST(team_points AS STRING)),
        NULL
      ),
      ' and ' ORDER BY team
    ) AS points_apart
  FROM teams
  GROUP BY game_id
),
grades AS (
  SELECT game_id, COUNT(*) AS grades
  FROM nba_predictions.prediction_accuracy
  WHERE game_date = @game_date
  GROUP BY game_id
),
season_starts AS (
  SELECT season, MIN(game_date) AS season_start
  FROM scheduled
  GROUP BY season
)
SELECT
  predicted.game_id,
  predicted.predictions,
  predicted.made_late,
  season_starts.season_start,
  scheduled.void_reason,
  COALESCE(scheduled.status = 'final', FALSE) AS is_final,
  scheduled.tipoff_at,
  COALESCE(box_scores.teams, 0) AS teams,
  box_scores.points_apart,
  COALESCE(grades.grades, 0) AS grades
FROM predicted
LEFT JOIN scheduled
  ON scheduled.game_id = predicted.game_id
LEFT JOIN box_scores
  ON box_scores.game_id = predicted.game_id
LEFT JOIN grades
  ON grades.game_id = predicted.game_id
LEFT JOIN season_starts
  ON season_starts.season = scheduled.season
ORDER BY predicted.game_id
