-- The moment of the newest context of @first_date to @last_date, for a run that begins at phase 4.
-- Parameters: @as_of, @first_date, @last_date.
SELECT MAX(features_as_of) AS features_as_of
FROM nba_analytics.upcoming_player_game_context
WHERE game_date BETWEEN @first_date AND @last_date
  AND features_as_of < @as_of
