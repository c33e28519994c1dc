"""The embedded runtime: the same ports on DuckDB, SQLite and files, and the runner behind `make
run`.
"""
