"""How long functions take beside what they usually take: the latest runs, and weeks and months."""
