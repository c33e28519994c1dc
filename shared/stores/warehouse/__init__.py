"""The warehouse: declared tables, the SQL beside the code, staging and its MERGE."""
