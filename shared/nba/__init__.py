"""Facts of the sport: what feeds write about games, teams, players, and how it is read."""
