-- Whether a prediction says anything that can be graded: a system that has nothing of its own to
-- say of a statistic leaves rows that say so. $1: the alias of the predictions with its dot.
COALESCE($1error_code, '') <> 'nothing_to_say'
