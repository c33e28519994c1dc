-- What each team allowed in the games of @first_date to @last_date: its opponent's offence, seen
-- from the other side. Parameters: @first_date, @last_date. Reads team_offense_game_summary.
SELECT
  game_date, game_id, opponent AS team, team AS opponent, NOT is_home AS is_home, season, season_type,
  tipoff_at, known_at, NOT won AS won, team_minutes,
  points AS points_allowed, possessions, pace, offensive_rating AS defensive_rating,
  fg2_points AS fg2_points_allowed, fg3_points AS fg3_points_allowed, ft_points AS ft_points_allowed,
  paint_points AS paint_points_allowed, mid_points AS mid_points_allowed,
  rebounds AS rebounds_allowed, assists AS assists_allowed
FROM nba_analytics.team_offense_game_summary
WHERE game_date BETWEEN @first_date AND @last_date
