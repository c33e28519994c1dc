"""What the commands of the Makefile have in common: how they end, and how they reach a runtime."""
