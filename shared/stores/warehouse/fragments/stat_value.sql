-- Of the statistic that a row is about: what a game brought, or a feature of it; of a sum what its
-- parts brought together. $1: the alias of the table that has the columns with its dot; $2: what
-- follows a base statistic in their names (_season), or nothing; $3: the column that names the
-- statistic; $4: how the table calls threes, which in box scores are fg3m.
CASE $3
      WHEN 'points' THEN $1points$2
      WHEN 'rebounds' THEN $1rebounds$2
      WHEN 'assists' THEN $1assists$2
      WHEN 'threes' THEN $1$4$2
      WHEN 'pra' THEN $1points$2 + $1rebounds$2 + $1assists$2
      WHEN 'pr' THEN $1points$2 + $1rebounds$2
      WHEN 'pa' THEN $1points$2 + $1assists$2
      WHEN 'ra' THEN $1rebounds$2 + $1assists$2
    END
