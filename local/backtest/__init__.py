"""A season walked through day by day with the code that serves, and what the systems would have
said and won.
"""
