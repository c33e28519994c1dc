-- Of one statistic, what a team's missing rotation players usually bring (players). $1: its column.
SUM(rotation_absence * $1_l10) AS $1
