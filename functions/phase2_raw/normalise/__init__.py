"""One module a source: its responses as rows of the nba_raw tables, what cannot be read named and
counted.
"""
