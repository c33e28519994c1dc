-- Of one statistic, what those of a team who are expected to play usually bring (players). $1: its
-- column.
SUM((1 - rotation_absence) * $1_ewma_08) AS $1
