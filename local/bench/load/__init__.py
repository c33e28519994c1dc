"""`make load`: batches of thousands of units through the embedded runtime, and whether time grows
as they do.
"""
