-- Of one statistic, what a player's team-mates leave to him and what his opponents miss: of him
-- (p), the missing of his team (t) and of the other (o), the available (v) and his place (r).
-- Listed out himself he has no share. $1: its column.
IF(p.injury_report_source IS NULL, NULL,
      COALESCE(t.$1, 0.0) - p.rotation_absence * p.$1_l10) AS teammates_out_$1,
    IF(p.injury_report_source IS NULL, NULL, v.$1 + p.own_absence * p.$1_ewma_08) AS available_$1,
    IF(p.injury_report_source IS NULL OR p.is_rotation_out, NULL,
      SAFE_DIVIDE(p.$1_ewma_08, v.$1 + p.own_absence * p.$1_ewma_08)) AS $1_share,
    r.$1_rank,
    IF(p.opponent_unknown, NULL, COALESCE(o.$1, 0.0)) AS opponents_out_$1
