-- The probability that a rotation player (15 minutes a game) does not play, by his status at 17:30:
-- 1 - who played of 2022-23 to 2024-25 (OUT .0003 of 9,552, DOUBTFUL .019 of 475, QUESTIONABLE .551
-- of 3,714, PROBABLE .953 of 1,558; AVAILABLE .943 of 1,634, as who is not listed: .938). It hardly
-- depends on the hours to tip-off (docs/science.md). $1: the status, NULL for who is not listed.
CASE $1
  WHEN 'OUT' THEN 1.0 WHEN 'DOUBTFUL' THEN 0.98 WHEN 'QUESTIONABLE' THEN 0.45 WHEN 'PROBABLE' THEN 0.05 ELSE 0.0
END
