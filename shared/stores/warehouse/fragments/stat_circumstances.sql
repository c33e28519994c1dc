-- Of one statistic, the columns that the fragment stat_mates makes. $1: the alias of the table that
-- has them with its dot, or nothing; $2: the statistic's column.
$1teammates_out_$2, $1available_$2, $1$2_share, $1$2_rank, $1opponents_out_$2
