-- Of one statistic, the averages that a page shows. $1: the alias of the feature store with its
-- dot; $2: the statistic's column.
$1$2_season,
    $1$2_l5,
    $1$2_l10
