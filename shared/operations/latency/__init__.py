"""From the end of a game until it is graded, and from a run's trigger to its export."""
