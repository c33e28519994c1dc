"""The code that functions share, in rooms: core < nba < stores < chain | science < operations."""
