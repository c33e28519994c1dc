-- Who played, by his status at the moment of his feature row: players of the rotation (15 minutes a
-- game or more over their last ten) on a roster of the games from @first_date to @last_date whose
-- team had a list of the league or of ESPN. Games without any box score say nothing of who played.
-- Parameters: @first_date, @last_date.
WITH rosters AS (
  SELECT
    game_date, game_id, player_id, features_as_of,
    -- What box scores derive of a former team is no list's word.
    IF(injury_source IN ('official', 'espn'), injury_status, NULL) AS status
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @first_date AND @last_date AND injury_report_source IN ('official', 'espn')
  QUALIFY features_as_of = MAX(features_as_of) OVER (PARTITION BY game_id)
),
box_scores AS (
  SELECT game_id, player_id
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @first_date AND @last_date
)
SELECT COALESCE(r.status, 'not_listed') AS status, COUNT(*) AS n, COUNT(b.player_id) AS played
FROM rosters AS r
JOIN nba_precompute.player_daily_cache AS d
  ON d.game_date = r.game_date AND d.game_date BETWEEN @first_date AND @last_date
  AND d.game_id = r.game_id AND d.player_id = r.player_id AND d.features_as_of = r.features_as_of
LEFT JOIN box_scores AS b ON b.game_id = r.game_id AND b.player_id = r.player_id
WHERE d.minutes_l10 >= 15 AND r.game_id IN (SELECT game_id FROM box_scores)
GROUP BY COALESCE(r.status, 'not_listed')
