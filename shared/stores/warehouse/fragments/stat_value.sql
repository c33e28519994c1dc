-- Of the statistic that a row is about: what a game brought, or a feature of it. $1: the alias of
-- the table that has the columns with its dot; $2: what follows the statistic's name in theirs
-- (_season), or nothing; $3: the column that names the statistic.
CASE $3
      WHEN 'points' THEN $1points$2
    END
