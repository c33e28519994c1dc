-- Rolling figures of every player of the run's games. A game is history when known_at <
-- features_as_of, strictly. Parameters: @as_of (the run's), @first_date, @last_date. Reads this
-- run's upcoming_player_game_context.
WITH
targets AS (
  SELECT
    game_date, game_id, player_id, features_as_of, team, opponent, season,
    CONCAT(CAST(CAST(SUBSTR(season, 1, 4) AS INT64) - 1 AS STRING), '-', SUBSTR(season, 3, 2)) AS season_before
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
-- All games of these players, numbered, with running totals of the season after each.
games AS (
  SELECT
    g.player_id, g.game_id, g.game_date, g.team, g.opponent, g.season, g.is_home, g.known_at,
    g.minutes, g.points, g.fgm, g.fga, g.fg3m, g.fg3a, g.ftm, g.fta, g.team_fga, g.team_fg3a, g.team_fta,
    g.rebounds, g.assists, g.steals, g.blocks, g.turnovers, g.fouls, g.plus_minus, g.fg3m AS threes,
    -- As if there had been no overtime.
    SAFE_DIVIDE(240 * g.minutes, GREATEST(g.team_minutes, 240)) AS regulation_minutes,
    g.plays, g.plays_on_court, o.missing_points, o.missing_minutes,
    ROW_NUMBER() OVER career AS n,
    LEAD(g.known_at) OVER career AS next_known_at,
    IF(LAG(g.team) OVER career <> g.team, g.game_date, NULL) AS team_change_date
  FROM nba_analytics.player_game_summary AS g
  LEFT JOIN nba_analytics.team_offense_game_summary AS o
    ON o.game_date = g.game_date AND o.game_date <= @last_date AND o.game_id = g.game_id AND o.team = g.team
  WHERE g.game_date <= @last_date AND g.player_id IN (SELECT player_id FROM targets)
  WINDOW career AS (PARTITION BY g.player_id ORDER BY g.tipoff_at, g.game_id)
),
totals AS (
  SELECT
    player_id, known_at, next_known_at, n, season, team AS last_team,
    MAX(team_change_date) OVER career AS last_change_date,
    COUNT(*) OVER season_so_far AS games_season,
    {{stat_totals(*)}},
    SUM(minutes) OVER season_so_far AS minutes_sum,
    SUM(plays) OVER season_so_far AS plays_sum,
    SUM(plays_on_court) OVER season_so_far AS court_sum,
    COUNTIF(is_home) OVER season_so_far AS home_games,
    LEAD(season) OVER (PARTITION BY player_id ORDER BY n) AS next_season
  FROM games
  WINDOW
    career AS (PARTITION BY player_id ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    season_so_far AS (PARTITION BY player_id, season ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- Each row's latest game known.
latest AS (
  SELECT t.*, g.n, g.last_change_date, g.last_team
  FROM targets AS t
  JOIN totals AS g
    ON g.player_id = t.player_id
    AND g.known_at < t.features_as_of
    AND (g.next_known_at IS NULL OR NOT g.next_known_at < t.features_as_of)
),
anchors AS (
  SELECT DISTINCT player_id, n FROM latest
),
-- The last 60 games up to each of those; k = 1 is the latest.
windows AS (
  SELECT
    a.player_id, a.n, a.n - g.n + 1 AS k,
    g.minutes, g.points, g.fgm, g.fga, g.fg3m, g.fg3a, g.ftm, g.fta, g.team_fga, g.team_fg3a, g.team_fta,
    g.rebounds, g.assists, g.steals, g.blocks, g.turnovers, g.fouls, g.plus_minus, g.threes, g.regulation_minutes,
    g.plays, g.plays_on_court, g.missing_points, g.missing_minutes,
    g.fga + 0.44 * g.fta AS attempts,
    POW(0.98, a.n - g.n) AS weight_02,
    POW(0.95, a.n - g.n) AS weight_05,
    POW(0.92, a.n - g.n) AS weight_08,
    POW(0.90, a.n - g.n) AS weight_10,
    POW(0.80, a.n - g.n) AS weight_20
  FROM anchors AS a
  JOIN games AS g ON g.player_id = a.player_id AND g.n <= a.n AND g.n > a.n - 60
),
form AS (
  SELECT
    player_id, n,
    COUNT(*) AS games_known,
    COUNTIF(k <= 10) AS games_10,
    {{stat_form(*)}},
    CAST(MAX(IF(k = 1, fga, NULL)) AS FLOAT64) AS fga_last,
    SAFE_DIVIDE(SUM(IF(k <= 5, attempts, 0)), SUM(IF(k <= 5, minutes, 0))) AS attempts_per_minute_l5,
    SAFE_DIVIDE(SUM(IF(k <= 20, attempts, 0)), SUM(IF(k <= 20, minutes, 0))) AS attempts_per_minute_l20,
    SAFE_DIVIDE(SUM(points), SUM(attempts)) AS points_per_attempt_l60,
    SUM(weight_10 * regulation_minutes) / SUM(weight_10) AS minutes_ewma_10,
    MAX(IF(k = 2, regulation_minutes, NULL)) AS minutes_second_last,
    MAX(IF(k <= 10, regulation_minutes, NULL)) AS minutes_max_l10,
    AVG(IF(k <= 10, steals, NULL)) AS steals_l10,
    AVG(IF(k <= 10, blocks, NULL)) AS blocks_l10,
    AVG(IF(k <= 10, turnovers, NULL)) AS turnovers_l10,
    AVG(IF(k <= 10, fouls, NULL)) AS fouls_l10,
    AVG(IF(k <= 10, plus_minus, NULL)) AS plus_minus_l10,
    AVG(IF(k <= 40, rebounds, NULL)) AS rebounds_l40,
    AVG(IF(k <= 40, assists, NULL)) AS assists_l40,
    SUM(IF(k <= 10, k, 0)) AS k_sum,
    SUM(IF(k <= 10, k * k, 0)) AS k_squares,
    SUM(IF(k <= 10, k * minutes, 0)) AS k_minutes,
    MAX(IF(k = 1, minutes, NULL)) AS minutes_last,
    AVG(IF(k <= 5, minutes, NULL)) AS minutes_l5,
    AVG(IF(k <= 10, minutes, NULL)) AS minutes_l10,
    AVG(IF(k <= 20, minutes, NULL)) AS minutes_l20,
    SUM(weight_20 * minutes) / SUM(weight_20) AS minutes_ewma_20,
    SUM(IF(k <= 10, minutes, 0)) AS minutes_sum_10,
    STDDEV_SAMP(IF(k <= 10, minutes, NULL)) AS minutes_sd_l10,
    SUM(IF(k <= 40, minutes, 0)) AS minutes_sum_40,
    SAFE_DIVIDE(SUM(IF(k <= 10, plays, 0)), SUM(IF(k <= 10, plays_on_court, 0))) AS usage_l10,
    AVG(IF(k <= 10, fga, NULL)) AS fga_l10,
    AVG(IF(k <= 10, fg3a, NULL)) AS fg3a_l10,
    AVG(IF(k <= 10, fta, NULL)) AS fta_l10,
    SAFE_DIVIDE(SUM(IF(k <= 10, fga, 0)), SUM(IF(k <= 10, team_fga, 0))) AS fga_share_l10,
    SAFE_DIVIDE(SUM(IF(k <= 10, fg3a, 0)), SUM(IF(k <= 10, team_fg3a, 0))) AS fg3a_share_l10,
    SAFE_DIVIDE(SUM(IF(k <= 10, fta, 0)), SUM(IF(k <= 10, team_fta, 0))) AS fta_share_l10,
    SAFE_DIVIDE(SUM(IF(k <= 20, fgm - fg3m, 0)), SUM(IF(k <= 20, fga - fg3a, 0))) AS fg2_pct_l20,
    SAFE_DIVIDE(SUM(IF(k <= 20, fg3m, 0)), SUM(IF(k <= 20, fg3a, 0))) AS fg3_pct_l20,
    SAFE_DIVIDE(SUM(IF(k <= 40, ftm, 0)), SUM(IF(k <= 40, fta, 0))) AS ft_pct_l40,
    SAFE_DIVIDE(SUM(IF(k <= 20, points, 0)), 2 * SUM(IF(k <= 20, fga + 0.44 * fta, 0))) AS true_shooting_l20,
    AVG(IF(k <= 20, 2 * (fgm - fg3m), NULL)) AS points2_l20,
    AVG(IF(k <= 20, 3 * fg3m, NULL)) AS points3_l20,
    AVG(IF(k <= 20, ftm, NULL)) AS points1_l20,
    AVG(IF(k <= 10, missing_points, NULL)) AS missing_points_l10,
    AVG(IF(k <= 10, missing_minutes, NULL)) AS missing_minutes_l10
  FROM windows
  GROUP BY player_id, n
),
-- Whole seasons: the running totals after their last game.
seasons AS (
  SELECT * FROM totals
  WHERE next_season IS NULL OR next_season <> season
),
-- What is counted by days: the last two weeks.
workload AS (
  SELECT
    t.game_id, t.player_id,
    COUNTIF(g.game_date >= DATE_SUB(t.game_date, INTERVAL 7 DAY)) AS games_last_7,
    COUNT(*) AS games_last_14,
    SUM(IF(g.game_date >= DATE_SUB(t.game_date, INTERVAL 7 DAY), g.minutes, 0)) AS minutes_last_7
  FROM latest AS t
  JOIN games AS g
    ON g.player_id = t.player_id AND g.n <= t.n AND g.n > t.n - 15
    AND g.game_date >= DATE_SUB(t.game_date, INTERVAL 14 DAY)
  GROUP BY t.game_id, t.player_id
),
versus AS (
  SELECT t.game_id, t.player_id, COUNT(*) AS games, {{stat_versus(*)}}
  FROM latest AS t
  JOIN games AS g
    ON g.player_id = t.player_id AND g.opponent = t.opponent AND g.n <= t.n
    AND g.game_date >= DATE_SUB(t.game_date, INTERVAL 2 YEAR)
  GROUP BY t.game_id, t.player_id
),
-- This season so far (nothing where the latest game belongs to another season) and the whole one
-- before.
sums AS (
  SELECT
    t.game_date, t.game_id, t.player_id, t.features_as_of, t.team, t.opponent, t.n, t.last_change_date, t.last_team,
    s.games_season, s.minutes_sum, s.plays_sum, s.court_sum,
    p.games_season AS games_before,
    COALESCE(s.home_games, 0) + COALESCE(p.home_games, 0) AS home_games,
    COALESCE(s.games_season, 0) + COALESCE(p.games_season, 0) AS two_season_games,
    {{stat_seasons(*)}}
  FROM latest AS t
  LEFT JOIN totals AS s ON s.player_id = t.player_id AND s.n = t.n AND s.season = t.season
  LEFT JOIN seasons AS p ON p.player_id = t.player_id AND p.season = t.season_before
),
spreads AS (
  SELECT
    s.*,
    {{stat_spread(*)}}
  FROM sums AS s
)
SELECT
  s.game_date, s.game_id, s.player_id, s.features_as_of, s.team, s.opponent,
  {{stat_features(*)}},
  COALESCE(s.games_season, 0) AS games_season,
  f.games_known,
  f.minutes_last, f.minutes_l5, f.minutes_l10, f.minutes_l20,
  SAFE_DIVIDE(s.minutes_sum, s.games_season) AS minutes_season,
  f.minutes_ewma_10, f.minutes_ewma_20, f.minutes_second_last, f.minutes_max_l10,
  SAFE_DIVIDE(f.k_sum * f.minutes_sum_10 - f.games_10 * f.k_minutes,
    f.games_10 * f.k_squares - f.k_sum * f.k_sum) AS minutes_slope_l10,
  f.minutes_sd_l10,
  f.attempts_per_minute_l5, f.attempts_per_minute_l20, f.points_per_attempt_l60,
  f.usage_l10,
  SAFE_DIVIDE(s.plays_sum, s.court_sum) AS usage_season,
  f.fga_last, f.fga_l10, f.fg3a_l10, f.fta_l10, f.fga_share_l10, f.fg3a_share_l10, f.fta_share_l10,
  f.fg2_pct_l20, f.fg3_pct_l20, f.ft_pct_l40, f.true_shooting_l20,
  f.points2_l20, f.points3_l20, f.points1_l20,
  f.steals_l10, f.blocks_l10, f.turnovers_l10, f.fouls_l10, f.plus_minus_l10,
  f.rebounds_l40, f.assists_l40,
  COALESCE(w.games_last_7, 0) AS games_last_7,
  COALESCE(w.games_last_14, 0) AS games_last_14,
  COALESCE(w.minutes_last_7, 0.0) AS minutes_last_7,
  COALESCE(v.games, 0) AS versus_opponent_games,
  -- Before the first game for a new team nobody knows since when, nor whom he will miss there.
  IF(s.team = s.last_team, DATE_DIFF(s.game_date, s.last_change_date, DAY), NULL) AS days_since_team_change,
  s.n AS career_games,
  IF(s.team = s.last_team, f.missing_points_l10, NULL) AS missing_points_l10,
  IF(s.team = s.last_team, f.missing_minutes_l10, NULL) AS missing_minutes_l10
FROM spreads AS s
JOIN form AS f ON f.player_id = s.player_id AND f.n = s.n
LEFT JOIN workload AS w ON w.game_id = s.game_id AND w.player_id = s.player_id
LEFT JOIN versus AS v ON v.game_id = s.game_id AND v.player_id = s.player_id
