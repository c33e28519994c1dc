"""The SQL check of ARCHITECTURE.md: what BigQuery would reject, or what has burnt pipelines like
this one.
"""
