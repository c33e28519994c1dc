-- Teams of the games of @first_date to @last_date whose players' points do not add up to the team's.
-- Parameters: @first_date, @last_date. Reads player_game_summary.
SELECT game_id, team, MAX(players_points) AS players_points, MAX(team_points) AS team_points
FROM nba_analytics.player_game_summary
WHERE game_date BETWEEN @first_date AND @last_date AND players_points <> team_points
GROUP BY game_id, team
ORDER BY game_id, team
