-- Stages as rows of the table; they travel as one JSON list.
SELECT
  CAST(JSON_VALUE(stage, '$.game_date') AS DATE) AS game_date,
  JSON_VALUE(stage, '$.kind') AS kind,
  JSON_VALUE(stage, '$.subject') AS subject,
  JSON_VALUE(stage, '$.stage') AS stage,
  CAST(JSON_VALUE(stage, '$.began_at') AS TIMESTAMP) AS began_at,
  CAST(JSON_VALUE(stage, '$.ended_at') AS TIMESTAMP) AS ended_at,
  CAST(JSON_VALUE(stage, '$.seconds') AS FLOAT64) AS seconds,
  CAST(JSON_VALUE(stage, '$.target_seconds') AS FLOAT64) AS target_seconds,
  @measured_at AS measured_at
FROM UNNEST(JSON_QUERY_ARRAY(@stages)) AS stage
