-- The moments of each game that a list is asked for: just before tip-off, since a list of tip-off
-- itself comes too late for any run, and the earliest snapshot of the main lines that its players'
-- feature rows have: of points, or where there is none of any statistic. Parameters: @first_date,
-- @last_date.
WITH lines AS (
  SELECT game_id, COALESCE(MIN(IF(stat = 'points', snapshot_time, NULL)), MIN(snapshot_time)) AS line_at
  FROM (
    SELECT l.game_id, l.stat, l.snapshot_time
    FROM nba_analytics.upcoming_player_lines AS l
    WHERE l.game_date BETWEEN @first_date AND @last_date AND l.is_main AND l.player_id IS NOT NULL
    QUALIFY l.features_as_of = MAX(l.features_as_of) OVER (PARTITION BY l.game_id)
  ) AS m
  GROUP BY game_id
)
SELECT g.game_date, g.game_id, g.team AS home, g.opponent AS away, TIMESTAMP_SUB(g.tipoff_at, INTERVAL 1 MICROSECOND) AS before_tipoff, l.line_at
FROM nba_analytics.upcoming_team_game_context AS g
LEFT JOIN lines AS l ON l.game_id = g.game_id
WHERE g.game_date BETWEEN @first_date AND @last_date AND g.is_home
QUALIFY ROW_NUMBER() OVER (PARTITION BY g.game_id ORDER BY g.features_as_of DESC) = 1
ORDER BY g.game_date, g.game_id
