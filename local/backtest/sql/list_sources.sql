-- Where the injury list of each feature row's team comes from; NULL: there was none. Parameters:
-- @first_date, @last_date.
SELECT game_id, player_id, injury_report_source
FROM nba_analytics.upcoming_player_game_context
WHERE game_date BETWEEN @first_date AND @last_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, player_id ORDER BY features_as_of DESC) = 1
