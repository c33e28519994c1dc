-- Of one statistic, the columns of its line. $1: the alias of the table that has them with its dot,
-- or nothing; $2: the statistic.
$1$2_line, $1$2_line_p_over
