"""self_heal: compares what should exist for a date with what does, and restarts the earliest phase
that is short.
"""
