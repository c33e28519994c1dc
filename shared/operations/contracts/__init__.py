"""What must exist for a date: what there is of it (snapshot), and what it is short of (rules).

The contracts themselves are in pipeline.yaml. Self-heal restarts by them, the grid shows them.
"""
