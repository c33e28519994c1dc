"""What BigQuery says of a dataset's tables, as SQL text."""

from __future__ import annotations


def tables_sql(dataset: str) -> str:
    """Names and columns of the dataset's tables whose name begins with @prefix; views are left out."""
    return f"""
SELECT listed.table_name, ARRAY_AGG(listed.column_name ORDER BY listed.ordinal_position) AS columns
FROM {dataset}.INFORMATION_SCHEMA.COLUMNS AS listed
JOIN {dataset}.INFORMATION_SCHEMA.TABLES AS kinds ON kinds.table_name = listed.table_name
WHERE kinds.table_type = 'BASE TABLE' AND STARTS_WITH(listed.table_name, @prefix)
GROUP BY listed.table_name
ORDER BY listed.table_name"""
