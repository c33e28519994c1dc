"""The four ports on one machine: DuckDB, SQLite and files; and the queue that stands for
Pub/Sub.
"""
