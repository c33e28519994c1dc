"""Where a date stands: the grid, a cell of it, a batch, one sentence on a day, and where a pick
comes from. Read only.
"""
