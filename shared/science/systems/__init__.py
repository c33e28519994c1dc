"""The five predictive systems and what they share: pure functions on numpy arrays, no clock, client
or log.
"""
