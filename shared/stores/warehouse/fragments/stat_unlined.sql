-- Of one statistic, whether its line, or the price of it, is not known. $1: the statistic.
-- Joined by OR.
$1_line IS NULL OR $1_line_p_over IS NULL
