-- Of one statistic, a player's line and its price, from rows of all statistics (medians m,
-- probabilities b). $1: the statistic.
MAX(IF(m.stat = '$1', CAST(m.main_line AS FLOAT64), NULL)) AS $1_line,
    MAX(IF(m.stat = '$1', b.line_p_over, NULL)) AS $1_line_p_over
