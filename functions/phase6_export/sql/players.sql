-- Every player considered for the date, once: expected or left out with the reason, as recorded by
-- the batch that counts for his game, with what his features say, and who of both teams was listed
-- out when they were made.
WITH
-- The batch that counts for each game: the rule of current_predictions.
counting AS (
  SELECT game_id, batch_id, revision, consolidated_at
  FROM nba_predictions.prediction_batches
  WHERE game_date = @game_date
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_id
    ORDER BY revision DESC, consolidated_at DESC, batch_id DESC
  ) = 1
),
-- Games that no consolidated batch covered, and names that matched no game, go by the date's newest
-- batch.
newest AS (
  SELECT batch_id, revision, consolidated_at
  FROM counting
  QUALIFY ROW_NUMBER() OVER (ORDER BY revision DESC, consolidated_at DESC, batch_id DESC) = 1
),
considered AS (
  SELECT
    expected.batch_id,
    expected.game_id,
    expected.player_id,
    expected.player_lookup,
    expected.player_name,
    expected.team,
    expected.status,
    expected.reason,
    expected.has_line,
    expected.features_as_of,
    expected.recorded_at,
    counting.game_id IS NOT NULL AS game_is_covered,
    newest.consolidated_at AS newest_consolidated_at,
    COALESCE(counting.revision, newest.revision) AS revision
  FROM nba_monitoring.expected_outputs AS expected
  CROSS JOIN newest
  LEFT JOIN counting
    ON counting.game_id = expected.game_id
  WHERE expected.game_date = @game_date
    AND expected.batch_id = COALESCE(counting.batch_id, newest.batch_id)
),
-- A batch recorded twice names its players twice: the last record counts.
players AS (
  SELECT considered.*
  FROM considered
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY batch_id, game_id, player_id, player_lookup
    ORDER BY recorded_at DESC, status, reason
  ) = 1
),
-- The rotation players (15 minutes over the last 10 games) of the same features, by name: who is
-- out or doubtful, with what they usually score, and who is questionable.
missing AS (
  SELECT
    game_id, team, features_as_of,
    STRING_AGG(IF(injury_status = 'QUESTIONABLE', NULL, player_name), '|' ORDER BY points_l10 DESC, player_id) AS names,
    SUM(IF(injury_status = 'QUESTIONABLE', 0.0, points_l10)) AS points,
    STRING_AGG(IF(injury_status = 'QUESTIONABLE', player_name, NULL), '|' ORDER BY points_l10 DESC, player_id) AS doubts
  FROM nba_predictions.ml_feature_store
  WHERE game_date = @game_date
    AND injury_status IN ('OUT', 'DOUBTFUL', 'QUESTIONABLE')
    AND minutes_l10 >= 15
  GROUP BY game_id, team, features_as_of
)
SELECT
  players.batch_id,
  players.game_id,
  players.player_id,
  players.player_lookup,
  players.player_name,
  players.team,
  players.status,
  players.reason,
  players.has_line,
  players.features_as_of,
  players.game_is_covered,
  players.newest_consolidated_at,
  players.revision,
  features.injury_status,
  context.injury_reason,
  context.injury_list_state,
  context.injury_report_source,
  context.injury_snapshot_at,
  -- By a list that is not his team's: a former one's, while his has none.
  context.injury_status IS NOT NULL AND context.injury_report_source IS NULL AS is_listed_elsewhere,
  features.quality_score,
  features.null_reasons,
  features.line AS points_line,
  {{stat_lines(features., others)}},
  features.games_season,
  {{stat_averages(features., *)}},
  features.minutes_l10,
  features.rest_days,
  features.opponent_def_rating_rel,
  features.pace_factor,
  features.teammates_out_points,
  features.implied_team_total,
  features.player_id IS NOT NULL AS has_features,
  features.opponent,
  features.is_home,
  features.games_known,
  features.teammates_out_count,
  features.teammates_out_points_recent,
  missing.names AS teammates_out,
  missing.points AS teammates_out_usual,
  missing.doubts AS teammates_doubted,
  features.absence_probability,
  features.opponents_out_count,
  theirs.names AS opponents_out,
  theirs.points AS opponents_out_usual,
  theirs.doubts AS opponents_doubted
FROM players
LEFT JOIN nba_predictions.ml_feature_store AS features
  ON features.game_date = @game_date
  AND features.game_id = players.game_id
  AND features.player_id = players.player_id
  AND features.features_as_of = players.features_as_of
LEFT JOIN nba_analytics.upcoming_player_game_context AS context
  ON context.game_date = @game_date
  AND context.game_id = players.game_id
  AND context.player_id = players.player_id
  AND context.features_as_of = players.features_as_of
LEFT JOIN missing
  ON missing.game_id = features.game_id
  AND missing.team = features.team
  AND missing.features_as_of = features.features_as_of
LEFT JOIN missing AS theirs
  ON theirs.game_id = features.game_id
  AND theirs.team = features.opponent
  AND theirs.features_as_of = features.features_as_of
ORDER BY players.game_id, players.team, players.player_lookup, players.player_id
