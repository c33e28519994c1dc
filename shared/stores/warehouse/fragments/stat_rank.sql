-- Of one statistic, a player's place among those of his team who are available. $1: its column.
RANK() OVER (PARTITION BY game_id, team ORDER BY $1_ewma_08 DESC) AS $1_rank
